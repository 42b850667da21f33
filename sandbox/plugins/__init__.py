"""Resource plugins for Pulumi that the sandbox brings along."""
