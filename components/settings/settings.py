"""The stack file as typed settings: the only reader of Pulumi's configuration.

Every problem of a stack file is found before any resource is registered, and all are reported at once, each with its
path, the value and the remedy.
"""

import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import config as pulumi_config

from components.image.digest import pinned
from components.image.history import Decision, Deployed, RefusedError, decide
from components.image.origin import Origin
from components.image.reference import ImageReference
from components.outputs import StackOutputs
from components.settings import stack_file
from components.settings.access import Access
from components.settings.app import App
from components.settings.conditions import broken
from components.settings.declared import Declared
from components.settings.docker_host import DockerHost
from components.settings.given import UNREADABLE, given
from components.settings.key import is_shown
from components.settings.kubernetes import Kubernetes
from components.settings.problem import Problem, Sealed, kind_of, quoted
from components.settings.reader import Reader
from components.settings.registry import Registry
from components.settings.scalars import Scalars
from components.settings.stack import BLOCKS, CONDITIONS, PROJECT, own

Pin = Callable[[ImageReference], ImageReference]
OFFLINE = "GITLAB_DEPLOY_OFFLINE"
"""Environment variable which says that no server can be asked; `1` or `true`. For previews only."""

ADOPT = "GITLAB_DEPLOY_ADOPT"
"""Environment variable with the uids of objects and the ids of containers, separated by commas, that somebody else made
and that this run takes over; set by `python -m ops adopt`."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One stack's settings. A block that is None is not managed by this stack."""

    stack: str
    """Name of the stack."""
    scalars: Scalars
    image: Decision | None
    """The image to deploy; None if the stack deploys none."""
    access: Access | None
    registry: Registry | None
    app: App | None
    kubernetes: Kubernetes | None
    docker_host: DockerHost | None
    declared: tuple[Declared, ...] = ()
    """The objects of its manifests, once these are read."""
    gitlab_token_text: str | None = field(default=None, repr=False)
    """The token for GitLab's API in clear, for the preflight; None leaves it to GITLAB_TOKEN."""

    @property
    def needs_cluster(self) -> bool:
        """Whether anything of the stack is on Kubernetes."""
        return bool(self.access or self.kubernetes)

    @property
    def namespace(self) -> str | None:
        """The namespace of its objects on Kubernetes; None if there is none."""
        if self.access:
            return self.access.namespace
        return self.kubernetes.namespace if self.kubernetes else None

    @property
    def needs_gitlab(self) -> bool:
        """Whether anything of the stack is in GitLab."""
        return bool(self.access or (self.registry and not self.registry.username))

    @property
    def from_manifests(self) -> bool:
        """Whether its objects on Kubernetes are those of the team's own files."""
        return self.kubernetes is not None and self.kubernetes.manifests is not None

    @property
    def kubernetes_app(self) -> Kubernetes | None:
        """The block kubernetes if it makes the objects of the block app; None with manifests."""
        return None if self.from_manifests else self.kubernetes

    def owner(self, name: str) -> str:
        """Whose a thing of this name is: PROJECT/STACK/NAME."""
        return f"{PROJECT}/{self.stack}/{name}"

    @property
    def in_gitlab(self) -> dict[str, frozenset[str]]:
        """What the stack keeps in each GitLab project: `variables`, `deploy tokens`."""
        kept: dict[str, frozenset[str]] = {}
        if self.access:
            previews = [self.access.preview_project] if self.access.preview else []
            kept |= dict.fromkeys([self.scalars.gitlab_project, *previews], frozenset({"variables"}))
        if self.registry and not self.registry.username:
            project = self.registry.project or self.scalars.gitlab_project
            kept[project] = kept.get(project, frozenset()) | {"deploy tokens"}
        return kept


def is_offline(environment: Mapping[str, str]) -> bool:
    """Whether the program runs where no server can be asked, such as in the job of a merge request from a fork."""
    return environment.get(OFFLINE, "").lower() in {"1", "true"}


def adopted(environment: Mapping[str, str]) -> frozenset[str]:
    """The uids and ids of what this run takes over."""
    return frozenset(environment.get(ADOPT, "").split(",")) - {""}


def load(
    previous: StackOutputs[str],
    environment: Mapping[str, str],
    on_docker_host: Callable[[DockerHost], None] | None = None,
) -> Settings:
    """The settings of the running stack; RunError, which Pulumi shows with no traceback, lists every problem.

    `previous` are the stack's outputs of the last run. `environment` says which job runs this, if any. `on_docker_host`
    gets that block, if nothing is wrong so far, before a registry is asked for the image.
    """
    if (project := pulumi.get_project()) != PROJECT:
        raise pulumi.RunError(f"Pulumi.yaml: name is {project}, and every key is of {PROJECT}; name it {PROJECT} again")
    values = {str(key): str(value) for key, value in pulumi_config.CONFIG.get().items()}
    secrets = [key for key in values if pulumi_config.is_config_secret(key)]
    root = Path(pulumi.get_root_directory() or os.curdir)
    settings, problems = parse(
        values,
        secrets,
        pulumi.get_stack(),
        written=stack_file.read(root, pulumi.get_stack(), environment) if secrets else None,
        conceal=pulumi.Output.secret,
        origin=Origin.of(environment),
        last=Deployed.read(previous.get("deployment"), previous.get("deploymentHistory")),
        pin=None if is_offline(environment) else lambda image: pinned(image, environment),
        on_docker_host=on_docker_host,
    )
    if settings is None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = "".join(f"\n  {problem}" for problem in problems)
        raise pulumi.RunError(f"Pulumi.{pulumi.get_stack()}.yaml has {count}; nothing was changed:{lines}")
    return replace(settings, gitlab_token_text=values.get(f"{PROJECT}:gitlabToken") or None)


