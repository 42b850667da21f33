"""The stack file as typed settings: the only reader of Pulumi's configuration.

Every problem of a stack file is found before any resource is registered, and all are reported at once, each with its
path, the value and the remedy.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import pulumi
from pulumi.runtime import config as pulumi_config

from components.access.registry_access import RegistryAccessArgs
from components.docker_app.docker_app import DockerAppArgs
from components.image.digest import pinned
from components.image.history import Decision, Deployed, RefusedError, decide
from components.image.origin import Origin
from components.image.reference import ImageReference
from components.kubernetes_app.kubernetes_app import WebAppArgs
from components.outputs import StackOutputs
from components.settings import rules
from components.settings.blocks import Access, read_access, read_app, read_docker_app, read_registry
from components.settings.reader import Problems, read_blocks

PROJECT = "gitlab-deploy"
SCALARS = ("cluster", "gitlabProject", "gitlabToken", "gitlabUrl", "image", "rollback")
BLOCKS = ("access", "app", "dockerHost", "registry")
MAY_HOLD_SECRETS = ("dockerHost",)
Pin = Callable[[ImageReference], ImageReference]
OFFLINE = "GITLAB_DEPLOY_OFFLINE"
"""Environment variable which says that no server can be asked; `1` or `true`. For previews only."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One stack's settings. A block that is None is not managed by this stack."""

    cluster: str
    """The name given to the cluster, by which the provider knows it whatever its address; empty without Kubernetes."""
    gitlab_url: str
    """The GitLab instance, such as `https://gitlab.com`, with no path of the API."""
    gitlab_token: pulumi.Output[str] | None
    """The token for GitLab's API (secret); None leaves it to the environment variable GITLAB_TOKEN."""
    image: Decision | None
    """The image to deploy; None where the stack deploys none."""
    access: Access | None
    registry: RegistryAccessArgs | None
    app: WebAppArgs | None
    docker_app: DockerAppArgs | None

    @property
    def needs_cluster(self) -> bool:
        """Whether anything of the stack is on Kubernetes."""
        return bool(self.access or self.app)

    @property
    def needs_gitlab(self) -> bool:
        """Whether anything of the stack is in GitLab."""
        return bool(self.access or self.registry)


_NO_IMAGE = ImageReference(name="none", tag="none", digest=None)
"""Stands for an image that was refused, while the other problems are looked for."""


def is_offline(environment: Mapping[str, str]) -> bool:
    """Whether the program runs where no server can be asked, such as in the job of a merge request from a fork."""
    return environment.get(OFFLINE, "").lower() in {"1", "true"}


def load(previous: StackOutputs[str], environment: Mapping[str, str]) -> Settings:
    """The settings of the running stack; RunError, which Pulumi shows with no traceback, lists every problem.

    `previous` are the stack's outputs of the last run. `environment` says which job runs this, if any.
    """
    config = pulumi.Config()
    values = {str(key): str(value) for key, value in pulumi_config.CONFIG.get().items()}
    secrets = [key for key in values if pulumi_config.is_config_secret(key)]
    token = config.get_secret("gitlabToken") if config.get("gitlabToken") else None
    settings, problems = parse(
        values,
        secrets,
        token,
        pulumi.get_stack(),
        origin=Origin.of(environment),
        last=Deployed.read(previous.get("deployment"), previous.get("deploymentHistory")),
        pin=None if is_offline(environment) else lambda image: pinned(image, environment),
    )
    if settings is None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = "".join(f"\n  {problem}" for problem in problems)
        raise pulumi.RunError(f"Pulumi.{pulumi.get_stack()}.yaml has {count}; nothing was changed:{lines}")
    return settings


