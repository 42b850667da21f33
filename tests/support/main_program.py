"""Runs the program itself with no engine, on the committed stack files."""

import os
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from components import garbage
from components.docker_app.reached import Reach
from components.settings import stack_file
from tests.support.answering import answering
from tests.support.programs import program
from tests.support.project import ROOT, STACKS
from tests.support.recorder import Recorder, deploy
from tests.support.stack_files import engine_form

OUTPUTS: dict[str, dict[str, Any]] = {
    "kubernetes:core/v1:Secret": {"data": {"token": "dG9rZW4tdG9rZW4=", "ca.crt": "UEVN"}},
    "gitlab:index/projectDeployToken:ProjectDeployToken": {"username": "gitlab+deploy", "token": "gldt-canary"},
    "docker:index/remoteImage:RemoteImage": {"imageId": "sha256:1"},
}
IDENTITY = "7f1f2f3e-0000-4000-8000-000000000001"
"""Of the stack, which has run before."""
KUBECTL = """\
case "$*" in
  *ingressclasses*) echo '{"items": [{"metadata": {"name": "nginx"}}]}' ;;
  *--filename*) echo '{"items": [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "blog-example-org-tls",
    "namespace": "example", "uid": "1", "creationTimestamp": "2026-11-01T08:00:00Z"}}]}' ;;
  config*) echo https://k8s:6443 ;;
  *) echo '{"items": []}' ;;
esac
"""
"""Stands in for kubectl, on a cluster with nothing of the stack's own, and what its Ingress names."""
SSH = """\
#!/bin/sh
for word; do last=$word; done
case "$last" in
  *dial-stdio*) sed '/^\\r$/q' >/dev/null; printf 'HTTP/1.0 200 OK\\r\\nApi-Version: 1.41\\r\\n\\r\\n[]' ;;
esac
"""
"""Stands in for ssh and for the Docker host behind it, which has a current Docker and no containers."""


def every_block() -> dict[str, Any]:
    """What the examples prod-access and prod say, in one stack, which then has the namespace itself."""
    parts = [
        yaml.safe_load((STACKS / f"Pulumi.{stack}.yaml").read_text())["config"] for stack in ("prod-access", "prod")
    ]
    config: dict[str, Any] = parts[0] | parts[1]
    assert config["gitlab-deploy:kubernetes"].pop("namespace") == config["gitlab-deploy:access"]["namespace"]
    return config


def run_program(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    *without: str,
    kubectl: str = KUBECTL,
    left: Mapping[str, Any] | None = None,
    **keys: Any,
) -> Recorder:
    """Runs __main__.py with every committed block, a few keys changed, against servers that only answer.

    An encrypted text is `{"secure": TEXT}`, in clear. `left` are outputs of the run before, beside the stack's id.
    """
    config = every_block()
    config.update({f"gitlab-deploy:{key}": value for key, value in keys.items()})
    for block in without:
        del config[f"gitlab-deploy:{block}"]
    if "gitlabToken" not in keys:
        monkeypatch.setenv("GITLAB_TOKEN", "glpat-canary")
    with answering(200) as address:
        config["gitlab-deploy:gitlabUrl"] = address
        kubeconfig = tmp_path / "kubeconfig"
        clusters = [{"name": "c", "cluster": {"server": address}}]
        contexts = [{"name": "c", "context": {"cluster": "c"}}]
        kubeconfig.write_text(yaml.safe_dump({"current-context": "c", "contexts": contexts, "clusters": clusters}))
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
        (tmp_path / "ssh").write_text(SSH)
        (tmp_path / "ssh").chmod(0o755)
        program(tmp_path, "kubectl", kubectl)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        # This process does not end with the program.
        monkeypatch.setattr(garbage, "postpone", lambda: None)
        monkeypatch.setattr(garbage, "resume", lambda: None)
        # There is no proxy.
        monkeypatch.setattr(Reach, "problem", lambda *_: None)
        file = tmp_path / "Pulumi.test.yaml"
        file.write_text(yaml.safe_dump({"config": config}))
        monkeypatch.setenv(stack_file.CONFIG_FILE, str(file))
        pulumi.runtime.set_all_config(*engine_form(config))
        try:
            outputs = {"identity": IDENTITY, **(left or {})}
            return deploy(lambda: runpy.run_path(str(ROOT / "__main__.py")), OUTPUTS, left=outputs)
        finally:
            pulumi.runtime.set_all_config({}, [])
