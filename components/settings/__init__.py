"""The stack file: the keys of its blocks, their rules, and the only module that reads configuration."""
