"""Stands in for the GitLab CLI, for the one command that the documents use: `glab api` (docs.gitlab.com/cli/api).

It takes the options --method and --field alone, sends JSON, converts the values of fields as glab does, and fails if
the answer is an error. The token is GITLAB_TOKEN, the instance GITLAB_HOST.
"""

import argparse
import os
import re
import sys
from pathlib import Path

import requests

SCRIPT = f"""\
#!/bin/sh
exec {sys.executable} {Path(__file__)} "$@"
"""
TIMEOUT_SECONDS = 60


def converted(value: str) -> str | int | bool | None:
    """The value of a --field: `true`, `false`, `null` and whole numbers by their type, `@FILE` and `@-` by content."""
    if value in {"true", "false", "null"}:
        return {"true": True, "false": False, "null": None}[value]
    if re.fullmatch(r"-?\d+", value):
        return int(value)
    if value.startswith("@"):
        return sys.stdin.read() if value == "@-" else Path(value[1:]).read_text()
    return value


def main() -> int:
    """Does what the command line says; the exit status."""
    parser = argparse.ArgumentParser(prog="glab", allow_abbrev=False)
    parser.add_argument("command", choices=["api"])
    parser.add_argument("endpoint")
    parser.add_argument("--method")
    parser.add_argument("--field", action="append", default=[])
    given = parser.parse_args()
    fields = {name: converted(value) for name, _, value in (field.partition("=") for field in given.field)}
    answer = requests.request(
        given.method or ("POST" if fields else "GET"),
        f"{os.environ['GITLAB_HOST']}/api/v4/{given.endpoint}",
        headers={"PRIVATE-TOKEN": os.environ["GITLAB_TOKEN"]},
        json=fields or None,
        timeout=TIMEOUT_SECONDS,
    )
    print(answer.text)
    return 0 if answer.ok else 1


if __name__ == "__main__":
    sys.exit(main())
