"""`python -m ops` as a user runs it: in the folder of a Pulumi project."""

import sys

from tests.support.project import ROOT, Project, Run


def ops(project: Project, *arguments: str, **environment: str) -> Run:
    """What a command did."""
    return project.run(sys.executable, "-m", "ops", *arguments, PYTHONPATH=str(ROOT), **environment)
