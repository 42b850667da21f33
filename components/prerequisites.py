"""Ends the program with one sentence if it cannot run here. Python 3.8 can read this file, and it needs no package."""

import sys
from importlib.util import find_spec

OLDEST = (3, 11)
PACKAGES = ("pulumi", "pulumi_docker", "pulumi_gitlab", "pulumi_kubernetes", "yaml")


def require_python() -> None:
    """Exits if Python is too old."""
    if sys.version_info[:2] < OLDEST:
        version = ".".join(map(str, sys.version_info[:3]))
        sys.exit(
            f"gitlab-deploy needs Python 3.11 or newer, and {sys.executable} is Python {version}; make .venv with a "
            "newer one: 'python3.11 -m venv .venv && pulumi install'"
        )


def require() -> None:
    """Exits if Python is too old, or a package of requirements.txt is missing."""
    require_python()
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        sys.exit(
            f"{sys.executable} has no package {', '.join(missing)}, which requirements.txt names; run 'pulumi install'"
        )
