"""What a command tells its user when it cannot run."""


class OpsError(Exception):
    """One sentence: what was wrong, where, and the remedy. Never holds a secret."""
