"""Whether custom resources of the manifests belong to a namespace, asked of the cluster, which alone knows."""

import json
from collections.abc import Sequence

import pulumi

from components.cluster.kubectl import Kubectl, kubectl
from components.manifests.kinds import is_own
from components.manifests.manifest import Manifest


def require(manifests: Sequence[Manifest], run: Kubectl = kubectl) -> None:
    """Raises RunError, which Pulumi shows with no traceback, with each object that would be the whole cluster's.

    What the cluster does not know, it says itself when the object is applied.
    """
    custom = [manifest for manifest in manifests if not is_own(manifest.api_version)]
    wide = {version: _cluster_wide(version, run) for version in dict.fromkeys(item.api_version for item in custom)}
    found = [
        f"\n  {manifest.where} is a {manifest.kind}, which belongs to no namespace; take it out, and have it made by "
        "whoever owns the cluster"
        for manifest in custom
        if manifest.kind in wide[manifest.api_version]
    ]
    if found:
        raise pulumi.RunError(f"Nothing was changed:{''.join(found)}")


def _cluster_wide(version: str, run: Kubectl) -> frozenset[str]:
    """The kinds of an API version that belong to no namespace."""
    try:
        asked = run("get", "--raw", f"/apis/{version}")
    except FileNotFoundError:
        return frozenset()
    resources = json.loads(asked.stdout)["resources"] if asked.returncode == 0 else []
    return frozenset(item["kind"] for item in resources if not item["namespaced"] and "/" not in item["name"])
