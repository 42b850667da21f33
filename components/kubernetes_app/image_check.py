"""Whether an image exists, and can be pulled and run as the block `kubernetes` has it, before anything is made."""

import re
from collections.abc import Mapping

import pulumi

from components.image.config import ImageConfig, LoginNeededError, NoImageError, read
from components.image.reference import ImageReference
from components.printable import printable
from components.settings.settings import Settings

_NODES_HAVE_LOGINS = re.compile(
    r"\.dkr\.ecr(?:-fips)?\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$|(?:^|\.)gcr\.io$|\.pkg\.dev$|\.azurecr\.(?:io|cn|us)$"
)
"""Registries for which the kubelets of their clouds have a login (Kubernetes: kubelet credential providers)."""


def require(stack: Settings, running: str | None, environment: Mapping[str, str]) -> None:
    """Raises RunError, which Pulumi shows with no traceback, if the image cannot be pulled, or would not be run.

    `running` is the image of the last run, which is known to run: its registry need not be there. A registry that does
    not answer is no problem either.
    """
    if not stack.image or str(stack.image.deployed.image) == running:
        return
    image = stack.image.deployed.image
    try:
        if pulls_as_nobody(stack, image, running):
            _require_public(image)
        config = read(image, environment)
    except NoImageError:
        raise pulumi.RunError(
            f"Nothing was changed: {image} is not in its registry; push it first, or correct gitlab-deploy:image"
        ) from None
    except LoginNeededError:
        # The login of this machine is not the one that the image is pulled with.
        return
    if config is None or not stack.kubernetes_app:
        return
    problem = user_problem(stack, image, config)
    if problem:
        raise pulumi.RunError(f"Nothing was changed: {problem}")
    port = stack.app.port if stack.app else None
    if port and config.ports and port not in config.ports:
        exposed = ", ".join(map(str, sorted(config.ports)))
        pulumi.log.warn(f"The image says that it listens on port {exposed}, and app.port is {port}")


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


def _require_public(image: ImageReference) -> None:
    try:
        read(image, None)
    except LoginNeededError:
        raise pulumi.RunError(
            f"Nothing was changed: {image.registry} gives the image {image} to nobody without a login, and the Pods "
            "have none; add the block registry, or name a Secret as kubernetes.pullSecret (if the nodes have a login, "
            "set kubernetes.serviceAccount to default)"
        ) from None


def pulls_as_nobody(stack: Settings, image: ImageReference, running: str | None) -> bool:
    """Whether the Pods have no login for the image's registry, as far as the stack file says.

    What runs of the same repository was pulled somehow, such as with a login that the nodes have.
    """
    target = stack.kubernetes_app
    if target is None or stack.registry or target.pull_secret or target.pull_secrets or target.service_account:
        return False
    known = running is not None and ImageReference.parse(running).name == image.name
    return not known and not _NODES_HAVE_LOGINS.search(image.registry)
