import json
from pathlib import Path
from typing import Any

import pytest

from components import preflight
from components.cluster.ownership import STACK_ID
from components.docker_app import daemon
from tests.support.main_program import IDENTITY, KUBECTL, every_block, run_program
from tests.support.project import ROOT
from tests.support.recorder import Declaration


def test_every_resource_has_a_parent_component_and_an_explicit_provider(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = run_program(monkeypatch, tmp_path)
    resources = [d for d in run.declarations if d.custom and not d.type.startswith("pulumi:")]
    assert len(resources) == 21
    assert run.one("pulumi:index:Stash").inputs["input"] == IDENTITY
    parents = {"access", "pipeline", "pipeline-preview", "registry", "app", "docker-app"}
    assert {d.parent for d in resources} == parents
    assert {(d.type.partition(":")[0], d.provider) for d in resources} == {
        ("kubernetes", "cluster"),
        ("gitlab", "gitlab"),
        ("docker", "docker"),
    }


def test_protection_depends_on_everything_that_could_be_deleted_before_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = run_program(monkeypatch, tmp_path)
    protection = run.one("gitlab-deploy:index:Protection")
    assert (protection.name, protection.protect) == ("access.protect", True)
    others = {d.name: d for d in run.declarations if d is not protection}
    assert not [name for name in others if others[name].protect and name != "access-namespace"]
    needed = set(protection.depends_on)
    while more := {above for name in needed for above in above_of(others[name])} & set(others) - needed:
        needed |= more
    assert needed == set(others)


def above_of(declared: Declaration) -> set[str]:
    """What the engine deletes after it."""
    return {*declared.depends_on, declared.parent, declared.provider}


def test_variables_of_previews_are_another_set_and_deploy_ones_are_protected(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for protected, form, kind in ((True, "file", "file"), (False, "base64", "env_var")):
        block = every_block()["gitlab-deploy:access"]
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


def test_docker_host_pulls_with_the_deploy_token_over_the_same_ssh_options(
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


@pytest.mark.parametrize("target", [{"files": {"/etc/app.conf": "workers = 2"}}, {"manifests": ["web.yml"]}])
def test_config_map_of_a_stack_that_may_have_one_keeps_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, target: dict[str, object]
) -> None:
    # The provider would delete it first, and replace what uses it too.
    # The folder of the program, as the SDK's mocks call it.
    (tmp_path / "root_directory").mkdir()
    (tmp_path / "root_directory" / "web.yml").write_text(
        "{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [{name: web, image: IMAGE}]}}"
    )
    monkeypatch.chdir(tmp_path)
    program = run_program(monkeypatch, tmp_path, kubernetes=target)
    assert program.one("pulumi:providers:kubernetes").inputs["enableConfigMapMutable"] == "true"


def test_gitlab_token_is_handed_over_as_a_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    provider = run_program(monkeypatch, tmp_path, gitlabToken={"secure": "glpat-canary"}).one("pulumi:providers:gitlab")
    assert provider.inputs["token"] == "glpat-canary"
    assert provider.secret == {"token"}
    assert provider.inputs["baseUrl"].endswith("/api/v4/")


def test_without_a_token_the_gitlab_provider_reads_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    provider = run_program(monkeypatch, tmp_path).one("pulumi:providers:gitlab")
    assert set(provider.inputs) == {"baseUrl"}


def test_access_and_registry_without_an_app_leave_the_pull_secret_to_its_stack(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = run_program(monkeypatch, tmp_path, "app", "kubernetes", "dockerHost")
    [secret] = [d for d in run.declarations if d.parent == "registry" and d.type == "kubernetes:core/v1:Secret"]
    assert (secret.inputs["metadata"]["name"], secret.inputs["metadata"]["namespace"]) == (
        "gitlab-registry-test",
        "example",
    )


def test_every_object_on_the_cluster_carries_the_id_and_is_asked_for_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    kubectl = f"""case "$*" in *--filename*) cat > {asked} ;; esac\n{KUBECTL}"""
    app = every_block()["gitlab-deploy:app"]
    secrets = {"secrets": {"PASSWORD": {"secure": "canary"}}}
    run = run_program(monkeypatch, tmp_path, app=app | secrets, kubectl=kubectl)
    declared = [d for d in run.declarations if d.type.startswith("kubernetes:")]
    assert len(declared) == 15
    assert {d.inputs["metadata"]["labels"][STACK_ID] for d in declared} == {IDENTITY}
    objects = {
        (d.inputs["apiVersion"], d.inputs["kind"], d.inputs["metadata"].get("namespace"), d.inputs["metadata"]["name"])
        for d in declared
    }
    looked = {
        (item["apiVersion"], item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"])
        for item in json.loads(asked.read_text())["items"]
    }
    named = ("v1", "Secret", "example", "blog-example-org-tls")
    assert looked == objects | {("v1", "Namespace", None, "kube-system"), named}


def test_selectors_and_templates_of_pods_are_without_the_id(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = run_program(monkeypatch, tmp_path)
    specs = [
        json.dumps(d.inputs["spec"])
        for d in run.declarations
        if d.type.startswith("kubernetes:") and "spec" in d.inputs
    ]
    assert len(specs) == 6
    assert not [spec for spec in specs if STACK_ID in spec]


def test_stack_without_access_needs_no_gitlab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = run_program(monkeypatch, tmp_path, "access", "registry", kubernetes={"namespace": "example"})
    assert {d.parent for d in run.declarations if d.custom and d.provider} == {"app", "docker-app"}
    assert not [d for d in run.declarations if d.type == "pulumi:providers:gitlab"]


def test_app_is_deployed_into_the_namespace_after_it_exists(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = run_program(monkeypatch, tmp_path)
    assert "access-namespace" in run.one("kubernetes:apps/v1:Deployment").depends_on


OWN_LOGIN = {"server": "registry.example.com", "username": "robot", "password": {"secure": "word"}}


@pytest.mark.parametrize(
    ("known", "registry", "before"),
    [
        ({}, None, True),
        ({}, OWN_LOGIN, True),
        # Of the login that GitLab makes, nothing is known before.
        ({}, every_block()["gitlab-deploy:registry"], False),
        # A run that is refused would leave another provider than the one that made what is there.
        ({"address": "ssh://deploy@other.example.com"}, None, False),
        (None, None, False),
    ],
)
def test_provider_of_a_docker_host_starts_before_the_checks_if_the_state_has_it(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    known: dict[str, str] | None,
    registry: dict[str, Any] | None,
    before: bool,
) -> None:
    began: list[str] = []

    def noting(module: Any, function: str) -> None:
        does = getattr(module, function)

        def begin(*args: Any, **options: Any) -> Any:
            began.append(function)
            return does(*args, **options)

        monkeypatch.setattr(module, function, begin)

    noting(daemon, "provider")
    noting(preflight, "require")
    block = every_block()["gitlab-deploy:dockerHost"]
    last = {key: block[key] for key in ("address", "hostKey", "identityFile")} | {"container": "blog", "id": "1"}
    left = {} if known is None else {"dockerHost": last | known}
    without = ("access", "kubernetes") if registry else ("access", "kubernetes", "registry")
    keys: dict[str, Any] = {"registry": registry} if registry else {}
    run = run_program(monkeypatch, tmp_path, *without, left=left, **keys)
    assert began == (["provider", "require"] if before else ["require", "provider"])
    assert run.one("docker:index/container:Container").provider == "docker"


def test_only_settings_reads_configuration() -> None:
    sources = {path: path.read_text() for path in [ROOT / "__main__.py", *ROOT.glob("components/**/*.py")]}
    readers = [
        str(path.relative_to(ROOT))
        for path, text in sources.items()
        if "pulumi.Config" in text or "runtime import config" in text
    ]
    assert readers == ["components/settings/settings.py"]
