"""The versions of what the sandbox runs, read from the one file that pins each: requirements.txt or a go.mod."""

import re
from functools import cache

from sandbox.names import ROOT


@cache
def python_package(name: str) -> str:
    """The version of a Python package in requirements.txt; a Pulumi plugin has that of its package."""
    return _pinned(rf"^{re.escape(name)}==(\S+)$", (ROOT / "requirements.txt").read_text(encoding="utf-8"), name)


@cache
def go_module(module: str, dependency: str) -> str:
    """The version of a dependency, without its `v`, in the go.mod of one of the sandbox's modules."""
    text = (ROOT / "sandbox" / "go" / module / "go.mod").read_text(encoding="utf-8")
    return _pinned(rf"^\s*(?:require )?{re.escape(dependency)} v(\S+)", text, dependency)


def _pinned(pattern: str, text: str, name: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if not found:
        raise ValueError(f"no version of {name} is pinned")
    return found[1]
