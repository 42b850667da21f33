import json
import os
from pathlib import Path

import pytest

from sandbox.instance import Instance
from sandbox.machine.process import wait
from tests.support.cluster import REPOSITORY, Deployed
from tests.support.project import ROOT, leaks


def verify(deployed: Deployed, *arguments: str) -> tuple[int, list[str]]:
    run = deployed.project.run("python", "-m", "ops", "verify", *arguments, PYTHONPATH=str(ROOT))
    return run.code, run.stdout.splitlines()


def test_second_up_and_preview_change_nothing(deployed: Deployed) -> None:
    assert deployed.summary("--expect-no-changes") == {}
    assert "20 unchanged" in deployed.up().stdout


def test_verify_passes_with_the_credential_from_gitlab(deployed: Deployed) -> None:
    address = deployed.get("service", "web")["spec"]["clusterIP"]
    code, lines = verify(deployed, "--url", f"http://{address}", "--path", "/version.txt", "--expect", "1.0.0")
    assert lines == [
        "ok    GitLab group/blog, environment production: KUBECONFIG is masked, protected and of type file",
        "ok    example: kubectl get all works",
        "ok    default: kubectl get all is Forbidden",
        "ok    kube-node-lease: kubectl get all is Forbidden",
        "ok    kube-public: kubectl get all is Forbidden",
        "ok    kube-system: kubectl get all is Forbidden",
        f"ok    example: 2 of 2 Pods behind Service web run {REPOSITORY}:1.0.0",
        "ok    example: Service web answers over HTTP with '1.0.0'",
        f"ok    http://{address}/version.txt: answers over HTTP with '1.0.0'",
        "9 of 9 checks passed",
    ]
    assert code == 0


def test_one_up_puts_the_same_image_on_both_targets(instance: Instance, images: dict[str, str], tmp_path: Path) -> None:
    assert images
    stack = Deployed(instance, tmp_path, os.environ | instance.environment(), namespace="both", docker=True)
    stack.up()
    code, lines = verify(stack, "--proxy", instance.docker.url, "--path", "/version.txt", "--expect", "1.0.0")
    stack.destroy()
    container = lines[-3].split()[5].rstrip(",")
    address = instance.docker.address
    assert lines[-3] == f"ok    {address}: one healthy container, {container}, runs {REPOSITORY}:1.0.0"
    assert lines[-2].endswith("/version.txt (Host: blog.example.org): answers over HTTP with '1.0.0'")
    assert code == 0


def test_verify_fails_where_the_site_is_another_version(deployed: Deployed) -> None:
    address = deployed.get("service", "web")["spec"]["clusterIP"]
    code, lines = verify(deployed, "--url", f"http://{address}", "--path", "/version.txt", "--expect", "3.0.0")
    assert lines[-2] == (
        f"FAIL  http://{address}/version.txt: answers over HTTP with '3.0.0', but the answer does not hold it"
    )
    assert lines[-1] == "7 of 9 checks passed"
    assert code == 1


def test_verify_fails_where_the_credential_reaches_too_far(deployed: Deployed) -> None:
    binding = ("rolebinding", "too-far", "-n", "kube-system")
    account = "--serviceaccount=example:gitlab-example"
    assert deployed.kubectl("create", *binding, "--clusterrole=view", account).code == 0
    try:
        code, lines = verify(deployed)
    finally:
        assert deployed.kubectl("delete", *binding).code == 0
    assert code == 1
    assert [line for line in lines if line.startswith("FAIL")] == [lines[5]]
    assert lines[5].startswith("FAIL  kube-system: kubectl get all is Forbidden, but:")


def test_gitlab_holds_the_credential_masked_and_protected(deployed: Deployed) -> None:
    variables = deployed.variables()
    assert set(variables) == {"KUBECONFIG", "KUBE_TOKEN"}
    for variable in variables.values():
        assert variable.masked
        assert variable.protected
        assert variable.raw
        assert variable.environment_scope == "production"
    assert variables["KUBECONFIG"].variable_type == "file"
    kubeconfig = json.loads(variables["KUBECONFIG"].value)
    same = kubeconfig["users"][0]["user"]["token"] == deployed.token() == variables["KUBE_TOKEN"].value
    assert same


