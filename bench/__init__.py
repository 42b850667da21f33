"""Measurements: what this program takes, beside what people would use instead, on the same servers in the same run."""
