import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.instance import Instance
from sandbox.machine.waiting import wait
from tests.support.cluster import REPOSITORY, Deployed
from tests.support.counts import Servers
from tests.support.ops_command import ops
from tests.support.project import ROOT, leaks


def verify(deployed: Deployed, *arguments: str) -> tuple[int, list[str]]:
    run = deployed.project.run("python", "-m", "ops", "verify", *arguments, PYTHONPATH=str(ROOT))
    return run.code, run.stdout.splitlines()


def test_second_up_and_preview_change_nothing(deployed: Deployed) -> None:
    with Servers(deployed.instance).counted() as preview:
        assert deployed.summary("--expect-no-changes") == {}
    # By kubectl: two namespaces, the four objects called `web` and five of the other blocks; by the provider: one.
    kinds = preview.kinds()
    # By the provider too; a cluster that was not read within five seconds is asked whether it answers at all.
    assert kinds.pop("get version") in {1, 2}
    assert kinds.total() == 12
    # Whether the token works, may keep variables and may keep deploy tokens; and the provider's own question.
    assert len(preview.gitlab) == 4
    assert (preview.registry, preview.connections) == (0, 0)
    deployed.up("--expect-no-changes")


def test_status_shows_what_runs_and_that_it_serves(deployed: Deployed) -> None:
    run = ops(deployed.project, "status", "--json")
    assert run.code == 0, run.text
    (status,) = json.loads(run.stdout)
    image = f"{REPOSITORY}:1.0.0"
    assert (status["stack"], status["image"].partition("@")[0]) == ("sandbox", image)
    assert status["places"] == ["cluster sandbox, namespace example"]
    assert {credential["name"] for credential in status["credentials"]} >= {
        "GitLab deploy token gitlab-deploy-sandbox-2026-11",
        "ServiceAccount token example/gitlab-example-token-2026-11",
    }
    assert [check["passed"] for check in status["checks"]] == [True, True], status["checks"]
    assert f"2 of 2 Pods behind Service web run {status['image']}" in status["checks"][0]["text"]
    assert not any(
        leaks(secret, run.text) for secret in (deployed.token(), deployed.project.environment["GITLAB_TOKEN"])
    )


def test_doctor_finds_everything_in_its_place(deployed: Deployed) -> None:
    made = deployed.kubectl("create", "service", "clusterip", "neighbour", "--tcp=80", "-n", "example")
    assert made.code == 0, made.text
    run = ops(deployed.project, "doctor", "--stack", "sandbox")
    assert run.code == 0, run.text
    *lines, last = run.stdout.splitlines()
    assert last == "everything is there"
    # Nobody has logged in to the registry here, so that the tag cannot be looked up.
    noted = [line.removeprefix("note  ") for line in lines if not line.startswith("ok    ")]
    assert [" ".join(line.split()[:2]) for line in noted] == ["namespace example", "the image", "whether the"], lines
    assert noted[0] == "namespace example also has Service neighbour, which this stack leaves alone"
    for start in (
        "Python 3.",
        "pulumi 3.",
        "the state is at file://",
        *(f"plugin {name} " for name in ("kubernetes", "gitlab")),
        "the cluster at https://",
        "the token for ",
    ):
        assert [line for line in lines if line.startswith(f"ok    {start}")], start
    assert deployed.kubectl("delete", "service", "neighbour", "-n", "example").code == 0
    assert "ok    stack file Pulumi.sandbox.yaml has no problem, and its secrets can be decrypted" in lines
    assert any("your credential may create Namespace, NetworkPolicy, ServiceAccount" in line for line in lines)


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
        "ok    example: every ServiceAccount, RoleBinding and token is the stack's own",
        f"ok    example: 2 of 2 Pods behind Service web run {REPOSITORY}:1.0.0",
        "ok    example: Service web answers over HTTP with '1.0.0'",
        f"ok    http://{address}/version.txt: answers over HTTP with '1.0.0'",
        "10 of 10 checks passed",
    ]
    assert code == 0


def test_verify_fails_where_the_site_is_another_version(deployed: Deployed) -> None:
    address = deployed.get("service", "web")["spec"]["clusterIP"]
    code, lines = verify(deployed, "--url", f"http://{address}", "--path", "/version.txt", "--expect", "3.0.0")
    assert lines[-2] == (
        f"FAIL  http://{address}/version.txt: answers over HTTP with '3.0.0', but the answer does not hold it"
    )
    assert lines[-1] == "8 of 10 checks passed"
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


def choose_other(deployed: Deployed) -> str:
    """Sets the image to the version of the site that does not run, and returns that version."""
    version = {"1.0.0": "2.0.0", "2.0.0": "1.0.0"}[deployed.site()]
    deployed.set("image", f"{REPOSITORY}:{version}")
    return version


def test_new_image_changes_the_application_and_its_deployment_alone_and_is_served(deployed: Deployed) -> None:
    version = choose_other(deployed)
    assert deployed.summary() == {"update": ["app", "app-deployment"]}
    deployed.up()
    assert deployed.serves(version)
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
        version = choose_other(deployed)
        deployed.up()
    finally:
        deployed.project.environment["KUBECONFIG"] = before
    assert deployed.serves(version)