def test_no_secret_is_in_any_output_state_or_log(deployed: Deployed) -> None:
    secrets = {
        "GitLab token": deployed.project.environment["GITLAB_TOKEN"],
        "ServiceAccount token": deployed.token(),
        "kubeconfig": deployed.variables()["KUBECONFIG"].value,
    }
    deployed.project.pulumi("preview", "--diff", "--refresh")
    texts = {
        "pulumi stack export": deployed.project.export(),
        "pulumi stack output": deployed.project.pulumi("stack", "output", "--json").text,
        "python -m ops verify": "\n".join(verify(deployed)[1]),
    }
    # Our own kubectl calls asked for the token, to know what to look for.
    for number, run in enumerate(deployed.project.runs):
        if '"kind": "Secret"' not in run.stdout:
            texts[f"command {number}"] = run.text
    logs = [*deployed.instance.folder.glob("log/*.log"), *(deployed.instance.folder / "pulumi").rglob("*.log")]
    assert len(logs) >= 8
    for log in logs:
        texts[log.name] = log.read_text(errors="replace")
    found = [(name, where) for name, secret in secrets.items() for where, text in texts.items() if leaks(secret, text)]
    assert found == []


def test_a_new_image_changes_the_deployment_alone_and_is_served(deployed: Deployed) -> None:
    for version in ("2.0.0", "1.0.0"):
        deployed.set("image", f"{REPOSITORY}:{version}")
        assert deployed.summary() == {"update": ["app-deployment"]}
        deployed.up()
        assert deployed.site() == version
        assert deployed.summary("--expect-no-changes") == {}


def test_another_address_of_the_same_cluster_changes_nothing(deployed: Deployed, tmp_path: Path) -> None:
    kubeconfig = json.loads(deployed.instance.kubeconfig.read_text())
    kubeconfig["clusters"][0]["cluster"]["server"] = f"https://{deployed.instance.network.services[1]}"
    kubeconfig["current-context"] = kubeconfig["contexts"][0]["name"] = "somebody-else"
    other = tmp_path / "kubeconfig"
    other.write_text(json.dumps(kubeconfig))
    before = deployed.project.environment["KUBECONFIG"]
    deployed.project.environment["KUBECONFIG"] = str(other)
    try:
        assert deployed.summary("--expect-no-changes") == {}
    finally:
        deployed.project.environment["KUBECONFIG"] = before


def test_jobs_can_change_the_image_with_nothing_but_their_credential(deployed: Deployed, tmp_path: Path) -> None:
    job = tmp_path / "KUBECONFIG"
    job.touch(mode=0o600)
    job.write_text(deployed.variables()["KUBECONFIG"].value)
    before = deployed.project.environment["KUBECONFIG"]
    deployed.project.environment["KUBECONFIG"] = str(job)
    try:
        deployed.set("image", f"{REPOSITORY}:2.0.0")
        deployed.up()
        assert deployed.site() == "2.0.0"
        deployed.set("image", f"{REPOSITORY}:1.0.0")
        deployed.up()
    finally:
        deployed.project.environment["KUBECONFIG"] = before


