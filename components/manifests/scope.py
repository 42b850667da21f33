"""Whether the cluster has the kinds of the manifests that are not known here, in a namespace: it alone knows."""

import json
from collections.abc import Mapping, Sequence

import pulumi

from components.cluster.kubectl import Kubectl, get_raw, kubectl
from components.manifests.kinds import is_known, is_own, remedy_for
from components.manifests.manifest import Manifest


def require(manifests: Sequence[Manifest], run: Kubectl = kubectl) -> None:
    """Raises RunError, which Pulumi shows with no traceback, with each object that the cluster has no kind for.

    So it does for each that would be the whole cluster's. A cluster that does not answer is no problem here.
    """
    custom = [manifest for manifest in manifests if not is_known(manifest.api_version, manifest.kind)]
    kinds = {version: _kinds(version, run) for version in dict.fromkeys(item.api_version for item in custom)}
    found = [
        f"\n  {manifest.where} {problem}"
        for manifest in custom
        if (problem := _problem(manifest, kinds[manifest.api_version])) is not None
    ]
    for manifest in custom:
        if kinds[manifest.api_version] is None and is_own(manifest.api_version):
            pulumi.log.warn(
                f"{manifest.where} is a {manifest.kind} of {manifest.api_version}, which Kubernetes 1.35 does not "
                "have; whether this cluster has it is not known"
            )
    if found:
        raise pulumi.RunError(f"Nothing was changed:{''.join(found)}")


def _problem(manifest: Manifest, kinds: Mapping[str, bool] | None) -> str | None:
    if kinds is None:
        return None
    if manifest.kind not in kinds:
        remedy = "have whoever owns it install what defines it, or use an apiVersion that 'kubectl api-resources' lists"
        if is_own(manifest.api_version):
            remedy = remedy_for(manifest.kind)
        return f"is a {manifest.kind} of {manifest.api_version}, which this cluster does not have; {remedy}"
    if not kinds[manifest.kind]:
        return (
            f"is a {manifest.kind}, which belongs to no namespace; take it out, and have it made by whoever owns the "
            "cluster"
        )
    return None


def _kinds(version: str, run: Kubectl) -> Mapping[str, bool] | None:
    """The kinds of an API version, and whether each belongs to a namespace; None if the cluster does not say."""
    try:
        asked = get_raw(f"/apis/{version}" if "/" in version else f"/api/{version}", run=run)
    except FileNotFoundError:
        return None
    if asked.returncode:
        return {} if "(NotFound)" in asked.stderr else None
    try:
        resources = json.loads(asked.stdout)["resources"]
        return {item["kind"]: item["namespaced"] for item in resources if "/" not in item["name"]}
    except (ValueError, KeyError, TypeError):
        # A proxy in front of the API server may answer with a page of its own.
        return None
