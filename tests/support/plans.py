"""Plans for tests: recorded ones, made by the real engine (3.250), and made-up ones in the same form."""

import json
from pathlib import Path
from typing import Any

from ops.preview import plan
from ops.preview.plan import Plan
from ops.preview.redaction import Redactor

FOLDER = Path(__file__).parent / "plans"
"""Without outputs nobody reads, and without what says where the program was: stack traces, times, dependencies."""
DEPLOYMENT = "kubernetes:apps/v1:Deployment"


def text(name: str) -> str:
    """A recorded plan, as its file holds it."""
    return (FOLDER / f"{name}.json").read_text()


def recorded(name: str) -> Plan:
    return plan.read("prod", text(name), Redactor())


def step(
    op: str = "update",
    *,
    kind: str = DEPLOYMENT,
    name: str = "app",
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """One step; `old` and `new` are the inputs, None where the resource is not there."""
    urn = f"urn:pulumi:prod::gitlab-deploy::{kind}::{name}"
    states = {"oldState": old, "newState": new}
    made = {
        key: {"urn": urn, "custom": True, "type": kind, "inputs": inputs}
        for key, inputs in states.items()
        if inputs is not None
    }
    return {"op": op, "urn": urn, **made, "detailedDiff": None, **more}


def document(*steps: dict[str, Any], diagnostics: tuple[dict[str, Any], ...] = ()) -> str:
    return json.dumps({"config": {}, "steps": list(steps), "diagnostics": list(diagnostics), "duration": 1})


def made(*steps: dict[str, Any], diagnostics: tuple[dict[str, Any], ...] = ()) -> Plan:
    """The plan of made-up steps."""
    return plan.read("prod", document(*steps, diagnostics=diagnostics), Redactor())
