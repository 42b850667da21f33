"""The error that a user of the sandbox is shown: one sentence, no traceback."""


class SandboxError(Exception):
    """What is wrong, where, and what to do about it, in words for the user of the sandbox; never a secret."""
