"""Whether the systems that a stack talks to are there at all, checked before any resource is registered.

A provider that cannot reach its server previews as if all were well, or waits for minutes. These checks take at most
a few seconds and name the address. GitLab alone is asked with a credential (see gitlab_check).
"""

import http.client
import os
import shutil
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast
from urllib.parse import urljoin

import pulumi
import yaml

from components.access import gitlab_check
from components.deadline import call_within
from components.docker_app.claims import taken
from components.docker_app.host_check import HostCheck
from components.outputs import DockerHostOutput
from components.settings.settings import OFFLINE, Settings, adopted, is_offline

TIMEOUT_SECONDS = 5.0
_KUBECONFIG_REMEDY = "point KUBECONFIG at the cluster this stack deploys to"


def require(
    stack: Settings,
    environment: Mapping[str, str],
    docker_host: HostCheck,
    *,
    identity: str,
    known: DockerHostOutput[str] | None,
    preview: bool,
    on_host: Sequence[str] = (),
) -> None:
    """Raises RunError, which Pulumi shows with no traceback, with every system that cannot be used.

    `docker_host` is what was found there, `identity` the id of the stack, by which it knows its containers, and `known`
    the output `dockerHost` of its last successful run; `on_host` is what is in the way of a compose project. A preview
    does without the Docker host, for which the jobs of a merge request have no key; but not without the right host key.
    Offline, no system is needed.
    """
    if is_offline(environment):
        if not preview:
            raise pulumi.RunError(
                f"Nothing was changed: {OFFLINE} is set, with which no server is asked, and that is for previews; "
                "unset it to deploy"
            )
        return
    problems: list[str | None] = []
    if stack.needs_cluster:
        problems.append(kubernetes_problem(environment))
    if stack.kubernetes and not preview and not shutil.which("kubectl", path=environment.get("PATH")):
        problems.append("There is no kubectl on PATH, which watches the rollout of the block kubernetes; install it")
    if stack.needs_gitlab:
        problems += _gitlab_problems(stack, environment, preview=preview)
    if docker_host.problem and preview and not docker_host.is_another_host:
        pulumi.log.warn(docker_host.problem)
    else:
        problems.append(docker_host.problem)
    if stack.docker_host and not stack.docker_host.compose:
        taken_over = adopted(environment)
        others = [one for one in docker_host.containers or () if one.id not in taken_over]
        in_the_way = taken(stack.docker_host, others, identity=identity, known=known)
        problems += in_the_way
    else:
        in_the_way = list(on_host)
        problems += in_the_way
    if in_the_way:
        problems.append(
            f"If the stack is to take a container's place, run 'python -m ops adopt --stack {stack.stack}', which "
            "shows what that would do"
        )
    found = [f"\n  {problem}" for problem in problems if problem]
    if found:
        raise pulumi.RunError(f"Nothing was changed:{''.join(found)}")


def _gitlab_problems(stack: Settings, environment: Mapping[str, str], *, preview: bool) -> list[str]:
    check = gitlab_check.Check(url=stack.scalars.gitlab_url, token=stack.gitlab_token_text, projects=stack.in_gitlab)
    problems = []
    for finding in check.findings(environment):
        if finding.warning or (finding.only_changes and preview):
            pulumi.log.warn(finding.text)
        else:
            problems.append(finding.text)
    return problems


def kubernetes_problem(environment: Mapping[str, str]) -> str | None:
    """Why the API server of the ambient kubeconfig does not answer, or None.

    Found as kubectl and the Kubernetes provider find it: every file of $KUBECONFIG, else ~/.kube/config, the first file
    to set a name wins (Kubernetes: Organizing Cluster Access Using kubeconfig Files); else the Pod this runs in.
    """
    paths = [Path(path) for path in environment.get("KUBECONFIG", "").split(os.pathsep) if path]
    files = [path for path in paths or [Path(environment.get("HOME", "/"), ".kube", "config")] if path.is_file()]
    if not files:
        if "KUBERNETES_SERVICE_HOST" in environment:
            return None
        looked = (
            f"KUBECONFIG names {', '.join(map(str, paths))}, which is not there"
            if paths
            else "there is no ~/.kube/config"
        )
        return f"No kubeconfig was found: {looked}; {_KUBECONFIG_REMEDY}"
    try:
        server, proxy = _current_server([_load(path) for path in files])
    except (OSError, ValueError, yaml.YAMLError):
        return f"The kubeconfig {', '.join(map(str, files))} has no current context with a server; {_KUBECONFIG_REMEDY}"
    reason = _no_answer(urljoin(server.rstrip("/") + "/", "version"), proxy)
    return (
        reason and f"The Kubernetes API server {server} does not answer ({reason}); check the address and the network"
    )


def _no_answer(url: str, proxy: str | None) -> str | None:
    # Any status is an answer. The certificate is left to the provider, which has the authority to check it against;
    # nothing is sent here that a stranger could use.
    context = ssl._create_unverified_context()  # noqa: S323
    handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=context)]
    if proxy:
        handlers.append(urllib.request.ProxyHandler({"http": proxy, "https": proxy}))

    def ask() -> None:
        with urllib.request.build_opener(*handlers).open(url, timeout=TIMEOUT_SECONDS):
            pass

    try:
        return call_within(TIMEOUT_SECONDS, ask)
    except urllib.error.HTTPError:
        return None
    except urllib.error.URLError as error:
        return _reason(error.reason)
    except (OSError, http.client.HTTPException) as error:
        return _reason(error)


def _reason(error: object) -> str:
    if isinstance(error, TimeoutError):
        return f"no reply within {TIMEOUT_SECONDS:g} s"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _load(path: Path) -> dict[str, object]:
    config: object = yaml.safe_load(path.read_text())
    if not isinstance(config, dict):
        raise ValueError(str(path))  # noqa: TRY004 - the caller treats it as any other malformed kubeconfig
    return cast("dict[str, object]", config)


def _current_server(configs: list[dict[str, object]]) -> tuple[str, str | None]:
    current = next((config["current-context"] for config in configs if config.get("current-context")), None)
    context = _named(configs, "contexts", "context", current)
    cluster = _named(configs, "clusters", "cluster", context.get("cluster"))
    server, proxy = cluster.get("server"), cluster.get("proxy-url")
    if not isinstance(server, str):
        raise ValueError("server")  # noqa: TRY004 - as above
    return server, proxy if isinstance(proxy, str) else None


def _named(configs: list[dict[str, object]], section: str, kind: str, name: object) -> dict[str, object]:
    """The first entry of this name; as in kubectl, the first file to hold it wins."""
    for config in configs:
        for entry in cast("list[dict[str, object]]", config.get(section) or []):
            if name is not None and entry.get("name") == name and isinstance(entry.get(kind), dict):
                return cast("dict[str, object]", entry[kind])
    raise ValueError(f"{section}: {name}")
