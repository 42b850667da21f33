"""The programs that a sandbox runs: found, installed or built."""
