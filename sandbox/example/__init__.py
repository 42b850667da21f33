"""The example site as container images."""
