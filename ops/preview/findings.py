"""What previews warn of, as GitLab's code quality report: findings at a line of a stack file.

The form is GitLab's (doc/ci/testing/code_quality.md, "Code Quality report format"); GitLab tells findings apart by
their fingerprint, so that one which is on the target branch too is not shown as new.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ops.preview.diagnostics import Diagnostic
from ops.preview.plan import Plan
from ops.preview.plan_text import cut, some

DESCRIPTION_LIMIT = 500
_SEVERITIES = {"error": "critical", "warning": "minor"}
# A key as the program's messages write it: gitlab-deploy:app.port
_KEY = re.compile(r"(?:[A-Za-z][\w-]*:)?[A-Za-z]\w*(?:\.[A-Za-z_][\w-]*)*")
_LISTED = re.compile(r"\s+[A-Za-z][\w-]*:[A-Za-z]\w*\b")


def of(plan: Plan, folder: Path, environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """The findings of one plan; `folder` is the project's, in which the stack file is."""
    name = f"Pulumi.{plan.stack.rpartition('/')[2]}.yaml"
    keys = _keys(folder / name)
    path = (_below(folder, environment.get("CI_PROJECT_DIR", "")) / name).as_posix()
    found = {}
    for check, severity, message in _messages(plan):
        fingerprint = hashlib.sha256("\0".join((plan.stack, check, severity, message)).encode()).hexdigest()
        found[fingerprint] = {
            "description": cut(message, DESCRIPTION_LIMIT),
            "check_name": check,
            "fingerprint": fingerprint,
            "severity": severity,
            "location": {"path": path, "lines": {"begin": _line(message, keys)}},
        }
    return list(found.values())


def _messages(plan: Plan) -> Iterator[tuple[str, str, str]]:
    if plan.failure:
        yield "pulumi-preview", _SEVERITIES["error"], f"The preview of {plan.stack} failed: {plan.failure}"
    for item in plan.said:
        if item.severity in _SEVERITIES:
            check = f"policy-{item.policy}" if item.policy else "pulumi-preview"
            for message in _parts(item):
                yield check, _SEVERITIES[item.severity], message


def _parts(item: Diagnostic) -> Iterator[str]:
    """The problems in a message: a stack file's are listed in one, a line for each."""
    lines = item.message.splitlines()
    listed = [line.strip() for line in lines if _LISTED.match(line)]
    about = f"{some(item.resources)}: " if item.resources else ""
    yield from listed or [about + " ".join(line.strip() for line in lines if line.strip())]


def _below(folder: Path, root: str) -> Path:
    """Where the project is in its repository, for the paths in the report."""
    try:
        return folder.resolve().relative_to(Path(root).resolve()) if root else Path()
    except ValueError:
        return Path()


def _keys(file: Path) -> dict[str, int]:
    """The lines of a stack file's keys, by their paths: `gitlab-deploy:app.port`."""
    try:
        root = yaml.compose(file.read_text(), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    keys: dict[str, int] = {}
    for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
        if key.value == "config":
            _collect(value, "", keys)
    return keys


def _collect(node: yaml.Node, above: str, keys: dict[str, int]) -> None:
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        path = f"{above}.{key.value}" if above else str(key.value)
        keys[path] = key.start_mark.line + 1
        _collect(value, path, keys)


def _line(message: str, keys: Mapping[str, int]) -> int:
    """The line of the first key that a message names, or of the block it is in; 1 where it names none."""
    for candidate in _KEY.findall(message):
        # A word of a sentence is no key, so one without the project's name has to be a path.
        names = [candidate] if ":" in candidate else [key for key in keys if key.endswith(f":{candidate}")]
        for name in names if ":" in candidate or "." in candidate else ():
            while name:
                if name in keys:
                    return keys[name]
                name = name.rpartition(".")[0]  # noqa: PLW2901
    return 1
