"""The block `kubernetes`: where the application runs, in a namespace of a cluster. Pure: no Pulumi here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from components.settings import kubernetes_rules, rules
from components.settings.autoscale import Autoscale
from components.settings.block import Block
from components.settings.conditions import Condition
from components.settings.key import SecretText, key
from components.settings.kubernetes_conditions import CONDITIONS
from components.settings.probe import Probe

SERVICE_PORT = 80
"""Port of the Service."""


@dataclass(frozen=True, kw_only=True)
class Kubernetes(Block):
    """The application on Kubernetes: Deployment, Service, PodDisruptionBudget, NetworkPolicy, and Ingress.

    Or, with `manifests`, the objects of the team's own files.
    """

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
        default_text="2 at first; 1 with a volume of one node",
        example=3,
    )
    autoscale: Autoscale | None = key(
        "An autoscaler.", default=None, default_text="none", example={"min": 2, "max": 10, "cpu": 80}
    )
    host: str | None = key(
        "Host name of the Ingress.",
        rule=rules.DNS_NAME,
        default=None,
        default_text="no Ingress",
        example="blog.example.org",
    )
    hosts: tuple[str, ...] = key(
        "Further host names of the Ingress.", rule=rules.DNS_NAME, default=(), example=["www.example.org"]
    )
    paths: tuple[str, ...] = key(
        "Paths of the hosts that lead to the application, each with all that is below it.",
        rule=rules.HTTP_PATH,
        default=("/",),
        example=["/api", "/docs"],
    )
    ingress_annotations: Mapping[str, str] = key(
        "Annotations of the Ingress, which its controller and cert-manager read.",
        names=kubernetes_rules.ANNOTATION,
        rule=kubernetes_rules.ANNOTATION_VALUE,
        default={},
        example={"cert-manager.io/cluster-issuer": "letsencrypt"},
    )
    ingress_class: str | None = key(
        "Class of the Ingress.",
        rule=rules.DNS_NAME,
        default=None,
        default_text="the cluster's default class",
        example="nginx",
    )
    tls_secret: str | None = key(
        "Secret of type kubernetes.io/tls with the certificate of the hosts; cert-manager may make it.",
        rule=rules.DNS_NAME,
        default=None,
        default_text="the Ingress serves http",
        example="blog-example-org-tls",
    )
    cpu: str = key(
        "Requested CPU of a Pod.",
        rule=rules.CPU,
        default="50m",
        examples=("100m", "0.5", "2"),
    )
    cpu_limit: str | None = key(
        "Limit of the CPU of a Pod, for a cluster whose quota asks for one.",
        rule=rules.CPU,
        default=None,
        default_text="no limit, for throttling a server that has room helps nobody",
        example="1",
    )
    startup: Probe | None = key(
        "How it is seen that a container has started: until then, the other probes wait.",
        default=None,
        default_text="none",
        example={"failures": 30, "periodSeconds": 2},
    )
    liveness: Probe | None = key(
        "How it is seen that a container is alive; one that is not is restarted.",
        default=None,
        default_text="none",
        example={"path": "/livez"},
    )
    secrets_from: tuple[str, ...] = key(
        "Secrets that exist in the namespace, whose entries become environment variables; a change of theirs reaches "
        "the Pods that start after it.",
        rule=rules.DNS_NAME,
        default=(),
        example=["database"],
    )
    secret_keys: Mapping[str, str] = key(
        "Environment variables whose values are keys of Secrets that exist in the namespace, as SECRET/KEY.",
        names=rules.ENV_NAME,
        rule=kubernetes_rules.SECRET_KEY,
        default={},
        example={"DB_PASSWORD": "database/password"},
    )
    config_from: tuple[str, ...] = key(
        "ConfigMaps that exist in the namespace, whose entries become environment variables, those of `secretsFrom` "
        "and of `app` over them.",
        rule=rules.DNS_NAME,
        default=(),
        example=["settings"],
    )
    files: Mapping[str, SecretText] = key(
        "Text files put into the container, by their path.",
        names=rules.MOUNT_PATH,
        default={},
        secrecy="may",
        example={"/etc/app.conf": "workers = 2\n"},
    )
    volumes: Mapping[str, str] = key(
        "Sizes of the volumes, by the path they are mounted at: each is a PersistentVolumeClaim, which stays in the "
        "namespace when it is taken out here.",
        names=rules.MOUNT_PATH,
        rule=kubernetes_rules.STORAGE,
        default={},
        example={"/var/lib/blog": "10Gi"},
    )
    access_mode: Literal["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"] = key(
        "Who may mount the volumes: but for ReadWriteMany one Pod alone, which ends before the next one starts.",
        default="ReadWriteOnce",
        example="ReadWriteMany",
    )
    storage_class: str | None = key(
        "Class of the volumes.",
        rule=rules.DNS_NAME,
        default=None,
        default_text="the cluster's default class",
        example="fast",
    )
    run_as_user: int | None = key(
        "Number of the user that the container runs as.",
        low=1,
        high=2147483647,
        default=None,
        default_text="the image's, which has to be a number other than 0",
        example=1000,
    )
    run_as_root: bool = key(
        "Whether the container runs as the image's user with the container runtime's own capabilities, be it root: for "
        "an image that changes its user by itself. The namespace has to allow it, as Pod Security `baseline` does.",
        default=False,
        example=True,
    )
    fs_group: int | None = key(
        "Number of the group that the volumes belong to; without it, they are root's on many clusters.",
        low=1,
        high=2147483647,
        default=None,
        default_text="none",
        example=1000,
    )
    read_only_root_filesystem: bool = key(
        "Whether the container can write to `app.writable` and its volumes alone.", default=True, example=False
    )
    service_account: str | None = key(
        "ServiceAccount that exists in the namespace and that the Pods run as.",
        rule=rules.DNS_NAME,
        default=None,
        default_text="`default`",
        example="blog",
    )
    service_account_token: bool = key(
        "Whether the Pods get the token of the ServiceAccount, with which they may act on the cluster.",
        default=False,
        example=True,
    )
    pod_annotations: Mapping[str, str] = key(
        "Annotations of the Pods.",
        names=kubernetes_rules.ANNOTATION,
        rule=kubernetes_rules.ANNOTATION_VALUE,
        default={},
        example={"prometheus.io/scrape": "true", "prometheus.io/port": "9102"},
    )
    egress: tuple[str, ...] = key(
        "What the Pods may connect to besides DNS: blocks of addresses (CIDR), or `internet` for every public one.",
        rule=kubernetes_rules.EGRESS,
        default=(),
        example=["internet", "10.20.0.0/16"],
    )
    reaches: tuple[str, ...] = key(
        "What of the same namespace the Pods may connect to: values of the label `app.kubernetes.io/name`, such as the "
        "`kubernetes.name` of another stack.",
        rule=rules.LABEL_VALUE,
        default=(),
        example=["db"],
    )
    pull_secret: str | None = key(
        "Secret of type kubernetes.io/dockerconfigjson the image is pulled with.",
        rule=rules.DNS_NAME,
        default=None,
        default_text="that of `registry`, or no login",
        example="gitlab-registry-prod-access",
    )
    pull_secrets: tuple[str, ...] = key(
        "Further Secrets of that type that exist in the namespace.",
        rule=rules.DNS_NAME,
        default=(),
        example=["mirror-login"],
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
        "How long a reason that may pass, such as a registry that does not answer, has to last before the rollout "
        "fails. The kubelet retries after ten seconds, so that a short disturbance ends a rollout only if this is "
        "less. An image that does not exist is reported at once.",
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
    manifests: tuple[str, ...] | None = key(
        "Files, folders or globs of Kubernetes YAML, where `filesFrom` says. Each document is a resource of the "
        "stack; a container with the image `IMAGE`, or of the repository of `image`, gets the stack's image.",
        rule=rules.FILES,
        default=None,
        default_text="the objects that this block makes of `app`",
        example=["deployment.yml", "kubernetes/*.yaml"],
    )
    secrets: Mapping[str, SecretText] = key(
        "Values of Secrets that the manifests use by name, as SECRET/KEY. If one changes, the Pods that use its Secret "
        "are replaced.",
        names=kubernetes_rules.SECRET_KEY,
        default={},
        secrecy="must",
        example={"database/password": "a secret"},
    )

    conditions: ClassVar[tuple[Condition, ...]] = CONDITIONS

    @property
    def secrets_by_name(self) -> Mapping[str, Mapping[str, SecretText]]:
        """The values of `secrets` by key, by the name of their Secret."""
        parts = [(*path.partition("/")[::2], value) for path, value in self.secrets.items()]
        return {name: {inside: value for owner, inside, value in parts if owner == name} for name, _, _ in parts}

    @property
    def pod_labels(self) -> Mapping[str, str]:
        """The labels that select its Pods."""
        return self.selector or {"app.kubernetes.io/name": self.name}

    @property
    def has_one_pod(self) -> bool:
        """Whether its volumes can be mounted by one Pod alone, which has to end before the next one starts."""
        return bool(self.volumes) and self.access_mode != "ReadWriteMany"