def test_rotation_makes_a_new_token_before_it_revokes_the_old_one(deployed: Deployed, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.touch(mode=0o600)
    old.write_text(deployed.variables()["KUBECONFIG"].value)
    assert deployed.kubectl("get", "pods", kubeconfig=old).code == 0

    deployed.set("access.rotation", "renewed")
    log = deployed.up().stdout
    assert log.index("pipeline-kubeconfig updated") < log.index("access-token deleting original")
    new = tmp_path / "new"
    new.touch(mode=0o600)
    new.write_text(deployed.variables()["KUBECONFIG"].value)
    assert deployed.kubectl("get", "pods", kubeconfig=new).code == 0
    # The API server remembers a token it has accepted for ten seconds.
    assert wait(lambda: "Unauthorized" in deployed.kubectl("get", "pods", kubeconfig=old).stderr, 20)


def test_what_was_changed_by_hand_is_shown_and_put_back(deployed: Deployed) -> None:
    served = deployed.site()
    assert deployed.kubectl("set", "image", "deployment/web", "-n", "example", f"app={REPOSITORY}:9.9.9").code == 0
    assert deployed.kubectl("delete", "poddisruptionbudget/web", "-n", "example").code == 0
    shown = deployed.project.pulumi("preview", "--refresh")
    assert shown.code != 0
    assert 'conflict with "kubectl-set" using apps/v1: .spec.template.spec.containers' in shown.text
    deployed.up("--refresh")
    assert deployed.output("deployment")["image"] == f"{REPOSITORY}:{served}"
    assert deployed.site() == served
    assert deployed.get("poddisruptionbudget", "web")["spec"]["maxUnavailable"] == 1


def test_a_number_of_pods_set_by_hand_stays_until_the_stack_file_has_it(deployed: Deployed) -> None:
    served = deployed.site()
    assert deployed.kubectl("scale", "deployment/web", "-n", "example", "--replicas=3").code == 0
    version = choose_other(deployed)
    run = deployed.project.pulumi("up", "--yes", "--skip-preview")
    assert run.code != 0
    assert 'conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas' in run.text
    assert deployed.site() == served
    deployed.set("kubernetes.replicas", "3")
    deployed.up()
    assert deployed.serves(version)
    assert deployed.get("deployment", "web")["spec"]["replicas"] == 3


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


@pytest.fixture(scope="module")
def otherwise(
    instance: Instance, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    """A stack on both targets with the choices that the committed one does not make; the last test destroys it."""
    assert images
    folder = tmp_path_factory.mktemp("otherwise")
    stack = Deployed(instance, folder, os.environ | instance.environment(), namespace="otherwise", docker=True)
    stack.set("access.variable", "base64")
    stack.set("access.protect", "true")
    stack.set("kubernetes.host", "blog.example.org")
    stack.up()
    yield stack
    stack.destroy()


def test_one_up_puts_the_same_image_on_both_targets(otherwise: Deployed) -> None:
    docker = otherwise.instance.docker
    address, proxy = docker.address, docker.proxy
    site = ("--proxy", proxy, "--ca", str(docker.certificate.authority), "--path", "/version.txt", "--expect", "1.0.0")
    code, lines = verify(otherwise, *site)
    container = lines[-3].split()[5].rstrip(",")
    assert lines[-3] == f"ok    {address}: one healthy container, {container}, runs {REPOSITORY}:1.0.0"
    url = "https://blog.example.org/version.txt"
    assert lines[-2] == f"ok    {url} at {proxy}:443: answers over TLS, status 200 with '1.0.0'"
    assert code == 0


def test_base64_is_the_form_of_the_recipe_made_by_hand(otherwise: Deployed) -> None:
    # That jobs get on with it is one of the checks of verify above.
    variable = otherwise.variables()["KUBECONFIG"]
    assert variable.variable_type == "env_var"
    assert variable.masked
    assert json.loads(base64.b64decode(variable.value))["kind"] == "Config"


def test_a_host_makes_an_ingress_whatever_the_controller_reports(otherwise: Deployed) -> None:
    assert otherwise.get("ingress", "web")["spec"]["rules"][0]["host"] == "blog.example.org"


def test_destroy_of_a_protected_stack_deletes_nothing(otherwise: Deployed) -> None:
    containers = otherwise.project.pulumi("stack", "output", "--json").stdout
    for options in ((), ("--skip-preview",)):
        run = otherwise.project.pulumi("destroy", "--yes", *options)
        assert run.code != 0
        assert "Protection::access.protect" in run.text
        assert otherwise.site() == "1.0.0"
        assert otherwise.variables()
    run = otherwise.project.pulumi("up", "--yes", "--skip-preview", "--refresh", "--expect-no-changes")
    assert run.code == 0, run.text
    assert otherwise.project.pulumi("stack", "output", "--json").stdout == containers
    otherwise.set("access.protect", "false")
    otherwise.up()
    otherwise.destroy()
    assert "NotFound" in otherwise.kubectl("get", "namespace", "otherwise").stderr
    assert otherwise.variables() == {}
    assert not json.loads(otherwise.project.export())["deployment"].get("resources")


@pytest.mark.parametrize("file", ["Pulumi.yaml", "__main__.py"])
def test_the_program_knows_nothing_of_the_sandbox(file: str) -> None:
    assert "sandbox" not in (ROOT / file).read_text()
