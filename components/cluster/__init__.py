"""What there is on the cluster before anything is made, and whose it is."""
