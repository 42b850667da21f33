"""`python -m ops verify`: does the stack do what it is for, and no more, seen with the credential its jobs get?"""

import argparse
import json
import os
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import requests

from components.docker_app.host_check import host_problem
from components.docker_app.labels import ID_LABEL
from components.docker_app.remote_docker import RemoteDocker
from components.docker_app.ssh_errors import WrongHostKeyError
from components.outputs import AccessOutput, AppOutput, ComposeOutput, DockerHostOutput, StackOutputs
from ops import cli as tools
from ops import rights, site
from ops.gitlab import credential
from ops.ops_error import OpsError

BUILT_IN = ("default", "kube-node-lease", "kube-public", "kube-system")
ROUTED_SECONDS = 30
"""How long a proxy may take until it serves a new container: Traefik collects changes for two seconds, and the first
certificate of a name comes later than its route."""
NO_ROUTER = "404 page not found"
Check = tuple[bool | None, str]
"""Whether it holds (None: nothing that holds or does not, only to be read), and what was looked at."""


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
        help="ask the Docker host's site there, over TLS (default: where the site's name leads, or else on the host)",
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
        with _job(access, project, environment, protected=access["protected"]) as (check, job):
            yield check
            yield from _reach(access["namespace"], job)
            yield _accounts(access["namespace"], job)
            if app:
                yield from _serving(app, job, arguments)
        if preview := access.get("preview"):
            with _job(access, preview["gitlabProject"], preview["environment"], protected=False) as (check, job):
                yield check
                yield from _reach(access["namespace"], job)
                yield _reads_only(access["namespace"], job)
    elif app:
        yield from _serving(app, {}, arguments)
    if arguments.url:
        yield _fetch(arguments.url, arguments)
    if docker:
        yield from _docker(docker, outputs["identity"], arguments)
    if compose := outputs.get("compose"):
        yield from _compose(compose, arguments)


@contextmanager
def _job(
    access: AccessOutput[str], project: str, environment: str, *, protected: bool
) -> Iterator[tuple[Check, dict[str, str]]]:
    """Whether the variable of this scope is as it should be, and the environment of a job that gets it."""
    variable = credential.fetch(access["gitlabUrl"], project, environment)
    wanted = "file" if access["variable"] == "file" else "env_var"
    good = variable.masked and variable.protected == protected and variable.variable_type == wanted
    text = (
        f"GitLab {project}, environment {environment}: KUBECONFIG is masked, "
        f"{'protected' if protected else 'not protected'} and of type {wanted}"
    )
    with credential.as_job(variable, access["variable"]) as job:
        yield (good, text if good else f"{text}, but: {variable}"), job


def _reads_only(namespace: str, job: Mapping[str, str]) -> Check:
    """The credential of previews changes nothing, runs nothing and reads no Secret."""
    text = f"{namespace}: the preview identity reads, but no Secrets, and may do nothing else"
    try:
        beyond = rights.beyond_reading(namespace, job)
    except OpsError as error:
        return False, f"{text}, but: {error}"
    return not beyond, text + (f", but it may: {', '.join(beyond)}" if beyond else "")


def _accounts(namespace: str, job: Mapping[str, str]) -> Check:
    """Who else has access: whoever had the credential once may have made an account for later."""
    try:
        others = rights.others(namespace, job)
    except OpsError as error:
        return False, f"{namespace}: who else has access is not known: {error}"
    if others:
        return None, f"{namespace}: not made by this stack: {'; '.join(others)}"
    return True, f"{namespace}: every ServiceAccount, RoleBinding and token is the stack's own"