def parse(
    values: Mapping[str, str],
    secrets: Collection[str] = (),
    stack: str = "stack",
    *,
    written: Mapping[str, object] | None = None,
    conceal: Callable[[str], Any] = Sealed,
    origin: Origin | None = None,
    last: Deployed | None = None,
    pin: Pin | None = None,
    on_docker_host: Callable[[DockerHost], None] | None = None,
) -> tuple[Settings | None, list[Problem]]:
    """Settings from configuration as the engine hands it over, or None with every problem found.

    `values` maps full keys (`gitlab-deploy:image`) to text, which is JSON if the stack file has a block; `secrets` are
    the keys that hold something encrypted, and `written` is the stack file, which says what of it is; `conceal` makes
    an Output of an encrypted text; `stack` is the stack's name; `origin` is who runs the program, and `last` the record
    of what the stack has deployed; `pin` gives a new image the digest that its tag stands for, if that is known;
    `on_docker_host` gets the block of a stack file with no problem but, perhaps, its image.
    """
    reader = Reader(conceal=conceal)
    keys = given(reader, values, secrets, written)
    for condition in broken(CONDITIONS, keys):
        reader.add(condition.path, condition.cause, condition.remedy)
    named = {full.removeprefix(f"{PROJECT}:"): value for full, value in keys.items()}
    scalars = reader.read(Scalars, {name: value for name, value in named.items() if name not in BLOCKS}, PROJECT, ":")
    blocks = {name: _block(reader, name, named[name]) for name in BLOCKS if name in named}
    access, registry, docker_host = blocks.get("access"), blocks.get("registry"), blocks.get("dockerHost")
    if docker_host:
        docker_host = replace(docker_host, name=docker_host.name or f"web-{_dns_label(stack)}"[:63].rstrip("-"))
        if on_docker_host and not reader.problems:
            on_docker_host(docker_host)
    image = _image(reader, scalars, origin or Origin(), last, pin) if scalars and _runs(named) else None
    if image and registry:
        _compare(reader, image.deployed.image, registry, blocks.get("kubernetes"))
    if reader.problems or scalars is None:
        return None, reader.problems
    settings = Settings(
        stack=stack,
        scalars=scalars,
        image=image,
        access=access and _complete(access, scalars),
        registry=registry
        and replace(
            registry,
            project=registry.project or ("" if registry.username else scalars.gitlab_project),
            pull_secret=registry.pull_secret or f"gitlab-registry-{_dns_label(stack)}",
        ),
        app=blocks.get("app"),
        kubernetes=blocks.get("kubernetes"),
        docker_host=docker_host,
    )
    return settings, []


def _runs(named: Mapping[str, object]) -> bool:
    """Whether the stack runs the image: of the block app, or in files that a target names."""
    files = (("kubernetes", "manifests"), ("dockerHost", "compose"))
    blocks = [(named.get(target), key) for target, key in files]
    return "app" in named or any(isinstance(block, Mapping) and key in block for block, key in blocks)


def _compare(reader: Reader, image: ImageReference, registry: Registry, target: Kubernetes | None) -> None:
    """Records that the login is another registry's than the image's, unless the Pods have further ones."""
    hub = {"docker.io", "index.docker.io", "registry-1.docker.io"}
    is_same = image.registry == registry.server or {image.registry, registry.server} <= hub
    if not is_same and not (target and target.pull_secrets):
        reader.add(
            own("registry.server"),
            f"is {registry.server}, and the image is pulled from {image.registry}",
            "name that one, or take out the block registry if everybody may pull the image",
        )


def _complete(access: Access, scalars: Scalars) -> Access:
    project = access.preview_project or scalars.gitlab_project
    return replace(access, preview_project=project) if access.preview else access


def _dns_label(stack: str) -> str:
    """The stack's name, which may hold capitals, dots and underscores, as part of a DNS label."""
    return re.sub(r"[^a-z0-9]+", "-", stack.lower()).strip("-") or "stack"


def _block(reader: Reader, name: str, fields: object) -> Any:  # noqa: ANN401 - the block of that name
    path = own(name)
    if isinstance(fields, Mapping):
        return reader.read(BLOCKS[name], fields, path)
    if isinstance(fields, Sealed):
        reader.add(path, "is encrypted as a whole", "encrypt the values that are secret, each by itself")
    elif fields is not UNREADABLE:
        cause, remedy = "is not a block", "use a mapping of keys to values"
        shown = quoted(fields) if is_shown(BLOCKS[name]) else kind_of(fields)
        reader.problems.append(Problem(path=path, value=shown, cause=cause, remedy=remedy))
    return None


def _image(reader: Reader, scalars: Scalars, origin: Origin, last: Deployed | None, pin: Pin | None) -> Decision | None:
    wanted = ImageReference.parse(scalars.image) if scalars.image else None
    # The image that runs is known already, and its registry need not be there for a preview.
    if wanted and pin and not (last and wanted.is_same(last.image)):
        wanted = pin(wanted)
    try:
        return decide(wanted, origin, last, rollback=scalars.rollback)
    except RefusedError as refused:
        cause, _, remedy = refused.reason.partition("; ")
        reader.add(refused.key, cause, remedy)
    return None
