"""The block `registry`. Pure: no Pulumi here."""

from dataclasses import dataclass
from typing import ClassVar

from components.settings import rules
from components.settings.block import Block
from components.settings.conditions import Condition, given
from components.settings.key import SecretText, key


@dataclass(frozen=True, kw_only=True)
class Registry(Block):
    """The login of the image's registry: the namespace's pull secret, and the Docker host's.

    For a registry of GitLab the stack makes a deploy token that may only read it. Any other one has a login of its own.
    """

    server: str = key(
        "Host of the registry, with a port if it is not 443: the one that the image's name starts with.",
        rule=rules.REGISTRY,
        example="registry.example.com",
    )
    username: str | None = key(
        "User name of a registry that is not GitLab's, for which there is no deploy token.",
        rule=rules.LOGIN,
        default=None,
        default_text="that of the deploy token",
        example="robot$blog",
    )
    password: SecretText | None = key(
        "Password or token of that user.",
        default=None,
        default_text="the deploy token",
        secrecy="must",
        example="a password",
    )
    project: str = key(
        "GitLab project whose images they are.",
        rule=rules.GITLAB_PROJECT,
        default="",
        default_text="that of `gitlabProject`",
        example="group/blog",
    )
    rotation: str = key(
        "Rotation id of the deploy token: if it changes, a new token is made first and the old one revoked last.",
        rule=rules.ROTATION,
        default="1",
        example="2026-11",
    )
    pull_secret: str = key(
        "Name of the pull secret in the namespace.",
        rule=rules.DNS_NAME,
        default="",
        default_text="`gitlab-registry-STACK`, STACK being the stack's name",
        example="blog-registry",
    )
    expires: str | None = key(
        "Day on which the deploy token ends.",
        rule=rules.DAY,
        default=None,
        default_text="never",
        example="2027-11-30",
    )

    conditions: ClassVar[tuple[Condition, ...]] = (
        *(
            Condition(
                when=given(one),
                then="required",
                path=other,
                cause=f"is missing beside {one}",
                remedy=f"set both, or take {one} out if the registry is GitLab's",
            )
            for one, other in (("username", "password"), ("password", "username"))
        ),
        *(
            Condition(
                when=given("username"),
                then="refused",
                path=path,
                cause="is about a deploy token, and a registry with a user name of its own has none",
                remedy="take it out, or take out username and password if the registry is GitLab's",
            )
            for path in ("project", "rotation", "expires")
        ),
    )
