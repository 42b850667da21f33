"""The components of templates/ as GitLab renders them: each input is checked, and pasted before the YAML is parsed."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import re2  # type: ignore[import-untyped]
import yaml

from tests.support.project import ROOT

INPUT = re.compile(r"\$\[\[ inputs\.([a-z_]+) \]\]")
GIVEN = {"stack": "prod", "stacks": "prod", "url": "https://blog.example.org", "domain": "review.example.org"}
"""What an include gives for the inputs that have no default."""


class RefusedError(Exception):
    """GitLab creates no pipeline, as its configuration is wrong: of an input, or of a stage."""


@cache
def parts(name: str) -> tuple[dict[str, Any], str]:
    """The inputs that a component declares, and the text they are pasted into."""
    return _split(source(name))


def source(name: str) -> str:
    """A component as it is in templates/."""
    return (ROOT / "templates" / f"{name}.yml").read_text()


def text(name: str, /, **given: object) -> str:
    """A component's text with its inputs pasted, those of GIVEN too."""
    declared = parts(name)[0]
    return interpolate(source(name), {key: value for key, value in GIVEN.items() if key in declared} | given)


def interpolate(component: str, given: Mapping[str, object]) -> str:
    """A component's text with its inputs pasted; RefusedError if they are not what it declares."""
    declared, body = _split(component)
    if unknown := set(given) - set(declared):
        raise RefusedError(f"unknown input arguments: {', '.join(sorted(unknown))}")
    return INPUT.sub(lambda found: _value(found[1], declared[found[1]], given), body)


def render(name: str, /, **given: object) -> dict[str, dict[str, Any]]:
    """A component's jobs by name."""
    jobs: dict[str, dict[str, Any]] = yaml.safe_load(text(name, **given))
    return jobs


def script(job: dict[str, Any]) -> str:
    """What the runner's shell gets: the lines of both sections, one after the other."""
    return "\n".join([*job.get("before_script", ()), *job["script"]]) + "\n"


def _split(component: str) -> tuple[dict[str, Any], str]:
    header, separator, body = component.partition("\n---\n")
    assert separator
    return yaml.safe_load(header)["spec"]["inputs"], body


def _value(name: str, declared: dict[str, Any], given: Mapping[str, object]) -> str:
    value = given.get(name, declared.get("default"))
    if value is None:
        raise RefusedError(f"{name}: required value has not been provided")
    if not isinstance(value, bool if declared.get("type") == "boolean" else str):
        raise RefusedError(f"{name}: provided value is not a {declared.get('type', 'string')}")
    if isinstance(value, bool):
        return str(value).lower()
    if "regex" in declared and not re2.search(declared["regex"], value):
        raise RefusedError(f"{name}: provided value does not match required RegEx pattern")
    return value
