"""`python -m ops status` of many stacks, all of which show the same application on the cluster."""

import json
import shutil
import sys
from pathlib import Path

from bench.contenders import Ours
from bench.kubernetes import application_config, prepare_namespace
from bench.results import Context
from bench.sample import measure
from sandbox.names import ROOT

STACKS = 30
STACK = "bench"


def status(context: Context) -> None:
    """Of the states alone, and with the question whether each application serves."""
    prepare_namespace(context, "status")
    folder = context.folder / "ours"
    ours = Ours(context.instance, folder, STACK, application_config(context, "status"))
    ours.up()
    for number in range(1, STACKS):
        _copy(folder, f"{STACK}-{number:02}")
    environment = ours.environment | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "ops", "status"]
    for _ in context.rounds(3):
        for subject, options in ((f"{STACKS} stacks, states alone", ["--offline"]), (f"{STACKS} stacks", [])):
            sample = measure([*command, *options], cwd=folder, environment=environment, servers=ours.servers)
            context.results.add(subject, "ops status", sample)
    ours.destroy()


def _copy(folder: Path, name: str) -> None:
    """One stack more: the state of the first one under another name, which is in its file and in each URN."""
    (state,) = (folder.with_name(f"{folder.name}-state") / ".pulumi" / "stacks").rglob(f"{STACK}.json")
    text = state.read_text(encoding="utf-8").replace(f"urn:pulumi:{STACK}::", f"urn:pulumi:{name}::")
    document = json.loads(text)
    latest = document["checkpoint"]
    latest["stack"] = latest["stack"].replace(f"/{STACK}", f"/{name}")
    state.with_name(f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    shutil.copy(folder / f"Pulumi.{STACK}.yaml", folder / f"Pulumi.{name}.yaml")