def parse(
    values: Mapping[str, str],
    secrets: Collection[str] = (),
    token: pulumi.Output[str] | None = None,
    stack: str = "stack",
    *,
    origin: Origin | None = None,
    last: Deployed | None = None,
    pin: Pin | None = None,
) -> tuple[Settings | None, list[str]]:
    """Settings from configuration as the engine hands it over, or None with every problem found.

    `values` maps full keys (`gitlab-deploy:image`) to text, which is JSON where the stack file has a block; `secrets`
    are the keys that hold something encrypted; `token` is the GitLab token, whose text is never looked at here; `stack`
    is the stack's name; `origin` is who runs the program, and `last` the record of what the stack has deployed; `pin`
    gives a new image the digest that its tag stands for, where that is known.
    """
    problems = Problems()
    scalars, blocks = read_blocks(problems, values, secrets, PROJECT, SCALARS, BLOCKS, MAY_HOLD_SECRETS)
    path = f"{PROJECT}:gitlabToken"
    if scalars.get("gitlabToken") and path not in secrets:
        problems.add(path, f"is in plain text; revoke that token, and set one with 'pulumi config set --secret {path}'")

    access, app, registry, docker = (blocks.get(key) for key in ("access", "app", "registry", "dockerHost"))
    cluster = scalars.get("cluster", "")
    if (access or app) and not cluster:
        problems.add(
            f"{PROJECT}:cluster",
            "is missing; name the cluster once, such as 'production' (another name later replaces every object)",
        )
    elif cluster:
        problems.check(f"{PROJECT}:cluster", cluster, rules.dns_subdomain)
    project = _scalar(
        problems,
        scalars,
        "gitlabProject",
        rules.gitlab_project,
        needed="access" if access else "registry" if registry else None,
    )
    image = _image(problems, scalars, origin or Origin(), last, pin) if app or docker else None
    reference = image.deployed.image if image else _NO_IMAGE
    settings = Settings(
        cluster=cluster,
        gitlab_url=_scalar(problems, scalars, "gitlabUrl", rules.gitlab_url, needed=None).rstrip("/"),
        gitlab_token=token,
        image=image,
        access=read_access(problems, access, cluster=cluster, project=project) if access else None,
        registry=read_registry(problems, registry, owner=PROJECT, project=project, stack=stack) if registry else None,
        app=read_app(problems, app, image=reference, access=access, registry=registry) if app else None,
        docker_app=read_docker_app(problems, docker, image=reference, owner=PROJECT, stack=stack) if docker else None,
    )
    if not problems and not any((access, app, registry, docker)):
        problems.add(PROJECT, f"holds no block, so there is nothing to deploy; add one of: {', '.join(BLOCKS)}")
    return (None, list(problems)) if problems else (settings, [])


def _scalar(problems: Problems, scalars: Mapping[str, str], key: str, rule: rules.Rule, *, needed: str | None) -> str:
    value = scalars.get(key, "")
    if value:
        problems.check(f"{PROJECT}:{key}", value, rule)
    elif needed:
        problems.add(
            f"{PROJECT}:{key}", f"is missing, and the block {needed} needs it; set it with 'pulumi config set'"
        )
    return value


def _image(
    problems: Problems,
    scalars: Mapping[str, str],
    origin: Origin,
    last: Deployed | None,
    pin: Pin | None,
) -> Decision | None:
    text, wanted = scalars.get("image"), None
    rollback = scalars.get("rollback", "")
    if rollback not in {"", "true", "false"}:
        problems.add(f"{PROJECT}:rollback:", f"{rules.quoted(rollback)} is not a choice; use true or false")
        return None
    try:
        wanted = ImageReference.parse_deployable(text) if text else None
    except ValueError as malformed:
        problems.add(f"{PROJECT}:image:", str(malformed))
        return None
    # The image that runs is known already, and its registry need not be there for a preview.
    if wanted and pin and not (last and wanted.is_same(last.image)):
        wanted = pin(wanted)
    try:
        return decide(wanted, origin, last, rollback=rollback == "true")
    except RefusedError as refused:
        problems.add(refused.key, refused.reason)
        return None
