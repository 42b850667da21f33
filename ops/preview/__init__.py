"""What a preview says, safe to show: plans read, compared, redacted, rendered."""
