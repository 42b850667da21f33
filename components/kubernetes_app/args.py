"""KubernetesAppArgs: what an application on Kubernetes is, completed."""

from dataclasses import dataclass

import pulumi

from components.image.reference import ImageReference
from components.settings import image_rules
from components.settings.app import App
from components.settings.kubernetes import Kubernetes
from components.settings.rule import require

_PODS = 2
"""Of a Deployment that the stack file gives no number, and that nobody has scaled yet."""


@dataclass(frozen=True, kw_only=True)
class KubernetesAppArgs:
    """What runs and where, as the stack file says it, and its image. Raises ValueError on a mutable image."""

    app: App
    target: Kubernetes
    namespace: pulumi.Input[str]
    """Namespace of every object."""
    image: ImageReference
    """Image of the one container; it has to run as a user other than root, given by number, or `target` says more."""
    pull_secret: pulumi.Input[str] | None = None
    """Secret of type kubernetes.io/dockerconfigjson the image is pulled with; with None, that of `target`, if any."""
    scaled: int | None = None
    """The number of Pods that the Deployment has; None if it does not exist or that is not known."""

    def __post_init__(self) -> None:
        require("image", str(self.image), image_rules.IMMUTABLE)

    @property
    def fixed_replicas(self) -> int | None:
        """The number of Pods, if it is the stack's to say."""
        return self.target.replicas or (1 if self.target.has_one_pod else None)

    @property
    def replicas(self) -> int:
        """The number of Pods that the Deployment is declared with."""
        first = self.target.autoscale.min if self.target.autoscale else _PODS
        return self.fixed_replicas or self.scaled or first

    @property
    def inputs(self) -> pulumi.Inputs:
        """What a policy pack can check; of the environment and the files the names alone."""
        app, target = self.app, self.target
        inputs: dict[str, object] = {
            "namespace": self.namespace,
            "name": target.name,
            "image": str(self.image),
            "port": app.port,
            "replicas": target.replicas,
            "host": target.host,
            "tlsSecret": target.tls_secret,
            "cpu": target.cpu,
            "memory": app.memory,
            "env": sorted(app.env),
            "secrets": sorted(app.secrets),
            "writable": list(app.writable),
            "egress": list(target.egress),
        }
        more: dict[str, object] = {
            "worker": app.worker,
            "command": list(app.command or ()),
            "args": list(app.args or ()),
            "hosts": list(target.hosts),
            "cpuLimit": target.cpu_limit,
            "secretsFrom": list(target.secrets_from),
            "secretKeys": dict(target.secret_keys),
            "configFrom": list(target.config_from),
            "files": sorted(target.files),
            "volumes": dict(target.volumes),
            "runAsUser": target.run_as_user,
            "runAsRoot": target.run_as_root,
            "writableRootFilesystem": not target.read_only_root_filesystem,
            "serviceAccount": target.service_account,
            "serviceAccountToken": target.service_account_token,
            "reaches": list(target.reaches),
            "autoscale": {"min": target.autoscale.min, "max": target.autoscale.max} if target.autoscale else None,
        }
        # Only what is said: an input more is a change of every stack.
        return inputs | {name: value for name, value in more.items() if value}
