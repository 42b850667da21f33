"""What the job of a merge request can do with nothing but the variables that GitLab gives it."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

import gitlab
import pytest

from sandbox.instance import Instance
from tests.support.cluster import REPOSITORY, Deployed
from tests.support.project import ROOT, Run

ENVIRONMENT = "preview/blog"


class Job:
    """A job of a branch that is not protected, on a machine that has the tools, the plugins and the state."""

    def __init__(self, stack: Deployed, folder: Path) -> None:
        self.stack = stack
        maintainer = stack.project.environment
        home = folder / "pulumi"
        home.mkdir()
        (home / "plugins").symlink_to(Path(maintainer["PULUMI_HOME"], "plugins"))
        kept = (
            *("PATH", "PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_SKIP_UPDATE_CHECK"),
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION",
        )
        self.environment = {name: maintainer[name] for name in kept} | {
            "HOME": str(folder),
            "PULUMI_HOME": str(home),
            # The provider wants a token, and would ask GitLab whose it is.
            "GITLAB_TOKEN": "none",
            "GITLAB_EARLY_AUTH_CHECK": "false",
        }
        for variable in variables(stack, ENVIRONMENT):
            value = variable.value
            if variable.variable_type == "file":
                file = folder / variable.key
                file.touch(mode=0o600)
                file.write_text(value)
                value = str(file)
            self.environment[variable.key] = value

    def run(self, *command: str, **more: str) -> Run:
        done = subprocess.run(
            command,
            cwd=self.stack.project.folder,
            env=self.environment | more,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return Run(code=done.returncode, stdout=done.stdout, stderr=done.stderr)

    def pulumi(self, *arguments: str, **more: str) -> Run:
        return self.run("pulumi", *arguments, "--non-interactive", "--stack", self.stack.project.stack, **more)


def variables(stack: Deployed, environment: str) -> list[Any]:
    """The variables that GitLab gives to the jobs of a branch that is not protected, for an environment."""
    client = gitlab.Gitlab(stack.instance.gitlab.url, private_token=stack.project.environment["GITLAB_TOKEN"])
    found = client.projects.get("group/blog", lazy=True).variables.list(get_all=True)
    return [v for v in found if not v.protected and fnmatchcase(environment, v.environment_scope)]


@pytest.fixture(scope="module")
def stack(instance: Instance, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """Everything a stack can hold, with a preview identity, put up once and destroyed after the tests."""
    assert set(images) == {"1.0.0", "2.0.0"}
    environment = os.environ | instance.environment()
    made = Deployed(instance, tmp_path_factory.mktemp("preview"), environment, docker=True)
    made.set("access.preview", "true")
    made.up()
    yield made
    made.destroy()


@pytest.fixture
def job(stack: Deployed, tmp_path: Path) -> Job:
    return Job(stack, tmp_path)


def plan(run: Run) -> dict[str, Any]:
    """What a preview would change: the operation of each resource, and the fields that differ."""
    assert run.code == 0, run.text
    return {
        step["urn"].rpartition("::")[2] + " " + step["op"]: sorted(step.get("detailedDiff") or {})
        for step in json.loads(run.stdout)["steps"]
        if step["op"] not in {"same", "read"}
    }


def test_second_preview_of_an_unchanged_stack_is_empty_for_a_merge_request_too(job: Job) -> None:
    run = job.pulumi("preview", "--expect-no-changes")
    assert run.code == 0, run.text
    assert "warning: The Docker host" in run.text
    assert "an environment variable in gitlab-deploy:dockerHost.identityFile is not set" in run.text


def test_a_preview_needs_no_right_to_write_the_state(job: Job) -> None:
    state = job.environment["PULUMI_BACKEND_URL"].removeprefix("file://")
    read_only = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && ! touch "$0/x" 2>/dev/null && exec "$@"'
    preview = ("pulumi", "preview", "--expect-no-changes", "--non-interactive", "--stack", job.stack.project.stack)
    run = job.run("unshare", "--mount", "sh", "-c", read_only, state, *preview)
    assert run.code == 0, run.text


def test_merge_request_sees_the_same_diff_as_a_maintainer_and_deploys_nothing(stack: Deployed, job: Job) -> None:
    before = stack.get("deployment", "web")["metadata"]["generation"]
    stack.set("image", f"{REPOSITORY}:2.0.0")
    stack.set("kubernetes.replicas", "3")
    try:
        seen = plan(job.pulumi("preview", "--json"))
        assert seen == plan(stack.project.pulumi("preview", "--json"))
        shown = job.pulumi("preview", "--diff")
    finally:
        stack.set("image", f"{REPOSITORY}:1.0.0")
        stack.set("kubernetes.replicas", "2")
    assert seen["app-deployment update"] == ["spec.replicas", "spec.template.spec.containers[0].image"]
    assert {name.partition(" ")[0] for name in seen} == {
        "app",
        "app-deployment",
        "docker-app",
        "docker-app-image",
        "docker-app-container",
    }
    assert "replicas: 2 => 3" in shown.text
    assert f'"{REPOSITORY}:1.0.0' in shown.text
    assert f'=> "{REPOSITORY}:2.0.0' in shown.text
    assert stack.get("deployment", "web")["metadata"]["generation"] == before


def test_merge_request_cannot_deploy_with_its_identity(stack: Deployed, job: Job) -> None:
    stack.set("kubernetes.replicas", "3")
    try:
        # With the key of the Docker host, so that the cluster is what stops it.
        key = stack.project.environment["SANDBOX_SSH_KEY"]
        run = job.pulumi("up", "--yes", "--skip-preview", SANDBOX_SSH_KEY=key)
    finally:
        stack.set("kubernetes.replicas", "2")
    assert run.code != 0
    assert 'User "system:serviceaccount:example:gitlab-example-preview" cannot patch resource "deployments"' in run.text
    assert stack.get("deployment", "web")["spec"]["replicas"] == 2
    # The state has a Deployment that was not changed as it should have been: whoever may, makes that good.
    stack.up()
    assert stack.summary("--expect-no-changes") == {}


def test_identity_of_merge_requests_looks_at_its_namespace_and_at_no_secret(job: Job) -> None:
    rules = job.run("kubectl", "auth", "can-i", "--list", "--no-headers").stdout.splitlines()
    verbs = {line.split()[0]: line[line.rindex("[") :] for line in rules if line.rstrip().endswith("]")}
    assert "secrets" not in verbs
    changing = {kind: said for kind, said in verbs.items() if set(said[1:-1].split()) - {"get", "list", "watch"}}
    # What every account may: ask what it may, and who it is.
    assert {kind.partition(".")[0] for kind in changing} == {
        "selfsubjectaccessreviews",
        "selfsubjectrulesreviews",
        "selfsubjectreviews",
    }
    assert job.run("kubectl", "get", "all").code == 0
    for refused in (("get", "secrets"), ("get", "secret", "gitlab-example-token-2026-11"), ("get", "nodes")):
        assert "(Forbidden)" in job.run("kubectl", *refused).stderr
    assert "(Forbidden)" in job.run("kubectl", "get", "all", "-n", "kube-system").stderr


def test_a_merge_request_gets_masked_variables_and_none_that_deploy(stack: Deployed) -> None:
    assert variables(stack, "production") == []
    assert variables(stack, "review/blog") == []
    found = {v.key: v for v in variables(stack, ENVIRONMENT)}
    assert set(found) == {"KUBECONFIG", "KUBE_TOKEN"}
    assert {(v.environment_scope, v.masked, v.raw, v.protected) for v in found.values()} == {
        ("preview/*", True, True, False)
    }
    kubeconfig = json.loads(found["KUBECONFIG"].value)
    assert kubeconfig["users"][0]["name"] == "gitlab-example-preview"
    same = kubeconfig["users"][0]["user"]["token"] == found["KUBE_TOKEN"].value != stack.token()
    assert same


def verify(stack: Deployed, about: str = "preview|environment production") -> tuple[int, list[str]]:
    """The exit code, and the lines about something: the variables and previews."""
    docker = stack.instance.docker
    site = ("--proxy", docker.proxy, "--ca", str(docker.certificate.authority))
    run = stack.project.run("python", "-m", "ops", "verify", *site, PYTHONPATH=str(ROOT))
    return run.code, [line for line in run.stdout.splitlines() if re.search(about, line)]


def test_verify_finds_nothing_that_a_preview_may_beyond_reading(stack: Deployed) -> None:
    code, lines = verify(stack)
    assert code == 0
    assert lines[1:] == [
        "ok    GitLab group/blog, environment preview/*: KUBECONFIG is masked, not protected and of type file",
        "ok    example: the preview identity reads, but no Secrets, and may do nothing else",
    ]


@pytest.mark.parametrize(
    "rights",
    [
        [
            ("create", "pods/exec"),
            ("create", "serviceaccounts/token"),
            ("get", "pods/exec"),
            ("get", "services/proxy"),
            ("get", "secrets"),
            ("patch", "deployments.apps"),
            ("delete", "configmaps"),
            ("deletecollection", "pods"),
            ("escalate", "roles.rbac.authorization.k8s.io"),
            ("update", "leases.coordination.k8s.io"),
        ],
        # Wildcards cover others, so each stands alone.
        [("*", "pods")],
        [("get", "*.*")],
    ],
    ids=["named", "every verb", "every resource"],
)
def test_verify_names_each_right_of_a_preview_beyond_reading(stack: Deployed, rights: list[tuple[str, str]]) -> None:
    account = "--serviceaccount=example:gitlab-example-preview"
    grants = {f"too-much-{number}": right for number, right in enumerate(rights)}
    try:
        for name, (verb, resource) in grants.items():
            role = ("role", name, "-n", "example", f"--verb={verb}", f"--resource={resource}")
            binding = ("rolebinding", name, "-n", "example", f"--role={name}", account)
            for grant in (role, binding):
                assert stack.kubectl("create", *grant).code == 0
        code, lines = verify(stack)
    finally:
        for kind in ("rolebinding", "role"):
            assert stack.kubectl("delete", kind, *grants, "-n", "example").code == 0
    assert code == 1
    (said,) = [line for line in lines if line.startswith("FAIL")]
    found = said.partition("but it may: ")[2].split(", ")
    for verb, resource in rights:
        kind, _, subresource = resource.partition("/")
        assert f"{verb} {kind.partition('.')[0]}" + (f"/{subresource}" if subresource else "") in found


def test_verify_lists_accounts_that_the_stack_did_not_make(stack: Deployed) -> None:
    token = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/service-account-token",
        "metadata": {"name": "later", "annotations": {"kubernetes.io/service-account.name": "back-door"}},
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "a\nok    forged\x1b[2J"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "back-door", "namespace": "example"}],
    }
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "back-door"}}
    document = json.dumps({"apiVersion": "v1", "kind": "List", "items": [account, token, binding]})
    command = ["kubectl", "-n", "example", "-f", "-"]
    run = partial(subprocess.run, input=document, env=stack.project.environment, text=True, check=True)
    run([*command[:1], "create", *command[1:]])
    try:
        code, lines = verify(stack, about="not made by this stack")
    finally:
        # Kubernetes deletes the tokens of an account that is gone.
        run([*command[:1], "delete", "--ignore-not-found", *command[1:]])
    assert code == 0
    assert lines == [
        "note  example: not made by this stack: "
        r"RoleBinding a\nok    forged\x1b[2J (ClusterRole admin for ServiceAccount back-door); "
        "Secret later (a token of ServiceAccount back-door); ServiceAccount back-door"
    ]


def test_unprotected_deploy_variables_reach_any_branch_and_verify_expects_it(
    stack: Deployed,
) -> None:
    stack.set("access.protected", "false")
    stack.up()
    assert {variable.environment_scope for variable in variables(stack, "production")} == {"production"}
    code, lines = verify(stack)
    assert code == 0
    assert lines[0] == (
        "ok    GitLab group/blog, environment production: KUBECONFIG is masked, not protected and of type file"
    )


def test_rotation_renews_both_identities_and_turning_previews_off_removes_one(stack: Deployed) -> None:
    stack.set("access.rotation", "2026-12")
    log = stack.up().stdout
    for name in ("pipeline", "pipeline-preview"):
        token = "access-token" if name == "pipeline" else "access-preview-token"
        assert log.index(f"{name}-kubeconfig updated") < log.index(f"{token} deleting original")
    stack.set("access.preview", "false")
    summary = stack.summary()
    # The component has the key among its inputs.
    assert summary.pop("update") == ["access"]
    assert set(summary) == {"delete"}
    gone = ("access-preview-role-binding", "access-preview-service-account", "access-preview-token")
    variables = ("pipeline-preview", "pipeline-preview-kubeconfig", "pipeline-preview-token")
    assert sorted(summary["delete"]) == sorted([*gone, *variables])
