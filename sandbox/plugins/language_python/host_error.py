"""What the language host refuses, as the engine shows it."""


class HostError(Exception):
    """A sentence for the user; the engine gets it as the call's error."""
