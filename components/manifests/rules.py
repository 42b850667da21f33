"""What of the team's manifests is refused, each with the way out. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.manifests import kinds
from components.manifests.fields import Finding
from components.manifests.manifest import Path, items, mapping
from components.manifests.unfilled import says_nothing

_PULL_SECRETS = ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg")
SECRETS_KEY = "kubernetes.secrets"


def refused_kind(body: Mapping[str, Any], namespace: str) -> Finding | None:
    """Why objects of this apiVersion and kind are no part of a stack, whatever else they say."""
    version, kind = body["apiVersion"], body["kind"]
    if kinds.group_of(version) == "kustomize.config.k8s.io":
        return ("kind",), "is a kustomization, which is not built here", "name what 'kubectl kustomize' makes of it"
    if kinds.is_cluster_wide(version, kind):
        return ("kind",), *_cluster_wide(kind, namespace)
    unknown = kinds.problem(version, kind)
    return (("apiVersion",), *unknown) if unknown else None


def refusals(body: Mapping[str, Any], namespace: str) -> Iterator[Finding]:
    """What is wrong with an object of a kind that may be here."""
    group, kind = kinds.group_of(body["apiVersion"]), body["kind"]
    given = mapping(body, "metadata").get("namespace")
    if given not in (None, namespace):
        yield (
            ("metadata", "namespace"),
            f"is for the namespace {given!r}, and this stack deploys to {namespace!r}",
            "take metadata.namespace out, or deploy it with a stack of that namespace",
        )
    if (group, kind) == ("", "Secret"):
        yield from _secret(body)
    elif (group, kind) == ("rbac.authorization.k8s.io", "RoleBinding"):
        yield from _role_binding(body, namespace)
    elif (group, kind) == ("apps", "Deployment") and mapping(body, "spec").get("paused") is True:
        yield ("spec", "paused"), "is paused, so that its Pods would never get an image", "take spec.paused out"


def _cluster_wide(kind: str, namespace: str) -> tuple[str, str]:
    if kind == "Namespace":
        return (
            f"is a Namespace, and the stack deploys to the namespace {namespace!r} that is there",
            "take the document out; the block access makes the namespace",
        )
    if kind in {"ClusterRole", "ClusterRoleBinding"}:
        narrow = kind.removeprefix("Cluster")
        return f"is a {kind}, with rights on the whole cluster", f"use a {narrow}, or have it made by whoever owns it"
    article = "an" if kind[0] in "AEIO" else "a"
    return (
        f"is {article} {kind}, which belongs to no namespace",
        "take it out, and have it made by whoever owns the cluster",
    )


def _secret(body: Mapping[str, Any]) -> Iterator[Finding]:
    given = {field: body[field] for field in ("data", "stringData") if body.get(field)}
    if body.get("type") in _PULL_SECRETS:
        revoke = "revoke it, and " if any(map(_is_disclosed, given.values())) else ""
        yield (
            ("type",),
            "is a Secret with the login of a registry in the file",
            f"{revoke}take the document out: the block registry makes the pull secret, which Pods that name none get",
        )
        return
    for field, found in given.items():
        key = next(iter(found), "KEY") if isinstance(found, Mapping) else "KEY"
        name = f"{mapping(body, 'metadata').get('name')}/{key}"
        way = "revoke them, take the document out, and set new ones"
        if not _is_disclosed(found):
            way = "take the document out, and set them"
        yield (
            (field,),
            "is a Secret with values in the file",
            f"{way} with 'pulumi config set --secret --path 'gitlab-deploy:{SECRETS_KEY}[\"{name}\"]''",
        )
    if body.get("type") == "kubernetes.io/service-account-token":
        yield (
            ("type",),
            "is a Secret with a token of a ServiceAccount, which never ends",
            "take it out: Pods get tokens of their own (serviceAccountName)",
        )


def _is_disclosed(values: object) -> bool:
    """Whether what a Secret has is known to whoever reads the file."""
    return not isinstance(values, Mapping) or not all(map(says_nothing, values.values()))


def _role_binding(body: Mapping[str, Any], namespace: str) -> Iterator[Finding]:
    role = mapping(body, "roleRef")
    name = str(role.get("name"))
    if role.get("kind") == "ClusterRole" and (name == "cluster-admin" or name.startswith("system:")):
        yield (
            ("roleRef", "name"),
            f"binds the ClusterRole {name}",
            "bind a Role, or the ClusterRole admin, edit or view",
        )
    for number, subject in enumerate(items(body.get("subjects"))):
        at: Path = ("subjects", number)
        if subject.get("kind") != "ServiceAccount":
            yield (
                at,
                f"gives rights to the {subject.get('kind')} {subject.get('name')}",
                "name ServiceAccounts of the namespace alone; whoever owns the cluster gives people their rights",
            )
        elif subject.get("namespace") not in (None, namespace):
            yield (
                at,
                f"gives rights to a ServiceAccount of the namespace {subject['namespace']!r}",
                f"name one of {namespace!r}",
            )
