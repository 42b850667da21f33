"""`python -m ops verify`: does the stack do what it is for, and no more, seen with the credential its jobs get?"""

import argparse
import json
import os
from collections.abc import Iterator
from typing import cast

import requests

from components.outputs import StackOutputs
from ops import cli as tools
from ops import site
from ops.checks import access as credential
from ops.checks import docker_host, ingress, kubernetes
from ops.checks.check import Check, holds
from ops.ops_error import OpsError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument(
        "--job",
        action="store_true",
        help="in a job that has deployed: check what serves, with the credential of the job, and ask nothing of GitLab",
    )
    parser.add_argument("--path", help="path of the site to ask for (default: /, or that of a compose file's route)")
    parser.add_argument("--expect", help="text that every answer of the site has to hold, such as its version")
    parser.add_argument("--url", help="also ask at this address, such as http://SERVICE-ADDRESS")
    parser.add_argument(
        "--proxy",
        type=site.endpoint,
        metavar="ADDRESS[:PORT]",
        help="ask the site there, the address of the reverse proxy or the Ingress controller (default: where its name "
        "leads, or else on the Docker host, or at the address that the Ingress reports)",
    )
    parser.add_argument(
        "--ca",
        default=os.environ.get(site.CA_VARIABLE),
        metavar="FILE",
        help=f"authorities of the site's certificate besides the machine's own (default: ${site.CA_VARIABLE})",
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints one line for each check; 1 where one failed."""
    outputs = _outputs()
    if not outputs:
        raise OpsError("The selected stack has no outputs to check; run 'pulumi up' first")
    count = failed = 0
    for passed, text in checks(outputs, arguments):
        print(f"{'note' if passed is None else 'ok  ' if passed else 'FAIL'}  {text}", flush=True)
        count += passed is not None
        failed += passed is False
    print(f"{count - failed} of {count} checks passed", flush=True)
    return 1 if failed else 0


def checks(outputs: StackOutputs[str], arguments: argparse.Namespace) -> Iterator[Check]:
    """What there is to check of a stack with these outputs, by the arguments of this command."""
    access, app, docker = outputs.get("access"), outputs.get("app"), outputs.get("dockerHost")
    if access and not arguments.job:
        project, environment = access["gitlabProject"], access["environment"]
        with credential.as_job(access, project, environment, protected=access["protected"]) as (check, job):
            yield check
            yield from credential.reach(access["namespace"], job)
            yield credential.accounts(access["namespace"], job)
            if app:
                yield from kubernetes.serving(app, job, arguments)
                yield from ingress.checks(app["namespace"], outputs, arguments)
        if preview := access.get("preview"):
            project, environment = preview["gitlabProject"], preview["environment"]
            with credential.as_job(access, project, environment, protected=False) as (check, job):
                yield check
                yield from credential.reach(access["namespace"], job)
                yield credential.reads_only(access["namespace"], job)
    elif app:
        yield from kubernetes.serving(app, {}, arguments)
        yield from ingress.checks(app["namespace"], outputs, arguments)
    if arguments.url:
        yield _fetch(arguments.url, arguments)
    if docker:
        yield from docker_host.container(docker, outputs["identity"], arguments)
    if compose := outputs.get("compose"):
        yield from docker_host.services(compose, arguments)


def _fetch(url: str, arguments: argparse.Namespace) -> Check:
    """Asks at an address."""
    address = f"{url.rstrip('/')}{arguments.path or '/'}"
    where = f"{address}: answers over HTTP"
    try:
        answer = requests.get(address, timeout=10, verify=arguments.ca or True)
        answer.raise_for_status()
    except requests.RequestException as error:
        return False, f"{where}, but: {error}"
    return holds(where, answer.text, arguments)


def _outputs() -> StackOutputs[str]:
    found = tools.run("pulumi", "stack", "output", "--json", "--non-interactive")
    if found.returncode:
        raise OpsError(f"The selected stack's outputs cannot be read ({tools.last_line(found.stderr)}); select a stack")
    return cast("StackOutputs[str]", json.loads(found.stdout or "{}"))