def test_rotation_makes_a_new_token_before_it_revokes_the_old_one(deployed: Deployed, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.touch(mode=0o600)
    old.write_text(deployed.variables()["KUBECONFIG"].value)
    assert deployed.kubectl("get", "pods", kubeconfig=old).code == 0

    deployed.set("access.rotation", "2026-12")
    log = deployed.up().stdout
    assert log.index("pipeline-kubeconfig updated") < log.index("access-token deleting original")
    new = tmp_path / "new"
    new.touch(mode=0o600)
    new.write_text(deployed.variables()["KUBECONFIG"].value)
    assert deployed.kubectl("get", "pods", kubeconfig=new).code == 0
    # The API server remembers a token it has accepted for ten seconds.
    assert wait(lambda: "Unauthorized" in deployed.kubectl("get", "pods", kubeconfig=old).stderr, 20)

    deployed.set("access.rotation", "2026-11")
    deployed.up()


def test_base64_is_the_form_of_the_recipe_made_by_hand(deployed: Deployed) -> None:
    deployed.set("access.variable", "base64")
    deployed.up()
    variable = deployed.variables()["KUBECONFIG"]
    assert variable.variable_type == "env_var"
    assert variable.masked
    code, _ = verify(deployed)
    assert code == 0
    deployed.set("access.variable", "file")
    deployed.up()


def test_a_host_makes_an_ingress_at_once_whatever_the_controller_reports(deployed: Deployed) -> None:
    deployed.set("kubernetes.host", "blog.example.org")
    deployed.up()
    assert deployed.get("ingress", "web")["spec"]["rules"][0]["host"] == "blog.example.org"
    run = deployed.project.pulumi("config", "rm", "--path", "gitlab-deploy:kubernetes.host")
    assert run.code == 0
    deployed.up()


def test_what_was_changed_by_hand_is_shown_and_put_back(deployed: Deployed) -> None:
    assert deployed.kubectl("set", "image", "deployment/web", "-n", "example", f"app={REPOSITORY}:2.0.0").code == 0
    assert deployed.kubectl("delete", "poddisruptionbudget/web", "-n", "example").code == 0
    shown = deployed.project.pulumi("preview", "--refresh")
    assert shown.code != 0
    assert 'conflict with "kubectl-set" using apps/v1: .spec.template.spec.containers' in shown.text
    deployed.up("--refresh")
    assert deployed.site() == "1.0.0"
    assert deployed.get("poddisruptionbudget", "web")["spec"]["maxUnavailable"] == 1


def test_a_number_of_pods_set_by_hand_is_not_undone_by_a_deploy_and_can_be_taken_over(deployed: Deployed) -> None:
    assert deployed.kubectl("scale", "deployment/web", "-n", "example", "--replicas=3").code == 0
    deployed.set("image", f"{REPOSITORY}:2.0.0")
    run = deployed.project.pulumi("up", "--yes", "--skip-preview")
    assert run.code != 0
    assert 'conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas' in run.text
    assert deployed.site() == "1.0.0"
    deployed.set("kubernetes.replicas", "3")
    deployed.up()
    assert deployed.site() == "2.0.0"
    assert deployed.get("deployment", "web")["spec"]["replicas"] == 3
    deployed.set("image", f"{REPOSITORY}:1.0.0")
    deployed.set("kubernetes.replicas", "2")
    # The way back: whoever scaled by hand gives the number up.
    assert deployed.kubectl("scale", "deployment/web", "-n", "example", "--replicas=2").code == 0
    deployed.up()


def test_unreachable_servers_leave_the_state_as_it_is(deployed: Deployed, tmp_path: Path) -> None:
    kubeconfig = json.loads(deployed.instance.kubeconfig.read_text())
    kubeconfig["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9"
    other = tmp_path / "kubeconfig"
    other.write_text(json.dumps(kubeconfig))
    before, environment = deployed.project.export(), deployed.project.environment["KUBECONFIG"]
    deployed.project.environment["KUBECONFIG"] = str(other)
    try:
        run = deployed.project.pulumi("up", "--yes")
    finally:
        deployed.project.environment["KUBECONFIG"] = environment
    assert run.code != 0
    assert "The Kubernetes API server https://127.0.0.1:9 does not answer" in run.text
    assert deployed.project.export() == before


def test_destroy_removes_every_object_and_variable(instance: Instance, images: dict[str, str], tmp_path: Path) -> None:
    assert images
    stack = Deployed(instance, tmp_path, os.environ | instance.environment(), namespace="short-lived")
    stack.up()
    assert stack.kubectl("get", "namespace", "short-lived").code == 0
    before = {
        variable.get_id() for variable in stack.variables().values() if variable.environment_scope == "short-lived"
    }
    assert before
    run = stack.project.pulumi("destroy", "--yes")
    assert run.code == 0, run.text
    gone = stack.kubectl("get", "namespace", "short-lived")
    assert gone.code != 0
    assert "NotFound" in gone.stderr
    assert not [v for v in stack.variables().values() if v.environment_scope == "short-lived"]
    assert not json.loads(stack.project.export())["deployment"].get("resources")


def test_a_protected_namespace_is_not_destroyed(instance: Instance, images: dict[str, str], tmp_path: Path) -> None:
    assert images
    stack = Deployed(instance, tmp_path, os.environ | instance.environment(), namespace="kept")
    stack.set("access.protect", "true")
    stack.up()
    run = stack.project.pulumi("destroy", "--yes")
    assert run.code != 0
    assert "protect" in run.text
    assert stack.kubectl("get", "namespace", "kept").code == 0
    assert stack.site() == "1.0.0"
    stack.set("access.protect", "false")
    stack.up()
    assert stack.project.pulumi("destroy", "--yes").code == 0


@pytest.mark.parametrize("file", ["Pulumi.yaml", "__main__.py"])
def test_the_program_knows_nothing_of_the_sandbox(file: str) -> None:
    assert "sandbox" not in (ROOT / file).read_text()
