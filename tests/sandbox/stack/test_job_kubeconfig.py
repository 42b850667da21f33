"""The kubeconfig that jobs get is tried out on a real API server before it replaces one that works."""

import base64
import json
import os
from pathlib import Path

from sandbox.instance import Instance
from tests.support.cluster import Deployed

NAMESPACE = "job-kubeconfig"


def test_variable_that_works_is_replaced_by_nothing_that_the_server_does_not_accept(
    instance: Instance, tmp_path: Path
) -> None:
    stack = Deployed(instance, tmp_path, os.environ | instance.environment(), NAMESPACE)
    for name in ("image", "registry", "app", "kubernetes"):
        stack.edit(lambda config, key=f"gitlab-deploy:{name}": config.pop(key))  # type: ignore[misc]
    access = stack.access

    def give(**keys: str) -> None:
        stack.edit(lambda config: config.update({"gitlab-deploy:access": access | keys}))

    def variables() -> dict[str, str]:
        return {key: variable.value for key, variable in stack.variables().items()}

    stack.up()
    try:
        before = variables()
        for keys, said in (
            ({"server": "https://127.0.0.1:1", "rotation": "2"}, "correct access.server or access.proxyUrl"),
            ({"certificateAuthority": "system"}, "set access.certificateAuthority to the authority"),
            ({"tlsServerName": "kube.example.com"}, "set access.tlsServerName to a name that"),
        ):
            give(**keys)
            done = stack.project.pulumi("up", "--yes", "--skip-preview")
            assert done.code != 0
            server = keys.get("server", access["server"])
            assert f"The API server {server} does not accept the kubeconfig that jobs get (" in done.text
            assert said in done.text
            assert "Traceback" not in done.text
            assert variables().items() == before.items()
        [old] = json.loads(before["KUBECONFIG"])["clusters"]
        authority = base64.b64decode(old["cluster"]["certificate-authority-data"]).decode()
        give(rotation="3", certificateAuthority=authority, tlsServerName="kubernetes.default.svc")
        stack.up()
        after = variables()
        assert [key for key in before if before[key] != after[key]] == list(before)
        job = tmp_path / "job"
        job.touch(mode=0o600)
        job.write_text(after["KUBECONFIG"])
        [new] = json.loads(after["KUBECONFIG"])["clusters"]
        assert new["cluster"] == old["cluster"] | {"tls-server-name": "kubernetes.default.svc"}
        assert stack.kubectl("get", "pods", "-n", NAMESPACE, kubeconfig=job).code == 0
        assert stack.summary("--expect-no-changes") == {}
    finally:
        stack.destroy()
