import json
import os
import runpy
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from tests.support.answering import answering
from tests.support.project import ROOT
from tests.support.recorder import Recorder, deploy

OUTPUTS: dict[str, dict[str, Any]] = {
    "kubernetes:core/v1:Secret": {"data": {"token": "dG9rZW4tdG9rZW4=", "ca.crt": "UEVN"}},
    "gitlab:index/projectDeployToken:ProjectDeployToken": {"username": "gitlab+deploy", "token": "gldt-canary"},
    "docker:index/remoteImage:RemoteImage": {"imageId": "sha256:1"},
}
SSH = """\
#!/bin/sh
for word; do last=$word; done
case "$last" in
  *version*) echo 1.41 ;;
  *dial-stdio*) printf 'HTTP/1.0 200 OK\\r\\n\\r\\n[]' ;;
esac
"""
"""Stands in for ssh and for the Docker host behind it, which has a current Docker and no containers."""


def run_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *without: str, **keys: Any) -> Recorder:
    """Runs __main__.py with the committed Pulumi.prod.yaml, a few keys changed, against servers that only answer."""
    config = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())["config"]
    config.update({f"gitlab-deploy:{key}": value for key, value in keys.items()})
    for block in without:
        del config[f"gitlab-deploy:{block}"]
    with answering() as address:
        config["gitlab-deploy:gitlabUrl"] = address
        kubeconfig = tmp_path / "kubeconfig"
        clusters = [{"name": "c", "cluster": {"server": address}}]
        contexts = [{"name": "c", "context": {"cluster": "c"}}]
        kubeconfig.write_text(yaml.safe_dump({"current-context": "c", "contexts": contexts, "clusters": clusters}))
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
        (tmp_path / "ssh").write_text(SSH)
        (tmp_path / "ssh").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
        pulumi.runtime.set_all_config(values, ["gitlab-deploy:gitlabToken"])
        try:
            return deploy(lambda: runpy.run_path(str(ROOT / "__main__.py")), OUTPUTS)
        finally:
            pulumi.runtime.set_all_config({}, [])


def test_every_resource_has_a_parent_component_and_an_explicit_provider(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = run_program(monkeypatch, tmp_path)
    resources = [d for d in run.declarations if d.custom and not d.type.startswith("pulumi:providers:")]
    assert len(resources) == 21
    parents = {"access", "pipeline", "pipeline-preview", "registry", "app", "docker-app"}
    assert {d.parent for d in resources} == parents
    assert {(d.type.partition(":")[0], d.provider) for d in resources} == {
        ("kubernetes", "cluster"),
        ("gitlab", "gitlab"),
        ("docker", "docker"),
    }


def test_variables_of_previews_are_another_set_and_those_that_deploy_are_protected_unless_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for protected, form, kind in ((True, "file", "file"), (False, "base64", "env_var")):
        block = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())["config"]["gitlab-deploy:access"]
        changes = {"preview": True, "protected": protected, "variable": form, "previewEnvironment": "preview/blog"}
        run = run_program(monkeypatch, tmp_path, access=block | changes)
        variables = [d for d in run.declarations if d.type == "gitlab:index/projectVariable:ProjectVariable"]
        fields = ("project", "key", "environmentScope", "protected", "variableType")
        program = block["previewProject"]
        assert {(d.parent, *(d.inputs[field] for field in fields)) for d in variables} == {
            ("pipeline", "group/blog", "KUBECONFIG", "production", protected, kind),
            ("pipeline", "group/blog", "KUBE_TOKEN", "production", protected, "env_var"),
            ("pipeline-preview", program, "KUBECONFIG", "preview/blog", False, kind),
            ("pipeline-preview", program, "KUBE_TOKEN", "preview/blog", False, "env_var"),
        }


def test_docker_host_pulls_with_the_deploy_token_and_its_ssh_options_are_the_same_everywhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    provider = run_program(monkeypatch, tmp_path).one("pulumi:providers:docker")
    assert provider.secret == {"registryAuth"}
    [login] = json.loads(provider.inputs["registryAuth"])
    assert login == {"address": "registry.example.com", "username": "gitlab+deploy", "password": "gldt-canary"}
    assert provider.inputs["host"] == "ssh://deploy@docker.example.com"
    options = json.loads(provider.inputs["sshOpts"])
    assert "StrictHostKeyChecking=yes" in options
    assert "BatchMode=yes" in options
    assert "IdentityFile=${SSH_KEY}" in options
    assert not [option for option in options if str(tmp_path) in option or str(Path.home()) in option]


def test_cluster_provider_holds_no_path_and_no_credential(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    provider = run_program(monkeypatch, tmp_path).one("pulumi:providers:kubernetes")
    assert provider.inputs == {"kubeconfig": "", "clusterIdentifier": "production", "enableSecretMutable": "true"}


def test_gitlab_token_is_handed_over_as_a_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    provider = run_program(monkeypatch, tmp_path, gitlabToken="glpat-canary").one("pulumi:providers:gitlab")
    assert provider.inputs["token"] == "glpat-canary"
    assert provider.secret == {"token"}
    assert provider.inputs["baseUrl"].endswith("/api/v4/")


def test_without_a_token_the_gitlab_provider_reads_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITLAB_TOKEN", "glpat-canary")
    provider = run_program(monkeypatch, tmp_path).one("pulumi:providers:gitlab")
    assert set(provider.inputs) == {"baseUrl"}


def test_access_and_registry_without_an_app_leave_the_pull_secret_to_the_stack_that_has_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = run_program(monkeypatch, tmp_path, "app", "kubernetes", "dockerHost")
    [secret] = [d for d in run.declarations if d.parent == "registry" and d.type == "kubernetes:core/v1:Secret"]
    assert secret.inputs["metadata"] == {"name": "gitlab-registry", "namespace": "example"}


def test_stack_without_access_needs_no_gitlab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = run_program(monkeypatch, tmp_path, "access", "registry", kubernetes={"namespace": "example"})
    assert {d.parent for d in run.declarations if d.custom and d.provider} == {"app", "docker-app"}
    assert not [d for d in run.declarations if d.type == "pulumi:providers:gitlab"]


def test_app_is_deployed_into_the_namespace_after_it_exists(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = run_program(monkeypatch, tmp_path)
    assert "access-namespace" in run.one("kubernetes:apps/v1:Deployment").depends_on


def test_only_settings_reads_configuration() -> None:
    sources = {path: path.read_text() for path in [ROOT / "__main__.py", *ROOT.glob("components/**/*.py")]}
    readers = [
        str(path.relative_to(ROOT))
        for path, text in sources.items()
        if "pulumi.Config" in text or "runtime import config" in text
    ]
    assert readers == ["components/settings/settings.py"]
