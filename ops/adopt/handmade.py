"""What runs on the cluster before a stack takes it over, and what stands against that. Pure.

Taken over with server-side apply: what the stack declares is set, and then what it does not declare goes. So each rule
here is about a value that cannot change, that the application needs, or that requests go through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components.printable import printable
from components.settings.kubernetes import SERVICE_PORT
from components.settings.kubernetes_names import claim_name

if TYPE_CHECKING:
    from components.settings.settings import Settings

Object = Mapping[str, Any]
"""An object as `kubectl get --output json` lists it."""
_HANDLERS = {"httpGet", "exec", "tcpSocket", "grpc"}


@dataclass(frozen=True, kw_only=True)
class Handmade:
    """The objects to take over, by kind and name, and what else is in the namespace."""

    objects: Mapping[tuple[str, str], Object]
    pods: Sequence[Object] = ()
    ingresses: Sequence[Object] = ()

    def find(self, kind: str, name: str) -> Object | None:
        """The object of this kind and name, if it is to be taken over."""
        return self.objects.get((kind, name))


def keys_to_set(stack: Settings, found: Handmade) -> dict[str, str]:
    """The keys of the stack file, as paths, that have to say what a Deployment has and cannot change."""
    target = stack.kubernetes_app
    deployment = found.find("Deployment", target.name) if target else None
    if target is None or deployment is None:
        return {}
    keys: dict[str, str] = {}
    labels = deployment["spec"]["selector"].get("matchLabels") or {}
    if labels != target.pod_labels:
        keys |= {f'kubernetes.selector["{name}"]': value for name, value in sorted(labels.items())}
    containers = deployment["spec"]["template"]["spec"]["containers"]
    if len(containers) == 1 and containers[0]["name"] != target.container:
        keys["kubernetes.container"] = containers[0]["name"]
    return keys


def obstacles(stack: Settings, found: Handmade) -> list[str]:
    """Why the stack cannot take the objects over without an interruption, each with the way out."""
    return [*_namespace(stack, found), *_fixed(found), *_deployment(stack, found), *_service(stack, found)]


def _namespace(stack: Settings, found: Handmade) -> Iterator[str]:
    access, target = stack.access, stack.kubernetes_app
    if access is None or found.find("Namespace", access.namespace) is None:
        return
    deployment = found.find("Deployment", target.name) if target else None
    labels = deployment["spec"]["selector"].get("matchLabels") or {} if deployment else {}
    others = sorted(
        printable(pod["metadata"]["name"])
        for pod in found.pods
        if not labels or not labels.items() <= (pod["metadata"].get("labels") or {}).items()
    )
    if others:
        yield (
            f"Namespace {access.namespace} has Pods that are not the application's ({', '.join(others[:5])}), which a "
            "default-deny NetworkPolicy and Pod Security 'restricted' would break; set access.createNamespace to false"
        )


def _fixed(found: Handmade) -> Iterator[str]:
    """Fields that never change, or that the stack's own value cannot stand beside."""
    for (kind, name), item in found.objects.items():
        if kind == "RoleBinding":
            role = item["roleRef"]
            wanted = name.rpartition("-")[2]
            if (role["kind"], role["name"]) != ("ClusterRole", wanted):
                yield (
                    f"RoleBinding {name} is for {role['kind']} {printable(role['name'])}, which cannot be changed to "
                    f"ClusterRole {wanted}; delete it once another binding gives the rights, or name another "
                    "access.serviceAccount"
                )
        if kind == "PodDisruptionBudget" and "minAvailable" in item["spec"]:
            yield (
                f"PodDisruptionBudget {name} has minAvailable, beside which maxUnavailable cannot stand; delete it, "
                "and the stack makes its own"
            )


