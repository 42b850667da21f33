"""What the unit tests share."""

import sys

from tests.support.project import ROOT
from tests.support.rollouts import rollouts

__all__ = ["rollouts"]
OF_USERS = {str(ROOT / f"Pulumi.{stack}.yaml") for stack in ("prod", "prod-access")}
"""Whoever uses the program edits them, and no unit test may then fail: STACKS has the examples as they are released."""


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    assert event != "open" or str(arguments[0]) not in OF_USERS, f"a unit test reads {arguments[0]}"


sys.addaudithook(_refuse)