def _reach(namespace: str, job: Mapping[str, str]) -> Iterator[Check]:
    """The credential reads all of its own namespace, and is Forbidden in every other one."""
    own = tools.run("kubectl", "get", "all", "-n", namespace, environment=job)
    yield own.returncode == 0, f"{namespace}: kubectl get all works" + ("" if own.returncode == 0 else _why(own.stderr))
    listed = tools.run("kubectl", "get", "namespaces", "-o", "name")
    names = [name.removeprefix("namespace/") for name in listed.stdout.split()] if listed.returncode == 0 else BUILT_IN
    for other in sorted(set(names) - {namespace}):
        got = tools.run("kubectl", "get", "all", "-n", other, environment=job)
        forbidden = got.returncode != 0 and "(Forbidden)" in got.stderr and not got.stdout.strip()
        yield forbidden, f"{other}: kubectl get all is Forbidden" + ("" if forbidden else _why(got.stderr))
    if listed.returncode:
        yield None, f"other namespaces could not be listed with your own kubeconfig{_why(listed.stderr)}"


def _serving(app: AppOutput[str], job: Mapping[str, str], arguments: argparse.Namespace) -> Iterator[Check]:
    """Every Pod behind the Service runs the stack's image, and the Service answers over HTTP."""
    namespace, service, image = app["namespace"], app.get("service"), app["image"]
    name = service or app.get("worker")
    if name is None:
        yield None, f"{namespace}: no Service leads to {image}, so that nothing can be asked"
        return
    kind = "service" if service else "deployment"
    asked = tools.run("kubectl", "get", kind, name, "-n", namespace, "-o", "json", environment=job)
    if asked.returncode:
        yield False, f"{namespace}: the {kind} {name} could not be read{_why(asked.stderr)}"
        return
    spec = json.loads(asked.stdout)["spec"]
    labels = spec["selector"] if service else spec["selector"]["matchLabels"]
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    found = tools.run("kubectl", "get", "pods", "-n", namespace, "-l", selector, "-o", "json", environment=job)
    if found.returncode:
        yield False, f"{namespace}: the Pods could not be listed{_why(found.stderr)}"
        return
    pods = [pod for pod in json.loads(found.stdout)["items"] if _is_serving(pod)]
    current = [pod for pod in pods if image in {container["image"] for container in pod["spec"]["containers"]}]
    yield (
        len(pods) == len(current) > 0,
        f"{namespace}: {len(current)} of {len(pods)} Pods {'behind Service' if service else 'of'} {name} run {image}",
    )
    if service is None:
        return
    port = min(spec["ports"], key=lambda item: (item.get("name") != "http", spec["ports"].index(item)))["port"]
    path = f"/api/v1/namespaces/{namespace}/services/http:{service}:{port}/proxy{arguments.path or '/'}"
    answer = tools.run("kubectl", "get", "--raw", path, environment=job)
    where = f"{namespace}: Service {service} answers over HTTP"
    if answer.returncode:
        yield False, f"{where}{_why(answer.stderr)}"
    else:
        yield _holds(where, answer.stdout, arguments)


def _docker(docker: DockerHostOutput[str], identity: str, arguments: argparse.Namespace) -> Iterator[Check]:
    """One container of the stack runs, healthy and of the stack's image, and the proxy leads to it."""
    remote = RemoteDocker(
        address=docker["address"], host_key=docker["hostKey"], identity_file=docker.get("identityFile") or None
    )
    try:
        problem = host_problem(remote)
    except WrongHostKeyError as error:
        problem = str(error)
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
        yield _routed(remote, name, docker["container"], arguments, trust)


def _compose(compose: ComposeOutput[str], arguments: argparse.Namespace) -> Iterator[Check]:
    """Each service has its container, healthy or completed, and the proxy leads to the stack's own."""
    remote = RemoteDocker(
        address=compose["address"], host_key=compose["hostKey"], identity_file=compose.get("identityFile") or None
    )
    try:
        problem = host_problem(remote)
    except WrongHostKeyError as error:
        problem = str(error)
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
        trust, root = site.trusting(arguments.ca), compose["paths"][host]
        yield _routed(remote, host, web["container"] if web else "", arguments, trust, root)


