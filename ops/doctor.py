"""Everything that a first `pulumi up` needs, looked at one by one: what is missing, and what to do about it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path

import requests
import yaml

from components import identity, preflight, stack_state
from components.access import gitlab_check
from components.cluster import check as cluster_check
from components.cluster import reading
from components.cluster.planned import planned
from components.docker_app.claims import taken
from components.docker_app.host_check import check_host
from components.docker_app.remote_docker import RemoteDockerError
from components.image.digest import pinned
from components.image.reference import ImageReference
from components.outputs import DockerHostOutput
from components.settings.settings import Settings
from components.stack_state import StateResource
from ops import cli, expiries, stack_settings, state_locks
from ops.checks import pull, surroundings
from ops.checks.check import Check
from ops.gitlab import stack_token
from ops.ops_error import OpsError
from ops.stack_name import StackName

TIMEOUT_SECONDS = 10


def checks(stack: StackName) -> Iterator[Check]:
    """All of them, in the order in which a user meets them; those that need what is missing are left out."""
    yield True, f"Python {'.'.join(map(str, sys.version_info[:3]))}"
    yield _pulumi()
    kept = _state(stack)
    yield kept
    if not kept[0]:
        return
    try:
        settings = stack_settings.read(stack)
        outputs = stack_settings.outputs(stack)
    except OpsError as error:
        yield False, str(error)
        return
    yield True, f"stack file {stack.file} has no problem, and its secrets can be decrypted"
    own_id = outputs.get("identity") or identity.NOT_MADE
    yield from surroundings.plugins(settings)
    if settings.needs_cluster:
        yield from _cluster(settings, own_id, stack)
    if settings.needs_gitlab:
        yield from _gitlab(settings, stack_token.find(stack), _resources(stack))
    if settings.image:
        yield _image(settings.image.deployed.image)
    if settings.docker_host:
        yield from _docker_host(settings, own_id, outputs.get("dockerHost"))
    if settings.image:
        yield from _pulls(settings, settings.image.deployed.image, stack)


def _pulumi() -> Check:
    version = cli.run("pulumi", "version").stdout.strip().removeprefix("v")
    wanted = str(yaml.safe_load(Path("Pulumi.yaml").read_text())["requiredPulumiVersion"]).removeprefix(">=")
    good = _numbers(version) >= _numbers(wanted)
    return good, f"pulumi {version}" + ("" if good else f" is older than {wanted}, which Pulumi.yaml wants; update it")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _state(stack: StackName) -> Check:
    whoami = cli.run("pulumi", "whoami", "--json", "--non-interactive")
    if whoami.returncode:
        return False, f"there is no state ({cli.last_line(whoami.stderr)}); run 'pulumi login'"
    url = str(json.loads(whoami.stdout).get("url", ""))
    if url.startswith(("http://", "https://")):
        return True, f"the state is at {url}"
    try:
        locks = state_locks.read(stack)
    except OpsError as error:
        return False, str(error)
    if locks:
        return False, f"stack {stack} is locked by {locks[0]}; see 'python -m ops lock --stack {stack}'"
    return True, f"the state is at {url}, and stack {stack} is not locked"


def _cluster(settings: Settings, own_id: str, stack: StackName) -> Iterator[Check]:
    problem = preflight.kubernetes_problem(os.environ)
    if problem:
        yield False, problem
        return
    try:
        found = reading.look(settings)
    except reading.UnreadableError as error:
        yield False, f"the cluster cannot be read: {error}; install kubectl, or check the kubeconfig"
        return
    yield True, f"the cluster at {found.server} answers"
    wanted = planned(settings)
    kinds = dict.fromkeys((item.kind, item.api_version.rpartition("/")[0], item.namespace) for item in wanted)
    denied = [kind for kind, group, namespace in kinds if not _may_create(kind, group, namespace)]
    text = f"your credential may create {', '.join(dict.fromkeys(kind for kind, _, _ in kinds))}"
    yield not denied, text + (f", but not {', '.join(denied)}; ask for the role that has them" if denied else "")
    for going in cluster_check.being_deleted(wanted, found, settings.namespace):
        yield False, f"{going} is being deleted; wait until it is gone"
    for unmet in cluster_check.unmet(settings, found):
        yield False, unmet
    for text in cluster_check.unserved(settings, found):
        yield None, text
    in_state = partial(_uids, stack)
    for item, metadata in cluster_check.foreign(wanted, found, own_id, in_state):
        yield False, f"{item} {cluster_check.owner_of(metadata)}; {item.remedy}"
    if settings.namespace:
        yield from surroundings.others(settings.namespace, own_id)


def _uids(stack: StackName) -> frozenset[str]:
    return cluster_check.uids_in_state(_resources(stack))


def _resources(stack: StackName) -> tuple[StateResource, ...]:
    exported = cli.run("pulumi", "stack", "export", "--stack", str(stack), "--non-interactive")
    return stack_state.parse(exported.stdout) if exported.returncode == 0 else ()


def _may_create(kind: str, group: str, namespace: str | None) -> bool:
    resource = f"{kind.lower()}.{group}" if group else kind.lower()
    where = ("--namespace", namespace) if namespace else ("--all-namespaces",)
    return cli.run("kubectl", "auth", "can-i", "create", resource, *where, "--quiet").returncode == 0


def _gitlab(settings: Settings, token: str | None, state: tuple[StateResource, ...]) -> Iterator[Check]:
    url = settings.scalars.gitlab_url
    check = gitlab_check.Check(url=url, token=token, projects=settings.in_gitlab)
    findings = check.findings(os.environ)
    for finding in findings:
        yield None if finding.warning else False, finding.text
    if not findings:
        ends = [f", until {one.expires:%Y-%m-%d}" for one in expiries.of_token(url, token) if one.expires]
        yield True, f"the token for {url} may do what the stack needs in {', '.join(settings.in_gitlab)}{''.join(ends)}"
        yield from surroundings.taken_variables(settings, token, state)
    yield from surroundings.clock(_skew(url), url)


def _skew(url: str) -> timedelta | None:
    try:
        date = requests.head(url, timeout=TIMEOUT_SECONDS, allow_redirects=False).headers.get("Date", "")
        return datetime.now(UTC) - parsedate_to_datetime(date)
    except (requests.RequestException, ValueError):
        return None


def _image(image: ImageReference) -> Check:
    if image.digest or pinned(image, os.environ).digest:
        return True, f"the image {image} is in its registry, or known by its digest"
    return None, f"the image {image} could not be looked up; see 'Deploy another image' in docs/operations.md"


def _docker_host(settings: Settings, own_id: str, known: DockerHostOutput[str] | None) -> Iterator[Check]:
    found = check_host(settings.docker_host)
    if found.problem or settings.docker_host is None:
        yield False, found.problem or ""
        return
    yield True, f"the Docker host {settings.docker_host.address} answers, with the pinned host key"
    for problem in taken(settings.docker_host, found.containers or (), identity=own_id, known=known):
        yield False, problem
    yield from surroundings.docker_clock(settings.docker_host)
    yield from surroundings.proxy(settings.docker_host)


def _pulls(settings: Settings, image: ImageReference, stack: StackName) -> Iterator[Check]:
    path = ("--path", "gitlab-deploy:registry.password")
    has_login = settings.registry is not None and settings.registry.username is not None
    password = cli.run("pulumi", "config", "get", *path, "--stack", str(stack)).stdout.strip() if has_login else None
    try:
        yield from pull.checks(settings, image, password)
    except (RemoteDockerError, subprocess.TimeoutExpired, FileNotFoundError) as error:
        yield False, f"whether {image} can be pulled is not known ({cli.last_line(str(error))}); see the lines above"
