"""Errors and warnings of previews as GitLab's code quality report: findings at lines of a stack file. Pure.

The form is GitLab's (doc/ci/testing/code_quality.md, "Code Quality report format"). GitLab identifies findings by their
fingerprint, so that one which the target branch has too is not shown as new.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from ops.preview import yaml_document
from ops.preview.diagnostics import Diagnostic
from ops.preview.plan import Plan
from ops.preview.plan_text import abbreviate, shorten

Finding = dict[str, Any]
DESCRIPTION_LIMIT = 500
_SEVERITIES = {"error": "critical", "warning": "minor"}
# A key as the program's messages write it: gitlab-deploy:app.port
_KEY = re.compile(r"(?:[A-Za-z][\w-]*:)?[A-Za-z]\w*(?:\.[A-Za-z_][\w-]*)*")
_LISTED = re.compile(r"\s+[A-Za-z][\w-]*:[A-Za-z]\w*\b")


@dataclass(frozen=True)
class _Problem:
    check: str
    severity: str
    message: str


def collect(plan: Plan, path: str, stack_file: str) -> list[Finding]:
    """The findings of one plan; `path` is that of the stack file in its repository, `stack_file` its text."""
    keys = _keys(stack_file)
    found = {}
    for problem in _problems(plan):
        identity = (plan.stack, problem.check, problem.severity, problem.message)
        fingerprint = hashlib.sha256("\0".join(identity).encode("utf-8", "replace")).hexdigest()
        found[fingerprint] = {
            "description": shorten(problem.message, DESCRIPTION_LIMIT),
            "check_name": problem.check,
            "fingerprint": fingerprint,
            "severity": problem.severity,
            "location": {"path": path, "lines": {"begin": _line(problem.message, keys)}},
        }
    return list(found.values())


def _problems(plan: Plan) -> Iterator[_Problem]:
    if plan.failure:
        message = f"The preview of {plan.stack} failed: {plan.failure}"
        yield _Problem("pulumi-preview", _SEVERITIES["error"], message)
    for item in plan.diagnostics:
        if item.severity in _SEVERITIES:
            check = f"policy-{item.policy}" if item.policy else "pulumi-preview"
            for message in _listed(item):
                yield _Problem(check, _SEVERITIES[item.severity], message)


def _listed(item: Diagnostic) -> Iterator[str]:
    """The problems in a message: those of a stack file are listed in one, a line for each."""
    lines = item.message.splitlines()
    listed = [line.strip() for line in lines if _LISTED.match(line)]
    about = f"{abbreviate(item.resources)}: " if item.resources else ""
    yield from listed or [about + " ".join(line.strip() for line in lines if line.strip())]


def _keys(stack_file: str) -> dict[str, int]:
    """The lines of a stack file's keys, by their paths: `gitlab-deploy:app.port`; none if it cannot be read."""
    try:
        root = yaml_document.compose(stack_file)
    except (yaml.YAMLError, ValueError):
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
    """The line of the first key that a message names, or of the block it is in; 1 if it names none."""
    for candidate in _KEY.findall(message):
        # A word of a sentence is no key, so one without the project's name has to be a path.
        names = [candidate] if ":" in candidate else [key for key in keys if key.endswith(f":{candidate}")]
        for name in names if ":" in candidate or "." in candidate else ():
            while name:
                if name in keys:
                    return keys[name]
                name = name.rpartition(".")[0]  # noqa: PLW2901
    return 1
