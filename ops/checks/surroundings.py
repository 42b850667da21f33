"""What is around a stack before it runs: plugins, what is in its namespace, variables of others, proxy and clocks."""

import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

from components.cluster.ownership import STACK_ID
from components.docker_app.entrance import Entrance, ask_from_host
from components.docker_app.remote_docker import RemoteDocker
from components.settings.docker_host import DockerHost
from components.settings.settings import Settings
from components.stack_state import StateResource
from ops import cli
from ops.adopt import variables
from ops.checks.check import Check
from ops.ops_error import OpsError

CLOCK_TOLERANCE = timedelta(minutes=1)
_NO_DOWNLOADS = "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"
_KINDS = (
    "deployments.apps,statefulsets.apps,daemonsets.apps,cronjobs.batch,jobs.batch,services,ingresses.networking.k8s.io"
)
_LISTED = 10


def plugins(stack: Settings) -> Iterator[Check]:
    """Each provider that the stack needs is there in the version of its package, or can be downloaded."""
    parts = {"kubernetes": stack.needs_cluster, "gitlab": stack.needs_gitlab, "docker": bool(stack.docker_host)}
    listed = cli.run("pulumi", "plugin", "ls", "--json", "--non-interactive")
    there = json.loads(listed.stdout or "[]") if listed.returncode == 0 else []
    found = {(item["name"], str(item.get("version", "")).removeprefix("v")) for item in there}
    for name in (part for part, is_needed in parts.items() if is_needed):
        wanted = version(f"pulumi-{name}")
        if (name, wanted) in found or shutil.which(f"pulumi-resource-{name}"):
            yield True, f"plugin {name} {wanted}"
        elif os.environ.get(_NO_DOWNLOADS, "").lower() in {"1", "true"}:
            yield False, f"plugin {name} {wanted} is missing, and {_NO_DOWNLOADS} is set; run 'pulumi install'"
        else:
            yield None, f"plugin {name} {wanted} is missing; the first run downloads it, as 'pulumi install' does"


def taken_variables(stack: Settings, token: str | None, state: tuple[StateResource, ...]) -> Iterator[Check]:
    """Variables that exist already, and so would be refused; nothing if GitLab does not list them."""
    own = {resource.id for resource in state}
    try:
        there = variables.fetch(stack, token)
    except OpsError:
        return
    for wanted in variables.declared(stack):
        if there.find(wanted) and wanted.id not in own:
            yield (
                False,
                (
                    f"the {wanted} exists, and is not this stack's: GitLab would refuse another; remove it, or run "
                    f"'python -m ops adopt --stack {stack.stack}'"
                ),
            )


def others(namespace: str, own_id: str) -> Iterator[Check]:
    """What else is in the namespace, for whoever did not expect it."""
    asked = cli.run("kubectl", "get", _KINDS, "-n", namespace, "-o", "json")
    if asked.returncode:
        return
    names = [
        f"{item['kind']} {item['metadata']['name']}"
        for item in json.loads(asked.stdout)["items"]
        if (item["metadata"].get("labels") or {}).get(STACK_ID) != own_id
        and not item["metadata"].get("ownerReferences")
    ]
    if names:
        more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        yield None, f"namespace {namespace} also has {', '.join(names[:_LISTED])}{more}, which this stack leaves alone"


def proxy(target: DockerHost) -> Iterator[Check]:
    """Something takes requests where the reverse proxy of the route is expected."""
    if not target.host:
        return
    remote = RemoteDocker.of(target)
    entrance = Entrance(host=target.host, tls=target.tls, address=target.proxy)
    answer = ask_from_host(remote, entrance, "/")
    where = f"a reverse proxy answers at {entrance.from_host} of {target.address}"
    if answer.status:
        yield True, where
    else:
        reason = answer.reason or "no answer"
        yield False, f"{where}, but: {reason}; start it, or set gitlab-deploy:dockerHost.proxy to where it listens"


def docker_clock(target: DockerHost) -> Iterator[Check]:
    """Docker's host has the time that this machine has."""
    shown = RemoteDocker.of(target).run("info", "--format", "{{.SystemTime}}").stdout.strip()
    try:
        skew = datetime.now(UTC) - datetime.fromisoformat(shown)
    except ValueError:
        return
    yield from clock(skew, target.address)


def clock(skew: timedelta | None, where: str) -> Iterator[Check]:
    """A problem if the clocks differ: tokens and certificates are valid from and until a time."""
    if skew is not None and abs(skew) > CLOCK_TOLERANCE:
        yield False, f"this machine's clock differs by {abs(skew).total_seconds():.0f} s from that of {where}; set it"
