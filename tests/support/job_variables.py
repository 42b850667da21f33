"""Which of a project's CI/CD variables a job gets, by GitLab's rules, in the form of gitlab-ci-local's variables.yml.

Rules: protected variables reach protected branches alone; of several scopes that match, an exact name wins over any
pattern and the longest pattern over the others; `raw` means that `$` is no reference (GitLab: CI/CD variables).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

# gitlab-ci-local takes the longest scope that matches. An exact name is made longer by groups that match nothing.
_PADDING = "(?:)" * 100
_DOTENV_BYTES = 5 * 1024
_DOTENV_VARIABLES = 20
"""GitLab's default for self-managed instances; GitLab.com allows 50 on Free."""


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A CI/CD variable as GitLab's API shows it."""

    key: str
    value: str = field(repr=False)
    variable_type: str = "env_var"
    environment_scope: str = "*"
    protected: bool = False
    masked: bool = False
    raw: bool = False


def pattern(scope: str) -> str:
    """The scope as gitlab-ci-local wants it: a regular expression in which it replaces `*` by `.*`."""
    if scope == "*":
        return scope
    escaped = "*".join(re.escape(part) for part in scope.split("*"))
    return escaped if "*" in scope else escaped + _PADDING


def written(variables: Iterable[Variable], *, protected: bool) -> dict[str, Any]:
    """The variables as gitlab-ci-local reads them, for the jobs of a branch that is protected or not."""
    document: dict[str, Any] = {}
    for variable in variables:
        if variable.protected and not protected:
            continue
        file = variable.variable_type == "file"
        entry = document.setdefault(variable.key, {"type": "file" if file else "variable", "values": {}})
        # A runner writes files as they are; in a text gitlab-ci-local expands `$NAME`, and leaves a `$` of `$$`.
        text = variable.value.replace("$", "$$") if variable.raw and not file else variable.value
        entry["values"][pattern(variable.environment_scope)] = text
    return document


def had(variables: Iterable[Variable], environment: str | None, *, protected: bool) -> dict[str, Variable]:
    """The variables that a job of this environment has, by key; without an environment those of scope `*`."""
    found: dict[str, Variable] = {}
    for variable in variables:
        scope = variable.environment_scope
        if (variable.protected and not protected) or not _matches(scope, environment):
            continue
        known = found.get(variable.key)
        if known is None or _rank(scope) > _rank(known.environment_scope):
            found[variable.key] = variable
    return found


def masks(variables: Iterable[Variable], environment: str | None, *, protected: bool) -> tuple[str, ...]:
    """The values that GitLab masks in the log of such a job: of the variables that the job has, and of no others."""
    return tuple(one.value for one in had(variables, environment, protected=protected).values() if one.masked)


def stored_log(log: str, variables: Iterable[Variable], *, protected: bool) -> str:
    """The log of gitlab-ci-local as GitLab stores those of its jobs: each line without what its job has masked."""
    known = tuple(variables)
    environments = dict(re.findall(r"^(.+?) environment: \{ name: ([^,}]+?)(?:,| \}).*$", log, re.MULTILINE))
    hidden: dict[str | None, tuple[str, ...]] = {
        environment: masks(known, environment, protected=protected) for environment in (None, *environments.values())
    }
    lines = []
    for line in log.splitlines(keepends=True):
        job = next((job for job in environments if re.match(rf"{re.escape(job)} +[>$] ", line)), None)
        for value in sorted(hidden[environments[job] if job else None], key=len, reverse=True):
            line = line.replace(value, "[MASKED]")  # noqa: PLW2901 - each value in turn
        lines.append(line)
    return "".join(lines)


def dotenv_problems(text: str) -> list[str]:
    """Why GitLab would refuse this dotenv report (GitLab: artifacts:reports:dotenv); none means that it takes it."""
    problems = []
    if len(text.encode()) > _DOTENV_BYTES:
        problems.append("it is larger than 5 KB")
    lines = text.splitlines()
    if len(lines) > _DOTENV_VARIABLES:
        problems.append(f"it has more than {_DOTENV_VARIABLES} variables")
    for number, line in enumerate(lines, 1):
        name, separator, value = line.partition("=")
        if not line.strip():
            problems.append(f"line {number} is empty")
        elif not separator or not re.fullmatch(r"\w+", name, re.ASCII):
            problems.append(f"line {number} is no NAME=value")
        elif re.search(r"\s", value):
            problems.append(f"line {number} has white space in its value")
    return problems


def _matches(scope: str, environment: str | None) -> bool:
    if scope == "*" or environment is None:
        return scope == "*"
    return re.fullmatch(".*".join(re.escape(part) for part in scope.split("*")), environment) is not None


def _rank(scope: str) -> tuple[bool, int]:
    return "*" not in scope, len(scope)
