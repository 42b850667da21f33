"""The provider that makes what a stack has on a Docker host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_docker as docker

from components.docker_app.remote_docker import RemoteDocker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.outputs import StackOutputs
    from components.settings.docker_host import DockerHost
    from components.settings.registry import Registry

Login = docker.ProviderRegistryAuthArgsDict


def provider(target: DockerHost, logins: Sequence[Login] | None) -> docker.Provider:
    """The provider; `logins` are those of the registries that the host pulls from."""
    remote = RemoteDocker.of(target)
    return docker.Provider("docker", host=remote.address, ssh_opts=remote.provider_options, registry_auth=logins)


def is_kept(target: DockerHost, previous: StackOutputs[str]) -> bool:
    """Whether the last run has deployed to the same host in the same way, so that the state has this provider."""
    known = previous.get("compose") or previous.get("dockerHost")
    return known is not None and (known["address"], known["hostKey"], known.get("identityFile")) == (
        target.address,
        target.host_key,
        target.identity_file,
    )


def own_login(registry: Registry | None) -> list[Login] | None:
    """The login that the block itself says; None without one, also if it is that of a deploy token."""
    if registry is None or not registry.username or registry.password is None:
        return None
    password = pulumi.Output.secret(registry.password)
    return [{"address": registry.server, "username": registry.username, "password": password}]
