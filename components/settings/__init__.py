"""The stack file: the keys of its blocks, their rules, and the only reader of pulumi.Config."""
