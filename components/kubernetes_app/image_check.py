"""Whether an image exists, and can be pulled and run as the block `kubernetes` has it, before anything is made."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.image.config import ImageConfig, LoginNeededError, NoImageError, read
from components.image.reference import ImageReference
from components.printable import printable
from components.settings.settings import Settings

_NODES_HAVE_LOGINS = re.compile(
    r"\.dkr\.ecr(?:-fips)?\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$|(?:^|\.)gcr\.io$|\.pkg\.dev$|\.azurecr\.(?:io|cn|us)$"
)
"""Registries for which the kubelets of their clouds have a login (Kubernetes: kubelet credential providers)."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was found."""

    problem: str | None = None
    """Why the image cannot be pulled, or would not be run, with the way out."""
    warning: str | None = None


def look(stack: Settings, running: str | None, environment: Mapping[str, str]) -> Found:
    """Asks the image's registry.

    `running` is the image of the last run, which is known to run: its registry need not be there. A registry that does
    not answer is no problem either.
    """
    if not stack.image or str(stack.image.deployed.image) == running:
        return Found()
    image = stack.image.deployed.image
    try:
        if pulls_as_nobody(stack, image, running) and (problem := _private_problem(image)):
            return Found(problem=problem)
        config = read(image, environment)
    except NoImageError:
        return Found(problem=f"{image} is not in its registry; push it first, or correct gitlab-deploy:image")
    except LoginNeededError:
        # The login of this machine is not the one that the image is pulled with.
        return Found()
    if config is None or not stack.kubernetes_app:
        return Found()
    port = stack.app.port if stack.app else None
    warning = None
    if port and config.ports and port not in config.ports:
        exposed = ", ".join(map(str, sorted(config.ports)))
        warning = f"The image says that it listens on port {exposed}, and app.port is {port}"
    return Found(problem=user_problem(stack, image, config), warning=warning)


def require(found: Found) -> None:
    """Raises RunError, which Pulumi shows with no traceback, if there is a problem."""
    if found.problem:
        raise pulumi.RunError(f"Nothing was changed: {found.problem}")
    if found.warning:
        pulumi.log.warn(found.warning)


def user_problem(stack: Settings, image: ImageReference, config: ImageConfig) -> str | None:
    """Why the kubelet would not run the image as its own user; None if it would, or need not."""
    target = stack.kubernetes_app
    if target is None or target.run_as_root or target.run_as_user:
        return None
    if config.is_root:
        return (
            f"{image} runs as root, which no Pod of the standard 'restricted' may; use an unprivileged variant such as "
            "nginxinc/nginx-unprivileged of nginx, or name another user in the image (USER 1000) or as "
            "kubernetes.runAsUser, or set kubernetes.runAsRoot in a namespace with access.podSecurity: baseline"
        )
    if not config.user.isdecimal():
        return (
            f"{image} runs as the user '{printable(config.user)}', and Kubernetes can tell only by a number that it is "
            "not root; write the number in the image (USER 1000), or set it as kubernetes.runAsUser"
        )
    return None


def _private_problem(image: ImageReference) -> str | None:
    try:
        read(image, None)
    except LoginNeededError:
        return (
            f"{image.registry} gives the image {image} to nobody without a login, and the Pods have none; add the "
            "block registry, or name a Secret as kubernetes.pullSecret (if the nodes have a login, set "
            "kubernetes.serviceAccount to default)"
        )
    return None


def pulls_as_nobody(stack: Settings, image: ImageReference, running: str | None) -> bool:
    """Whether the Pods have no login for the image's registry, as far as the stack file says.

    What runs of the same repository was pulled somehow, such as with a login that the nodes have.
    """
    target = stack.kubernetes_app
    if target is None or stack.registry or target.pull_secret or target.pull_secrets or target.service_account:
        return False
    known = running is not None and ImageReference.parse(running).name == image.name
    return not known and not _NODES_HAVE_LOGINS.search(image.registry)
