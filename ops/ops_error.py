"""What a command reports when it cannot run."""


class OpsError(Exception):
    """One sentence: what is wrong, where, and how to fix it. Holds no secret."""
