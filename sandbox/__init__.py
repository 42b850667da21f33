"""Everything that a deployment needs, real, on this machine: `python -m sandbox`."""
