"""The containers on the Docker host: of the stack's images, and healthy."""

import argparse
import json
from collections.abc import Iterator

from components.docker_app.host_check import host_problem
from components.docker_app.labels import ID_LABEL
from components.docker_app.remote_docker import RemoteDocker
from components.docker_app.ssh_errors import WrongHostKeyError
from components.outputs import ComposeOutput, DockerHostOutput
from ops import site
from ops.checks.check import Check
from ops.checks.route import Declared, routed

_KEYS = Declared(entry_point="gitlab-deploy:dockerHost.entryPoint", certificate="gitlab-deploy:dockerHost.certResolver")
_LABELS = Declared(
    entry_point="the label traefik.http.routers.NAME.entrypoints in the compose file",
    certificate="the label traefik.http.routers.NAME.tls.certresolver in the compose file",
)


def container(docker: DockerHostOutput[str], identity: str, arguments: argparse.Namespace) -> Iterator[Check]:
    """One container of the stack runs, healthy and of the stack's image, and the proxy leads to it."""
    remote = _remote(docker)
    problem = _problem(remote)
    if problem:
        yield False, problem
        return
    running = remote.running(ID_LABEL, identity)
    form = "{{.Name}}|{{.State.Health.Status}}|{{.Image}}"
    shown = remote.run("inspect", "--format", form, *running).stdout.split()
    image = remote.run("image", "inspect", "--format", "{{.Id}}", docker["image"]).stdout.strip()
    wanted = [f"/{docker['container']}|healthy|{image}"]
    text = f"{docker['address']}: one healthy container, {docker['container']}, runs {docker['image']}"
    yield shown == wanted, text if shown == wanted else f"{text}, but there is: {', '.join(shown) or 'none'}"
    name = docker.get("host")
    if name:
        trust = site.trusting(arguments.ca) if docker.get("tls", True) else None
        yield routed(remote, name, docker["container"], arguments, trust, declared=_KEYS)


def services(compose: ComposeOutput[str], arguments: argparse.Namespace) -> Iterator[Check]:
    """Each service has its container, healthy or completed, and the proxy leads to the stack's own."""
    remote = _remote(compose)
    problem = _problem(remote)
    if problem:
        yield False, problem
        return
    ids = [service["id"] for service in compose["services"].values()]
    # As JSON: a template has no word for a health check that may be missing.
    lines = remote.run("inspect", "--format", "{{.Id}} {{json .State}}", *ids).stdout.splitlines()
    found = {id_: json.loads(state) for id_, _, state in (line.partition(" ") for line in lines)}
    for name, service in compose["services"].items():
        state = found.get(service["id"], {"Status": "none"})
        health = (state.get("Health") or {"Status": "healthy"})["Status"]
        completed = service["completes"] and (state["Status"], state.get("ExitCode")) == ("exited", 0)
        passed = completed or (state["Status"] == "running" and health == "healthy")
        does = "runs or has completed" if service["completes"] else "runs, healthy if it has a health check"
        text = f"{compose['address']}: {name} ({service['container']}) {does}"
        ended = f", exit code {state['ExitCode']}" if state["Status"] == "exited" else ""
        yield passed, text if passed else f"{text}, but it is: {state['Status']}{ended}, {health}"
    web = next((one for one in compose["services"].values() if one["image"] == compose["image"]), None)
    for host in compose["hosts"] if web else ():
        # If the labels do not say that it is TLS, the proxy's own settings decide.
        trusts = (site.trusting(arguments.ca), *([None] if host in compose["plain"] else []))
        container_name, root = web["container"] if web else "", compose["paths"][host]
        yield routed(remote, host, container_name, arguments, *trusts, declared=_LABELS, root=root)


def _remote(output: DockerHostOutput[str] | ComposeOutput[str]) -> RemoteDocker:
    return RemoteDocker(
        address=output["address"], host_key=output["hostKey"], identity_file=output.get("identityFile") or None
    )


def _problem(remote: RemoteDocker) -> str | None:
    try:
        return host_problem(remote)
    except WrongHostKeyError as error:
        return str(error)
