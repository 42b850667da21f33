"""What `ops verify` and `ops status` find out of a stack that is up."""
