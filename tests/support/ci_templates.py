"""The components of templates/ as GitLab renders them: each input is checked, and pasted before the YAML is parsed."""

import re
from functools import cache
from typing import Any

import re2  # type: ignore[import-untyped]
import yaml

from tests.support.project import ROOT

INPUT = re.compile(r"\$\[\[ inputs\.([a-z_]+) \]\]")
GIVEN = {"stack": "prod", "stacks": "prod", "url": "https://blog.example.org", "domain": "review.example.org"}
"""What an include gives for the inputs that have no default."""


class RefusedError(Exception):
    """GitLab creates no pipeline, for an input is not what the component declares."""


@cache
def parts(name: str) -> tuple[dict[str, Any], str]:
    """The inputs that a component declares, and the text they are pasted into."""
    header, separator, body = (ROOT / "templates" / f"{name}.yml").read_text().partition("\n---\n")
    assert separator
    return yaml.safe_load(header)["spec"]["inputs"], body


def text(name: str, /, **given: object) -> str:
    """A component's text with its inputs pasted."""
    declared, body = parts(name)
    assert set(given) <= set(declared)
    return INPUT.sub(lambda found: _value(found[1], declared[found[1]], given), body)


def render(name: str, /, **given: object) -> dict[str, dict[str, Any]]:
    """A component's jobs by name."""
    jobs: dict[str, dict[str, Any]] = yaml.safe_load(text(name, **given))
    return jobs


def script(job: dict[str, Any]) -> str:
    """What the runner's shell gets: the lines of both sections, one after the other."""
    return "\n".join([*job.get("before_script", ()), *job["script"]]) + "\n"


def _value(name: str, declared: dict[str, Any], given: dict[str, object]) -> str:
    value = given.get(name, declared.get("default", GIVEN.get(name)))
    assert value is not None, f"{name} has no default, and no value here"
    if not isinstance(value, bool if declared.get("type") == "boolean" else str):
        raise RefusedError(f"{name}: provided value is not a {declared.get('type', 'string')}")
    if isinstance(value, bool):
        return str(value).lower()
    if "regex" in declared and not re2.search(declared["regex"], value):
        raise RefusedError(f"{name}: provided value does not match required RegEx pattern")
    return value
