"""Can both targets pull the image? Asked of the registry, without pulling it."""

import base64
import http.client
import json
import os
import urllib.error
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from components.deadline import call_within
from components.docker_app.remote_docker import RemoteDocker
from components.image.digest import TOTAL_SECONDS
from components.image.reference import ImageReference
from components.image.registry import Repository
from components.settings.settings import Settings
from ops import cli
from ops.checks.check import Check

_REMEDY = "see that the image is pushed and that this login may read it"


def checks(stack: Settings, image: ImageReference, password: str | None) -> Iterator[Check]:
    """One for each target whose login exists; the deploy token of the block registry does once the stack has run.

    `password` is that of `registry.username`.
    """
    if stack.kubernetes and stack.namespace:
        own = stack.registry.pull_secret if stack.registry else None
        names = dict.fromkeys((own, stack.kubernetes.pull_secret, *stack.kubernetes.pull_secrets))
        found = [check for name in names if name for check in _by_pull_secret(stack.namespace, name, image)]
        # The kubelet tries each of them, and one that reads the image is enough.
        yield from [check for check in found if check[0]][:1] or found
    if stack.docker_host:
        remote = RemoteDocker.of(stack.docker_host)
        username = stack.registry.username if stack.registry else None
        if username and password:
            yield _by_api(remote, image, username, password)
        elif stack.registry is None:
            yield _by_host(remote, image)


def _by_pull_secret(namespace: str, name: str, image: ImageReference) -> Iterator[Check]:
    """With what the kubelet would send; nothing if your credential may not read the Secret."""
    asked = cli.run("kubectl", "get", "secret", name, "-n", namespace, "-o", r"jsonpath={.data.\.dockerconfigjson}")
    if asked.returncode or not asked.stdout:
        return
    config = base64.b64decode(asked.stdout).decode(errors="replace")
    text = f"the pull secret {namespace}/{name} reads {image}"
    readable = _reads(image, {"DOCKER_AUTH_CONFIG": config})
    refused = f"{text}, but the registry does not give it; {_REMEDY}"
    unknown = f"whether {text} is not known: the registry could not be asked from here"
    yield readable, text if readable else refused if readable is False else unknown


def _reads(image: ImageReference, environment: Mapping[str, str]) -> bool | None:
    """None if the registry does not answer here: it may be one that the cluster alone reaches."""
    try:
        # No login but this one: that of this machine's user would answer for it.
        repository = Repository.of(image, {**environment, "DOCKER_CONFIG": os.devnull})
        if repository is None:
            return True
        call_within(TOTAL_SECONDS, lambda: repository.ask("HEAD", f"manifests/{image.digest or image.tag}"))
    except urllib.error.HTTPError:
        return False
    except (OSError, ValueError, RecursionError, http.client.HTTPException):
        return None
    return True


def _by_api(remote: RemoteDocker, image: ImageReference, username: str, password: str) -> Check:
    """The daemon asks the registry (GET /distribution/NAME/json); the login goes through ssh's standard input."""
    auth = base64.urlsafe_b64encode(json.dumps({"username": username, "password": password}).encode()).decode()
    answer = remote.request(
        "GET", f"/distribution/{quote(str(image), safe='')}/json", headers={"X-Registry-Auth": auth}
    )
    text = f"{remote.address} may pull {image} as {username}"
    return answer.message is None, text if answer.message is None else f"{text}, but: {answer.message}; {_REMEDY}"


def _by_host(remote: RemoteDocker, image: ImageReference) -> Check:
    """With the login that the host's own user has there, if it has one."""
    asked = remote.run("manifest", "inspect", str(image))
    text = f"{remote.address} may pull {image}"
    if asked.returncode == 0:
        return True, text
    return False, (
        f"{text}, but: {cli.last_line(asked.stderr)}; add the block gitlab-deploy:registry, or run 'docker login' "
        "there as the user of the address"
    )
