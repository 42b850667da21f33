"""Whether what was declared runs, watched on the cluster."""
