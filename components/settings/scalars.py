"""The keys that are no block. Pure: no Pulumi here.

`make docs` declares them in Pulumi.yaml too, where the engine looks for them.
"""

from dataclasses import dataclass
from typing import Literal

from components.settings import image_rules, rules
from components.settings.block import Block
from components.settings.key import SecretText, key


@dataclass(frozen=True, kw_only=True)
class Scalars(Block):
    """What the parts of a stack share."""

    cluster: str = key(
        "Name of the cluster, set once. The stack knows the cluster by it, whatever its address; changing it replaces "
        "every object.",
        rule=rules.DNS_NAME,
        default="",
        default_text="none",
        example="production",
    )
    gitlab_url: str = key(
        "Address of the GitLab instance.",
        rule=rules.GITLAB_URL,
        default="https://gitlab.com",
        examples=("https://gitlab.example.com", "http://10.1.2.3:8080"),
    )
    gitlab_project: str = key(
        "Full path or numeric id of the GitLab project whose jobs deploy.",
        rule=rules.GITLAB_PROJECT,
        default="",
        default_text="none",
        examples=("group/blog", "20"),
    )
    gitlab_token: SecretText | None = key(
        "Token for GitLab's API, role Maintainer, scope api.",
        default=None,
        default_text="GITLAB_TOKEN of the environment",
        secrecy="must",
        example="a token",
    )
    image: str = key(
        "Image the application runs, by digest or immutable tag. Set by CI.",
        rule=(image_rules.IMAGE, image_rules.IMMUTABLE),
        default="",
        default_text="the image that was deployed last",
        examples=("registry.example.com/group/blog:1.0.0", f"registry.example.com/group/blog@sha256:{64 * '4'}"),
    )
    rollback: bool = key(
        "Lets an image run that another one has replaced; without an image, it rolls back one release.",
        default=False,
        example=True,
    )
    files_from: Literal["program", "application"] = key(
        "Folder of the files that targets name: the program's, or the checkout that GITLAB_DEPLOY_FILES names.",
        default="program",
        example="application",
    )
