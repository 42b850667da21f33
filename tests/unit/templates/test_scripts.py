"""ShellCheck reads the scripts of the templates and examples as it reads ops/job.sh."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import ci_templates
from tests.support.project import ROOT

FILES = [
    *sorted((ROOT / "templates").glob("*.yml")),
    ROOT / ".gitlab-ci.yml",
    ROOT / ".ci" / "gitlab-ci.yml",
    *(ROOT / "examples").rglob("*.gitlab-ci.yml"),
]
SHELLCHECK = Path(sys.executable).with_name("shellcheck")
# A runner sets the variables, ends at the first error, and runs the sections of a job in one shell. SC2016: git's
# credential helper is a script of its own.
SETTINGS = "# shellcheck shell=bash disable=SC1091,SC2016,SC2154\nset -eo pipefail"


def jobs(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    template = path.parent.name == "templates"
    body = ci_templates.render(path.stem) if template else yaml.safe_load(path.read_text())
    for name, job in body.items():
        if isinstance(job, dict) and "script" in job:
            yield name, job


SCRIPTS = {
    f"{path.relative_to(ROOT)} {name}": f"{SETTINGS}\n{ci_templates.script(job)}"
    for path in FILES
    for name, job in jobs(path)
}


def findings(script: str) -> str:
    command = [str(SHELLCHECK), "--format=gcc", "-"]
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    return done.stdout


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_jobs_script_has_no_finding(name: str) -> None:
    assert findings(SCRIPTS[name]) == ""


def test_an_unquoted_variable_is_a_finding() -> None:
    assert "SC2086" in findings(f"{SETTINGS}\nrm $unquoted\n")
