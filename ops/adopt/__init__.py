"""Bringing what was made by hand, or what a lost state left, under a stack."""
