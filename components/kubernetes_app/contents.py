"""What the Pods are given besides their image: secrets, files and volumes, and what changes with them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pulumi
import pulumi_kubernetes as kubernetes

from components.kubernetes_app.args import KubernetesAppArgs
from components.settings.kubernetes_names import claim_name, file_key, plain_files, sealed_files

_SECRETS, _FILES, _SECRET_FILES = (f"gitlab-deploy/{what}" for what in ("secrets", "files", "secret-files"))
_SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}


@dataclass(frozen=True, kw_only=True)
class Contents:
    """The objects that were declared, as the Pods refer to them."""

    secret: pulumi.Input[str] | None = None
    """Name of the Secret with the environment variables."""
    files: pulumi.Input[str] | None = None
    """Name of the ConfigMap with the files in clear."""
    secret_files: pulumi.Input[str] | None = None
    """Name of the Secret with the others."""
    claims: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Names of the PersistentVolumeClaims, by the path they are mounted at."""
    annotations: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Annotations of the Pods, which change with what was declared, so that the Pods are replaced."""


def declare(
    name: str,
    args: KubernetesAppArgs,
    metadata: kubernetes.meta.v1.ObjectMetaArgsDict,
    parent: pulumi.Resource,
) -> Contents:
    """Declares them. `metadata` is that of the application's objects; each gets a name of its own.

    One name for good, changed in place: `kubectl rollout undo` and onFailure go back to Pods that find it. What is
    named after its content would be gone by then, or never. The Pods that are there keep what they have read; one of an
    older release that starts anew gets the newest values.
    """
    app, target, child = args.app, args.target, pulumi.ResourceOptions(parent=parent)
    plain, sealed = plain_files(target.files), sealed_files(target.files)
    annotations: dict[str, pulumi.Input[str]] = {}
    secret = files = secret_files = None
    if app.secrets:
        secret = _secret(f"{name}-secrets", {**metadata, "name": f"{target.name}-secrets"}, app.secrets, child)
        annotations[_SECRETS] = _digest(secret, app.secrets)
    if plain:
        files = kubernetes.core.v1.ConfigMap(
            f"{name}-files",
            metadata={**metadata, "name": f"{target.name}-files"},
            data={file_key(path): text for path, text in sorted(plain.items())},
            opts=child,
        )
        annotations[_FILES] = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:32]
    if sealed:
        hidden = {file_key(path): target.files[path] for path in sealed}
        secret_files = _secret(f"{name}-secret-files", {**metadata, "name": f"{target.name}-files"}, hidden, child)
        annotations[_SECRET_FILES] = _digest(secret_files, hidden)
    claims = {}
    for path, size in sorted(target.volumes.items()):
        claim = claim_name(target.name, path)
        made = kubernetes.core.v1.PersistentVolumeClaim(
            f"{name}-volume-{claim.removeprefix(f'{target.name}-')}",
            # Many classes make the volume only once a Pod wants it, and the Deployment would wait for the claim.
            metadata={**metadata, "name": claim, "annotations": _SKIP_AWAIT},
            spec={
                "access_modes": [target.access_mode],
                "resources": {"requests": {"storage": size}},
                **({"storage_class_name": target.storage_class} if target.storage_class else {}),
            },
            # What is in it is nobody's to delete but by hand; the next run finds it again by its name.
            opts=pulumi.ResourceOptions(parent=parent, retain_on_delete=True),
        )
        claims[path] = made.metadata.name.apply(str)
    return Contents(
        secret=secret.metadata.name.apply(str) if secret else None,
        files=files.metadata.name.apply(str) if files else None,
        secret_files=secret_files.metadata.name.apply(str) if secret_files else None,
        claims=claims,
        annotations=annotations,
    )


def _secret(
    name: str,
    metadata: kubernetes.meta.v1.ObjectMetaArgsDict,
    values: Mapping[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> kubernetes.core.v1.Secret:
    # Not stringData, whose keys stay in the cluster when they are taken out of it.
    return kubernetes.core.v1.Secret(name, metadata=metadata, data=_revealed(values).apply(_encoded), opts=opts)


def _revealed(secrets: Mapping[str, pulumi.Input[str]]) -> pulumi.Output[Mapping[str, str]]:
    """The values, in an Output that is marked as secret."""
    return pulumi.Output.secret(cast("Any", secrets))


def _encoded(secrets: Mapping[str, str]) -> dict[str, str]:
    return {name: base64.b64encode(value.encode()).decode() for name, value in sorted(secrets.items())}


def _digest(secret: kubernetes.core.v1.Secret, values: Mapping[str, pulumi.Input[str]]) -> pulumi.Output[str]:
    """What changes with the secrets, so that the Pods are replaced.

    It can be read by whoever sees Pods, so it is keyed with the Secret's uid: 122 random bits, which only those see who
    may read the Secret. It is known in a preview, so that a diff shows the rollout.
    """

    def digest(known: list[Any]) -> str:
        uid, secrets = known
        return hmac.digest(str(uid).encode(), json.dumps(secrets, sort_keys=True).encode(), "sha256").hex()[:32]

    return pulumi.Output.all(secret.metadata.uid, _revealed(values)).apply(digest)
