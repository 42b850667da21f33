"""Whether the systems that a stack talks to are there at all, checked before any resource is registered.

A provider that cannot reach its server previews as if all were well, or waits for minutes. These checks take at most
a few seconds and name the address. GitLab alone is asked with a credential (see gitlab_check).
"""

from __future__ import annotations

# ruff: noqa: PLC0415 - of a system that the stack does not talk to, nothing is loaded
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess
from typing import TYPE_CHECKING

import pulumi

from components.cluster.kubectl import (
    Kubectl,
    current_server,
    get_raw,
    is_answer,
    is_unknown_user,
    kubectl,
    reason_of,
)
from components.cluster.reading import Reading
from components.outputs import DockerHostOutput
from components.printable import printable, printable_lines
from components.settings.settings import OFFLINE, Settings, adopted, is_offline

if TYPE_CHECKING:
    from components.compose.host import HostState
    from components.docker_app.host_check import HostCheck

TIMEOUT_SECONDS = 5.0
_SOON_SECONDS = 5.0
"""A cluster that was not read by then is asked whether it answers at all: kubectl may wait for it much longer."""
_PROMPT = "Please enter Username"
"""What kubectl asks if nothing says who it is (client-go: clientcmd/auth_loaders.go)."""
_KUBECONFIG_REMEDY = "point KUBECONFIG at the cluster this stack deploys to"


def require(
    stack: Settings,
    environment: Mapping[str, str],
    docker_host: HostCheck | None,
    *,
    identity: str,
    known: DockerHostOutput[str] | None,
    preview: bool,
    project: HostState | None = None,
    reading: Reading | None = None,
) -> None:
    """Raises RunError, which Pulumi shows with no traceback, with every system that cannot be used.

    `docker_host` is what was found there, None for a stack without it; `identity` the id of the stack, by which it
    knows its containers, and `known` the output `dockerHost` of its last successful run; `project` is what was found of
    its compose project; `reading` is the look at the cluster, None for a stack without one. A preview
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
    of_gitlab = _gitlab_problems(stack, environment, preview=preview) if stack.needs_gitlab else []
    # Whoever was read answers: no other process is started to ask.
    is_read = reading is None or reading.succeeds_within(_SOON_SECONDS)
    problems = [None if is_read else kubernetes_problem(environment)]
    if stack.kubernetes and not preview and not shutil.which("kubectl", path=environment.get("PATH")):
        problems.append("There is no kubectl on PATH, which watches the rollout of the block kubernetes; install it")
    problems += of_gitlab
    if docker_host and docker_host.problem and preview and not docker_host.is_another_host:
        pulumi.log.warn(docker_host.problem)
    elif docker_host:
        problems.append(docker_host.problem)
    in_the_way: list[str] = []
    if project:
        problems += project.problems
        in_the_way = list(project.taken)
    elif stack.docker_host and docker_host:
        from components.docker_app.claims import taken

        taken_over = adopted(environment)
        others = [one for one in docker_host.containers or () if one.id not in taken_over]
        in_the_way = taken(stack.docker_host, others, identity=identity, known=known)
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
    from components.access import gitlab_check

    check = gitlab_check.Check(url=stack.scalars.gitlab_url, token=stack.gitlab_token_text, projects=stack.in_gitlab)
    problems = []
    for finding in check.findings(environment):
        if finding.warning or (finding.only_changes and preview):
            pulumi.log.warn(finding.text)
        else:
            problems.append(finding.text)
    return problems


def kubernetes_problem(environment: Mapping[str, str], run: Kubectl = kubectl) -> str | None:
    """Why the API server of the ambient kubeconfig does not answer, or None.

    kubectl is asked, which reads a kubeconfig as the Kubernetes provider does: several files, proxies, names of
    certificates, pipes. Any answer will do, be it a refusal, but that the credential is unknown. Without kubectl,
    nothing is found here.
    """
    paths = [Path(path) for path in environment.get("KUBECONFIG", "").split(os.pathsep) if path]
    # Not only files: a named pipe is a kubeconfig too.
    there = [path for path in paths or [Path(environment.get("HOME", "/"), ".kube", "config")] if path.exists()]
    if not there:
        if "KUBERNETES_SERVICE_HOST" in environment:
            return None
        looked = (
            f"KUBECONFIG names {', '.join(map(str, paths))}, which is not there"
            if paths
            else "there is no ~/.kube/config"
        )
        return f"No kubeconfig was found: {looked}; {_KUBECONFIG_REMEDY}"
    try:
        asked = get_raw("/version", run=run, seconds=TIMEOUT_SECONDS, environment=environment)
        if is_answer(asked) and not is_unknown_user(asked):
            return None
        if _PROMPT in asked.stdout:
            names = ", ".join(map(str, there))
            return f"The kubeconfig {names} has no user in its current context, and kubectl asks for one; add the user"
        return _unanswered(asked, f"The kubeconfig {', '.join(map(str, there))}", environment, run)
    except FileNotFoundError:
        return None


def _unanswered(asked: CompletedProcess[str], kubeconfig: str, environment: Mapping[str, str], run: Kubectl) -> str:
    """The problem, which may be that no server was asked at all. What a kubeconfig holds is not shown."""
    shown = current_server(run=run, seconds=TIMEOUT_SECONDS, environment=environment)
    if shown.returncode == 0:
        server = printable(shown.stdout)
        if is_unknown_user(asked):
            return (
                f"The Kubernetes API server {server} does not accept the credential of the kubeconfig's current "
                "context; renew it, or choose another context with 'kubectl config use-context NAME'"
            )
        reason = reason_of(asked)
        return f"The Kubernetes API server {server} does not answer ({reason}); check the address and the network"
    found = run("config", "get-contexts", "--output", "name", seconds=TIMEOUT_SECONDS, environment=environment)
    if found.returncode:
        return f"{kubeconfig} cannot be read by kubectl; {_KUBECONFIG_REMEDY}"
    names = ", ".join(printable_lines(found.stdout))
    if not names:
        return f"{kubeconfig} has no context; {_KUBECONFIG_REMEDY}"
    return (
        f"{kubeconfig} has no current context that is complete; choose one with 'kubectl config use-context NAME', "
        f"NAME being one of: {names}"
    )
