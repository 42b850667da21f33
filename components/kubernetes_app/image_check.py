"""Whether an image can run as the block `kubernetes` has it, before anything is made."""

from collections.abc import Mapping

import pulumi

from components.image.config import ImageConfig, read
from components.image.reference import ImageReference
from components.printable import printable
from components.settings.settings import Settings


def require(stack: Settings, running: str | None, environment: Mapping[str, str]) -> None:
    """Raises RunError, which Pulumi shows with no traceback, if the kubelet would refuse the image.

    `running` is the image of the last run, which is known to run: its registry need not be there. A registry that does
    not answer is no problem either.
    """
    if not (stack.kubernetes_app and stack.image) or str(stack.image.deployed.image) == running:
        return
    config = read(stack.image.deployed.image, environment)
    if config is None:
        return
    problem = user_problem(stack, stack.image.deployed.image, config)
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
