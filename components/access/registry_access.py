"""RegistryAccess: a credential with which a cluster and a Docker host pull a project's images, and do nothing else."""

# The SDK loads a type of resource where it is named.
from __future__ import annotations

import base64
import json
from dataclasses import dataclass

import pulumi
import pulumi_gitlab as gitlab
import pulumi_kubernetes as kubernetes

from components.settings import rules
from components.settings.registry import Registry
from components.settings.rule import require


@dataclass(frozen=True, kw_only=True)
class RegistryAccessArgs:
    """The block of the stack file, and what the credential is called. Raises ValueError if its project is not named."""

    registry: Registry
    name: str
    """Name of the deploy token in GitLab, one for each stack."""
    on_error: pulumi.ErrorHook | None = None
    """Explains what GitLab refuses; None explains nothing."""
    namespace: pulumi.Input[str] | None = None
    """Namespace that gets the pull secret; with None there is no pull secret."""

    def __post_init__(self) -> None:
        if not self.registry.username:
            require("registry.project", self.registry.project, rules.GITLAB_PROJECT)
        if self.namespace is not None:
            require("registry.pullSecret", self.registry.pull_secret, rules.DNS_NAME)

    @property
    def token_name(self) -> str:
        """The deploy token's name in GitLab.

        The day is in it, for the provider takes a day that is left out for the one that GitLab has: with no other
        difference, a token would go on to expire on a day that no file names any more.
        """
        until = f"-until-{self.registry.expires}" if self.registry.expires else ""
        return f"{self.name}-{self.registry.rotation}{until}"


class RegistryAccess(pulumi.ComponentResource):
    """A deploy token of scope `read_registry`, or a login that is given, and the Secret by which Pods pull with it."""

    username: pulumi.Output[str]
    """User name of the deploy token, or the one that is given."""
    password: pulumi.Output[str]
    """The deploy token itself, or the password that is given (secret)."""
    pull_secret: pulumi.Output[str] | None
    """Name of the Secret in the namespace; None if no namespace is given."""

    def __init__(self, name: str, args: RegistryAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gitlab-deploy:index:RegistryAccess", name, _inputs(args), opts)
        registry = args.registry
        if registry.username and registry.password is not None:
            self.username = pulumi.Output.from_input(registry.username)
            self.password = pulumi.Output.secret(registry.password)
        else:
            token = self._token(name, args)
            self.username = token.username.apply(str)
            self.password = pulumi.Output.secret(token.token.apply(str))
        self.pull_secret = None
        if args.namespace is not None:

            def docker_config(pair: list[str]) -> str:
                username, password = pair
                auth = base64.b64encode(f"{username}:{password}".encode()).decode()
                return json.dumps({"auths": {registry.server: {"auth": auth}}})

            both = pulumi.Output.all(self.username, self.password)
            config: pulumi.Output[str] = pulumi.Output.secret(both.apply(docker_config))
            secret = kubernetes.core.v1.Secret(
                f"{name}-pull-secret",
                metadata={"name": registry.pull_secret, "namespace": args.namespace},
                type="kubernetes.io/dockerconfigjson",
                string_data={".dockerconfigjson": config},
                opts=pulumi.ResourceOptions(parent=self),
            )
            self.pull_secret = secret.metadata.name.apply(str)
        self.register_outputs({"username": self.username, "password": self.password})

    def _token(self, name: str, args: RegistryAccessArgs) -> gitlab.ProjectDeployToken:
        registry = args.registry
        return gitlab.ProjectDeployToken(
            f"{name}-token",
            project=registry.project,
            name=args.token_name,
            scopes=["read_registry"],
            expires_at=f"{registry.expires}T00:00:00Z" if registry.expires else None,
            # The provider would revoke the old one first.
            opts=pulumi.ResourceOptions(
                parent=self,
                delete_before_replace=False,
                hooks=pulumi.ResourceHookBinding(on_error=[args.on_error]) if args.on_error else None,
            ),
        )


def _inputs(args: RegistryAccessArgs) -> pulumi.Inputs:
    """What a policy pack can check. Not the namespace: the deploy token would wait for it."""
    registry = args.registry
    return {
        "server": registry.server,
        "project": registry.project,
        "rotation": registry.rotation,
        "expires": registry.expires,
        # Only what is said: an input more is a change of every stack.
        **({"username": registry.username} if registry.username else {}),
    }
