"""What commands read from and write to GitLab."""
