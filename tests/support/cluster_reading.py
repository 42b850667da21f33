"""What a stack with the block access finds on a cluster that answers as a test says."""

import json
import subprocess
from typing import Any

from components.cluster.reading import ClusterCheck, look
from components.settings import settings
from components.settings.settings import Settings

SERVER = "https://here:6443"
API_VERSIONS = {"Deployment": "apps/v1", "Job": "batch/v1", "RoleBinding": "rbac.authorization.k8s.io/v1"}
"""Of the kinds that are not in the core group."""
FORBIDDEN = 'Error from server (Forbidden): secrets "x" is forbidden: User "robot" cannot get resource "secrets"\n'


def stack(**access: Any) -> Settings:
    block = {"namespace": "shop", "serviceAccount": "robot", "server": "https://k8s:6443", **access}
    keys = {"cluster": "prod", "gitlabProject": "group/blog", "access": json.dumps(block)}
    found, problems = settings.parse({f"gitlab-deploy:{key}": value for key, value in keys.items()})
    assert found, problems
    return found


def found(kind: str, name: str, namespace: str | None = "shop", **metadata: Any) -> dict[str, Any]:
    made = {"uid": f"{kind}-{name}", "creationTimestamp": "2026-11-01T08:00:00Z"}
    return {
        "apiVersion": API_VERSIONS.get(kind, "v1"),
        "kind": kind,
        "metadata": {"name": name, **({"namespace": namespace} if namespace else {}), **made, **metadata},
    }


def check(*items: dict[str, Any], stderr: str = "", code: int = 0) -> ClusterCheck:
    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        if arguments[0] == "config":
            return subprocess.CompletedProcess(arguments, 0, stdout=SERVER, stderr="")
        assert json.loads(stdin)["items"]
        text = json.dumps({"kind": "List", "items": items}) if items else ""
        return subprocess.CompletedProcess(arguments, code, stdout=text, stderr=stderr)

    return look(stack(), run)
