"""Credentials: for the jobs that deploy, and for pulling images."""