def _deployment(stack: Settings, found: Handmade) -> Iterator[str]:
    app, target = stack.app, stack.kubernetes_app
    deployment = found.find("Deployment", target.name) if target else None
    if app is None or target is None or deployment is None:
        return
    what = f"Deployment {target.name}"
    pod = deployment["spec"]["template"]["spec"]
    if deployment["spec"]["selector"].get("matchExpressions"):
        yield f"{what} selects its Pods by matchExpressions, which never change; name another kubernetes.name"
    if len(pod["containers"]) != 1:
        names = ", ".join(printable(container["name"]) for container in pod["containers"])
        yield f"{what} has several containers ({names}), and the stack runs one; name another kubernetes.name"
        return
    container = pod["containers"][0]
    variables = [entry["name"] for entry in container.get("env") or ()]
    missing = [printable(name) for name in variables if name not in {**app.env, **app.secrets, **target.secret_keys}]
    if missing:
        yield f"{what} sets {', '.join(missing)}, and the stack does not; add them to app.env or app.secrets"
    for field, own in (("args", app.args), ("command", app.command)):
        if container.get(field) and tuple(container[field]) != own:
            yield f"{what} sets {field} to another value than app.{field}; use the same there"
    if container.get("envFrom") and not (target.secrets_from or target.config_from):
        yield (
            f"{what} sets envFrom, and the stack does not; name its sources in kubernetes.secretsFrom and "
            "kubernetes.configFrom, or move them into app.env or app.secrets"
        )
    claims = {claim_name(target.name, path) for path in target.volumes}
    for volume in pod.get("volumes") or ():
        if "emptyDir" not in volume and (volume.get("persistentVolumeClaim") or {}).get("claimName") not in claims:
            yield (
                f"{what} has the volume {printable(volume['name'])}, which is no claim of kubernetes.volumes; name "
                "another kubernetes.name"
            )
    probe, wanted = container.get("readinessProbe") or {}, "exec" if app.health.command else "httpGet"
    for handler in sorted(_HANDLERS & probe.keys() - {wanted}):
        yield (
            f"{what} has a readinessProbe with {handler}, beside which the {wanted} of app.health cannot stand; use "
            f"{wanted} in your manifest too, and apply it"
        )


def _service(stack: Settings, found: Handmade) -> Iterator[str]:
    app, target = stack.app, stack.kubernetes_app
    service = found.find("Service", target.name) if target else None
    if app is None or target is None or service is None:
        return
    what, spec = f"Service {target.name}", service["spec"]
    if spec["type"] != "ClusterIP" or spec.get("clusterIP") == "None":
        of = "headless" if spec.get("clusterIP") == "None" else f"of type {spec['type']}"
        yield (
            f"{what} is {of}, and whoever comes through it would be cut off; name another kubernetes.name, and let the "
            "traffic change over"
        )
    deployment = found.find("Deployment", target.name)
    if deployment:
        labels = deployment["spec"]["template"]["metadata"].get("labels") or {}
        if not (spec.get("selector") or {}).items() <= labels.items():
            yield f"{what} leads to other Pods than those of the Deployment; correct its selector, or name another one"
    for port in spec["ports"]:
        if port["port"] != SERVICE_PORT:
            yield (
                f"{what} listens on port {port['port']}, and the stack's on {SERVICE_PORT}; let its clients use "
                f"{SERVICE_PORT} first, or name another kubernetes.name"
            )
        elif port["targetPort"] not in {app.port, "http"}:
            yield (
                f"{what} leads to port {printable(str(port['targetPort']))} of the Pods, and app.port is {app.port}; "
                f"let it lead to the number {app.port}, or correct app.port"
            )
        elif port.get("name", "http") != "http":
            yield from _users_of(found, target.name, port["name"])
    ingress = found.find("Ingress", target.name)
    hosts = {rule.get("host") for rule in ingress["spec"].get("rules") or ()} if ingress else set()
    others = sorted(printable(str(host)) for host in hosts - {target.host, *target.hosts})
    if others:
        yield (
            f"Ingress {target.name} routes {', '.join(others)} too, which the stack would not; move those into an "
            "Ingress of another name"
        )
    if ingress and ingress["spec"].get("tls") and not target.tls_secret:
        yield f"Ingress {target.name} has TLS; name its Secret as kubernetes.tlsSecret"


def _users_of(found: Handmade, service: str, port: str) -> Iterator[str]:
    for ingress in found.ingresses:
        rules = ingress["spec"].get("rules") or ()
        paths = [path for rule in rules for path in (rule.get("http") or {}).get("paths") or ()]
        backends = [path["backend"].get("service") or {} for path in paths]
        if any(backend.get("name") == service and backend["port"].get("name") == port for backend in backends):
            yield (
                f"Ingress {ingress['metadata']['name']} leads to port '{printable(port)}' of Service {service}, which "
                f"the stack calls 'http'; let it lead to the number {SERVICE_PORT}"
            )