def _routed(
    remote: RemoteDocker,
    name: str,
    container: str,
    arguments: argparse.Namespace,
    trust: ssl.SSLContext | None,
    root: str = "/",
) -> Check:
    """The site answers through the proxy; it has some time for that, as the container may be a new one.

    `root` is the path that is asked for if no other one is given.
    """
    end = time.monotonic() + ROUTED_SECONDS
    while True:
        passed, text = _through_proxy(remote, name, container, arguments, trust, root)
        if passed or time.monotonic() > end:
            return passed, text
        time.sleep(0.5)


def _through_proxy(
    remote: RemoteDocker,
    name: str,
    container: str,
    arguments: argparse.Namespace,
    trust: ssl.SSLContext | None,
    root: str,
) -> Check:
    path = arguments.path or root
    scheme, port, over = ("https", site.PORT, "TLS") if trust else ("http", site.PLAIN_PORT, "HTTP")
    where = f"{scheme}://{name}{path}"
    try:
        try:
            answer = site.ask(name, path, trust, at=arguments.proxy or (name, port))
            where += f" at {site.shown(arguments.proxy)}" if arguments.proxy else ""
        except site.UnreachableError as unreachable:
            # Not from here, as in a job's network; the host itself reaches its own proxy.
            at = arguments.proxy or ("127.0.0.1", port)
            where += f", asked from the Docker host at {site.shown(at)}"
            try:
                answer = site.ask_from(remote, name, path, trust, at=at)
            except site.UnreachableError as error:
                return False, f"{where}, but: {error}; and from here: {unreachable}; name the proxy with --proxy"
    except OpsError as error:
        return False, f"{where}, but: {error}"
    if answer.status == 404 and answer.body.strip() == NO_ROUTER:
        points = ", ".join(map(repr, _entry_points(remote, container))) or "none that it names"
        return False, (
            f"{where}: answers over {over}, but: {NO_ROUTER}, which Traefik says if it has no router for the name; the "
            f"container's is for entry point {points}: see that Traefik has it and listens there "
            "(gitlab-deploy:dockerHost.entryPoint)"
        )
    # Not every site has a page at its root, or shows it to everybody: what it says itself has come through the proxy.
    if answer.status < 400 or (answer.status < 500 and arguments.path is None):
        return _holds(f"{where}: answers over {over}, status {answer.status}", answer.body, arguments)
    return False, f"{where}: answers over {over}, but: status {answer.status}"


def _entry_points(remote: RemoteDocker, container: str) -> list[str]:
    """Those that the container's labels name."""
    labels = json.loads(remote.run("inspect", "--format", "{{json .Config.Labels}}", container).stdout or "{}")
    router = re.compile(r"traefik\.http\.routers\.[^.]+\.entrypoints", re.IGNORECASE)
    return sorted({value for label, value in labels.items() if router.fullmatch(label)})


def _fetch(url: str, arguments: argparse.Namespace) -> Check:
    """Asks at an address."""
    address = f"{url.rstrip('/')}{arguments.path or '/'}"
    where = f"{address}: answers over HTTP"
    try:
        answer = requests.get(address, timeout=10, verify=arguments.ca or True)
        answer.raise_for_status()
    except requests.RequestException as error:
        return False, f"{where}, but: {error}"
    return _holds(where, answer.text, arguments)


def _holds(where: str, body: str, arguments: argparse.Namespace) -> Check:
    if arguments.expect is None:
        return True, where
    held = arguments.expect in body
    return held, f"{where} with {arguments.expect!r}" + ("" if held else ", but the answer does not hold it")


def _is_serving(pod: Mapping[str, Any]) -> bool:
    conditions = {item["type"]: item["status"] for item in pod.get("status", {}).get("conditions", [])}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


def _outputs() -> StackOutputs[str]:
    found = tools.run("pulumi", "stack", "output", "--json", "--non-interactive")
    if found.returncode:
        raise OpsError(f"The selected stack's outputs cannot be read ({tools.last_line(found.stderr)}); select a stack")
    return cast("StackOutputs[str]", json.loads(found.stdout or "{}"))


def _why(stderr: str) -> str:
    return f", but: {tools.last_line(stderr)}"
