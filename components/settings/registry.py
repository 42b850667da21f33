"""The block `registry`. Pure: no Pulumi here."""

from dataclasses import dataclass

from components.settings import rules
from components.settings.block import Block
from components.settings.key import key


@dataclass(frozen=True, kw_only=True)
class Registry(Block):
    """A deploy token that may only read a GitLab registry: the namespace's pull secret, and the Docker host's login."""

    server: str = key(
        "Host of the registry, with a port if it is not 443.", rule=rules.REGISTRY, example="registry.example.com"
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
