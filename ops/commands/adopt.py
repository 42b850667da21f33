"""`python -m ops adopt`: brings under a stack what was made by hand, or what a lost state left behind."""

import argparse
import json
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from components import identity
from components.cluster.check import owner_of
from components.cluster.planned import planned
from components.settings.settings import Settings
from ops import stack_settings
from ops.adopt import cluster, compose, docker, handmade, old, stack, variables
from ops.adopt.handmade import Handmade
from ops.adopt.old import Old
from ops.adopt.variables import Variable, Variables
from ops.console import report
from ops.gitlab import stack_token
from ops.ops_error import OpsError
from ops.stack_name import StackName

HELP = """\
Takes over what the stack would create and what exists already: made by hand with kubectl and GitLab's API, or by the
same stack before its state was lost. Without --yes it shows what it would do, and changes nothing. Run it from your
machine, with the rights of who made it and a token for GitLab's API (GITLAB_TOKEN); stop the old pipeline's deploys
meanwhile. The site serves on: its Pods are replaced as in any deploy. What the application needs of the old set-up,
and the stack file does not say, is named first. A Deployment's selector and container name never change, so they are
written into the stack file.

What of the old set-up stays valid is named, and removed with --remove-old, once the old pipeline is switched off. The
command ends with a preview, and succeeds if that shows no change. It can be run again at any time.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = HELP
    parser.add_argument("--stack", type=StackName.parse, required=True, help="name of the stack; it exists")
    parser.add_argument("--yes", action="store_true", help="do it; without, only show what would be done")
    parser.add_argument(
        "--remove-old",
        action="store_true",
        help="the old pipeline is switched off: remove its role bindings, tokens and variables too",
    )


def run(arguments: argparse.Namespace) -> int:
    """Takes everything over; 0 if a preview shows no change then, 1 if something is in the way."""
    name: StackName = arguments.stack
    settings = stack_settings.read(name)
    found = _find(name, settings)
    in_gitlab = variables.fetch(settings, stack_token.find(name))
    described = {one: in_gitlab.find(one) for one in variables.declared(settings) if one.id not in found.known}
    taken = {one: variable.attributes for one, variable in described.items() if variable}
    keys = handmade.keys_to_set(settings, found.live)
    for line in (*found.lines, *(f"{one} exists; the stack sets it anew" for one in taken)):
        report(line)
    for path, value in keys.items():
        report(f"{name.file}: gitlab-deploy:{path} becomes {value!r}")
    obstacles = [*handmade.obstacles(settings, found.live), *found.docker_obstacles]
    obstacles += [] if arguments.remove_old else variables.obstacles(settings, in_gitlab)
    for text in obstacles:
        report(f"in the way: {text}")
    if obstacles:
        return 1
    if not arguments.yes:
        _report_old(_old(settings, in_gitlab), remove=arguments.remove_old)
        report("nothing was changed; do it with --yes")
        return 0
    for path, value in keys.items():
        stack.set_key(name, path, value)
    if found.ids or taken:
        _take_over(name, settings, found, taken)
    else:
        report("there is nothing to take over")
    return _finish(name, settings, remove=arguments.remove_old)


@dataclass(frozen=True, kw_only=True)
class _Found:
    ids: list[str]
    """Of what is to be taken over: uids of objects, ids of containers and networks, names of volumes."""
    lines: list[str]
    """What it is, to be shown."""
    live: Handmade
    docker_obstacles: list[str]
    known: frozenset[str]
    """Ids in the state."""


def _find(name: StackName, settings: Settings) -> _Found:
    resources = stack.resources(name)
    own_id = identity.kept_in(resources) or identity.NOT_MADE
    found = cluster.find(settings, own_id, resources) if settings.needs_cluster else []
    known = frozenset(resource.id for resource in resources)
    target = settings.docker_host
    if target and target.compose:
        project, target = compose.find(settings, own_id, known), None
    else:
        project = compose.Found()
    containers = docker.find(target, own_id) if target else []
    return _Found(
        ids=[*(str(metadata["uid"]) for _, metadata in found), *(one.id for one in containers), *project.ids],
        lines=[
            *(f"{item} {owner_of(metadata)}; the stack takes it over" for item, metadata in found),
            *(f"container {one.shown}; the stack's own replaces it, and then it is stopped" for one in containers),
            *project.lines,
        ],
        live=cluster.read([item for item, _ in found], settings.namespace),
        docker_obstacles=[
            *(docker.obstacles(target, docker.inspect(target, containers)) if target else ()),
            *project.obstacles,
        ],
        known=known,
    )


def _take_over(name: StackName, settings: Settings, found: _Found, taken: Mapping[Variable, Mapping[str, Any]]) -> None:
    """In two steps: first what runs, then what leads to it and what is closed around it."""
    target = settings.kubernetes_app
    later = [one.name for one in taken]
    is_replaced = target is not None and any(found.live.find(kind, target.name) for kind in ("Deployment", "Service"))
    if is_replaced:
        # The old Pods have no port called http, and are let in by the application's own NetworkPolicy alone.
        later += ["app-service", "app-ingress", "access-default-deny"]
    if later:
        # What depends on all of it is not made before it is.
        stack.up(name, found.ids, *later, "access.protect")
        cluster.settle(stack.resources(name), found.ids)
    namespace = settings.namespace or ""
    if target is not None and is_replaced:
        # The provider knows from the state whether somebody else owns the number of Pods.
        stack.refresh(name, "app-deployment")
        cluster.wait_for_rollout(namespace, target.name, target.wait_seconds)
    if taken:
        stack.put_state(name, variables.add(json.loads(stack.export(name)), taken))
    with cluster.bridged(namespace, target.name) if target is not None and is_replaced else nullcontext():
        stack.up(name, found.ids)
    cluster.settle(stack.resources(name), found.ids)
    report("the stack has taken it over")


def _finish(name: StackName, settings: Settings, *, remove: bool) -> int:
    remaining = _old(settings, variables.fetch(settings, stack_token.find(name)))
    if remove:
        for one in remaining:
            if one.remove:
                one.remove()
    _report_old(remaining, remove=remove, done=remove)
    changes = stack.changes(name)
    if changes:
        raise OpsError(f"A preview still shows changes; see them, and run 'pulumi up':\n{changes}")
    report("a preview shows no change")
    return 0


def _old(settings: Settings, in_gitlab: Variables) -> list[Old]:
    own = {(item.kind, item.name) for item in planned(settings)}
    return old.find(settings.access, own, in_gitlab)


def _report_old(found: list[Old], *, remove: bool, done: bool = False) -> None:
    for one in found:
        if remove and one.remove:
            report(f"{'removed' if done else 'would be removed'}: {one.text}")
        else:
            report(f"stays valid: {one.text}")
    if found and not remove:
        report("once the old pipeline is switched off, --remove-old removes what stays valid")
