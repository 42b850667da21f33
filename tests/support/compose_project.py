"""A compose project that a test declares."""

from collections.abc import Mapping
from typing import Any

import pulumi

from components.compose.args import ComposeArgs
from components.compose.compose import Compose
from components.settings.docker_host import DockerHost
from tests.support.compose_files import IMAGE, read
from tests.support.docker_double import HOST_KEY, DockerDouble
from tests.support.recorder import Recorder, deploy

OUTPUTS = {"docker:index/remoteImage:RemoteImage": {"imageId": "sha256:1"}}


def args(
    *texts: str,
    env: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    files: Mapping[str, str | bytes] | None = None,
    **changes: Any,
) -> ComposeArgs:
    """The project of these files; the values of `secrets` are what is encrypted in the stack file."""
    fields: dict[str, Any] = {
        "project": read(*texts, env=env, secrets=list(secrets or {}), files=files),
        "target": DockerHost(address="ssh://deploy@host", host_key=HOST_KEY, compose=("compose.yml",)),
        "remote": DockerDouble(),
        "owner": "gitlab-deploy/prod/blog",
        "identity": "own-id",
        "kept_identity": "own-id",
        "image": IMAGE,
        **changes,
    }
    return ComposeArgs(**fields)


def declare(made: ComposeArgs, secrets: Mapping[str, str] | None = None, *, preview: bool = True) -> Recorder:
    """Declares it; a preview by default, which asks no host."""

    def program() -> object:
        values = {name: pulumi.Output.secret(value) for name, value in (secrets or {}).items()}
        return Compose("compose", ComposeArgs(**{**vars(made), "values": values})).done

    return deploy(program, OUTPUTS, preview=preview)
