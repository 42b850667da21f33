"""The block `kubernetes`: where the application runs, in a namespace of a cluster. Pure: no Pulumi here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from components.settings import rules
from components.settings.block import Block
from components.settings.conditions import Condition, given, negation
from components.settings.key import key


@dataclass(frozen=True, kw_only=True)
class Kubernetes(Block):
    """The application on Kubernetes: Deployment, Service, PodDisruptionBudget, NetworkPolicy, and Ingress."""

    namespace: str | None = key(
        "Namespace, if this stack has no block `access`.",
        rule=(rules.DNS_LABEL, rules.OWN_NAMESPACE),
        default=None,
        default_text="that of `access`",
        example="blog",
    )
    name: str = key(
        "Name of the Deployment, the Service and the other objects.",
        rule=rules.SERVICE_NAME,
        default="web",
        example="blog",
    )
    replicas: int | None = key(
        "Number of Pods. If it is not given, two are made, and whoever scales the Deployment later owns the number.",
        low=1,
        high=1000,
        default=None,
        default_text="2 at first",
        example=3,
    )
    host: str | None = key(
        "Host name of the Ingress.",
        rule=rules.DNS_NAME,
        default=None,
        default_text="no Ingress",
        example="blog.example.org",
    )
    ingress_class: str | None = key(
        "Class of the Ingress.",
        rule=rules.DNS_NAME,
        default=None,
        default_text="the cluster's default class",
        example="nginx",
    )
    tls_secret: str | None = key(
        "Secret of type kubernetes.io/tls with the certificate of the host.",
        rule=rules.DNS_NAME,
        default=None,
        default_text="the Ingress serves http",
        example="blog-example-org-tls",
    )
    cpu: str = key(
        "Requested CPU of a Pod; there is no limit, for throttling a server that has room helps nobody.",
        rule=rules.CPU,
        default="50m",
        examples=("100m", "0.5", "2"),
    )
    egress: tuple[str, ...] = key(
        "What the Pods may connect to besides DNS: blocks of addresses (CIDR), or `internet` for every public one.",
        rule=rules.EGRESS,
        default=(),
        example=["internet", "10.20.0.0/16"],
    )
    pull_secret: str | None = key(
        "Secret of type kubernetes.io/dockerconfigjson the image is pulled with.",
        rule=rules.DNS_NAME,
        default=None,
        default_text="that of `registry`, or no login",
        example="gitlab-registry-prod-access",
    )
    selector: Mapping[str, str] = key(
        "Labels by which the Deployment and the Service know their Pods. Kubernetes never changes those of a "
        "Deployment: this is for one that was made by hand and taken over.",
        names=rules.LABEL,
        rule=rules.LABEL_VALUE,
        default={},
        default_text="`app.kubernetes.io/name`, with `name` as its value",
        example={"app": "blog"},
    )
    container: str = key(
        "Name of the container in its Pods, which `kubectl apply` and `kubectl set` know it by.",
        rule=rules.DNS_LABEL,
        default="app",
        example="blog",
    )
    wait_seconds: int = key(
        "How long a rollout may take until every Pod is a new one and ready.",
        low=5,
        high=3600,
        default=300,
        example=600,
    )
    grace_seconds: int = key(
        "How long a reason, such as an image that cannot be pulled, has to last before the rollout fails. The kubelet "
        "retries after ten seconds, so that a short disturbance ends a rollout only if this is less.",
        low=1,
        high=300,
        default=16,
        example=60,
    )
    on_failure: Literal["keep", "rollback"] = key(
        "What becomes of a rollout that is broken: it stays for the next run to go on with, the old Pods serving, or "
        "it is rolled back in the cluster; the run fails in both cases.",
        default="keep",
        example="rollback",
    )

    conditions: ClassVar[tuple[Condition, ...]] = tuple(
        Condition(
            when=negation(given("host")),
            then="refused",
            path=path,
            cause="belongs to an Ingress, which is made only if 'host' is given",
            remedy="add the host or take this out",
        )
        for path in ("ingressClass", "tlsSecret")
    )

    @property
    def pod_labels(self) -> Mapping[str, str]:
        """The labels that select its Pods."""
        return self.selector or {"app.kubernetes.io/name": self.name}
