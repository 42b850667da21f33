"""What goes wrong the first time: each ends in one sentence with the cause and the fix, before anything is made."""

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gitlab
import pytest
import yaml

from sandbox.gitlab.auth import DEVELOPER
from sandbox.gitlab.registry_auth import registry_settings
from sandbox.instance import Instance
from sandbox.toolchain.images import File, build
from tests.support.cluster import Deployed
from tests.support.gitlab_double import GitLabDouble
from tests.support.gitlab_runner import Runner
from tests.support.registry import Registry, serve

NAMESPACE = "first"


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a developer has before the first `pulumi up`, all of it right."""

    instance: Instance
    stack: Deployed
    folder: Path
    public: Registry
    """With the images `root` and `user`."""
    private: Registry
    """Which asks GitLab for a token."""

    def set(self, path: str, value: str) -> None:
        self.stack.set(path, value)

    def export(self, **variables: str) -> None:
        self.stack.project.environment.update(variables)

    def unset(self, name: str) -> None:
        del self.stack.project.environment[name]

    def kubeconfig(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Has the developer's kubeconfig changed."""
        document = yaml.safe_load(self.instance.kubeconfig.read_text())
        change(document)
        file = self.folder / "kubeconfig"
        file.write_text(yaml.safe_dump(document))
        self.export(KUBECONFIG=str(file))


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with serve(tmp_path_factory.mktemp("public")) as running:
        for tag, user in (("root", ""), ("user", "USER 1000\n")):
            image = build(f"FROM scratch\nCOPY hello /srv/\n{user}", {"hello": File(b"hello\n")})
            image.push(running.address, f"group/blog:{tag}")
        yield running


@pytest.fixture(scope="module")
def private(double: GitLabDouble, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    settings = registry_settings(double.data, double.url)
    # The program asks a token server without TLS on its own machine alone: not that of the sandbox's GitLab.
    with serve(tmp_path_factory.mktemp("private"), settings) as running:
        yield running


@pytest.fixture
def place(instance: Instance, public: Registry, private: Registry, tmp_path: Path) -> Place:
    environment = os.environ | instance.environment() | {"HOME": str(tmp_path)}
    stack = Deployed(instance, tmp_path, environment, NAMESPACE, docker=True)
    stack.set("image", f"{public.address}/group/blog:user")
    stack.set("registry.server", public.address)
    return Place(instance=instance, stack=stack, folder=tmp_path, public=public, private=private)


def no_kubeconfig(place: Place) -> None:
    place.unset("KUBECONFIG")


def context_of_nobody(place: Place) -> None:
    def change(document: dict[str, Any]) -> None:
        document["users"][0]["user"] = {"token": "of-another-cluster"}

    place.kubeconfig(change)


def context_that_is_gone(place: Place) -> None:
    place.kubeconfig(lambda document: document.update({"current-context": "production"}))


def context_without_rights(place: Place) -> None:
    made = place.stack.kubectl("create", "token", "default", "-n", "default")
    assert made.code == 0, made.text

    def change(document: dict[str, Any]) -> None:
        document["users"][0]["user"] = {"token": made.stdout.strip()}

    place.kubeconfig(change)


def no_token(place: Place) -> None:
    place.unset("GITLAB_TOKEN")


def weak_role(place: Place) -> None:
    place.export(GITLAB_TOKEN=Runner(place.instance, place.folder / "runner").token("group/blog", DEVELOPER))


def weak_scope(place: Place) -> None:
    runner = Runner(place.instance, place.folder / "runner")
    place.export(GITLAB_TOKEN=runner.token("group/blog", 40, scopes=("read_api",)))


def wrong_project(place: Place) -> None:
    place.set("gitlabProject", "group/blgo")


def image_missing(place: Place) -> None:
    place.set("image", f"{place.public.address}/group/blog:9.9.9")


def image_private(place: Place) -> None:
    place.stack.edit(lambda config: config.pop("gitlab-deploy:registry"))
    place.set("image", f"{place.private.address}/group/blog:1.0.0")


def image_root(place: Place) -> None:
    place.set("image", f"{place.public.address}/group/blog:root")


def no_ssh_key(place: Place) -> None:
    place.export(SANDBOX_SSH_KEY=str(place.folder / "id_ed25519"))


def wrong_passphrase(place: Place) -> None:
    place.unset("PULUMI_CONFIG_PASSPHRASE_FILE")
    place.export(PULUMI_CONFIG_PASSPHRASE="another one")


ERRORS: dict[Callable[[Place], None], tuple[str, str]] = {
    no_kubeconfig: ("No kubeconfig was found: there is no ~/.kube/config", "point KUBECONFIG at the cluster"),
    context_that_is_gone: ("has no current context that is complete", "choose one with 'kubectl config use-context"),
    context_of_nobody: (
        "does not accept the credential of the kubeconfig's current context",
        "choose another context with 'kubectl config use-context NAME'",
    ),
    context_without_rights: (
        f"the credential of the kubeconfig's current context may not create the namespace {NAMESPACE}",
        "choose another context with 'kubectl config use-context NAME'",
    ),
    no_token: ("There is no GitLab token", "export GITLAB_TOKEN"),
    weak_role: ("may not keep the variables of the project group/blog", "give its user the role Maintainer there"),
    weak_scope: ("The GitLab token has read_api", "make one of role Maintainer and scope api"),
    wrong_project: ("has no project group/blgo", "check gitlab-deploy:gitlabProject"),
    image_missing: ("/group/blog:9.9.9 is not in its registry", "push it first, or correct gitlab-deploy:image"),
    image_private: ("to nobody without a login, and the Pods have none", "add the block registry"),
    image_root: ("/group/blog:root", "name another user in the image (USER 1000)"),
    no_ssh_key: ("there is no private key at", "check gitlab-deploy:dockerHost.identityFile"),
    # The CLI's own sentence, before the program is started.
    wrong_passphrase: ("get stack secrets manager: incorrect passphrase", "passphrase"),
}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_a_first_error_is_one_sentence_with_its_fix_before_anything_is_made(
    place: Place, error: Callable[[Place], None]
) -> None:
    right = dict(place.stack.project.environment)
    error(place)
    cause, fix = ERRORS[error]
    run = place.stack.project.pulumi("up", "--yes")
    assert run.code != 0, run.text
    said = re.sub(r"\s+", " ", run.text)
    assert cause in said
    assert fix in said
    assert "Traceback" not in run.text
    place.stack.project.environment = right
    assert made(place) == []


def made(place: Place) -> list[str]:
    """What there is of the stack in its state, on GitLab, on the cluster and on the Docker host."""
    resources = json.loads(place.stack.project.export())["deployment"].get("resources", [])
    found = [
        item["urn"] for item in resources if item["type"] not in {"pulumi:pulumi:Stack", "pulumi:providers:pulumi"}
    ]
    client = gitlab.Gitlab(place.instance.gitlab.url, private_token=place.stack.project.environment["GITLAB_TOKEN"])
    project = client.projects.get("group/blog", lazy=True)
    variables = project.variables.list(get_all=True)
    found += [variable.key for variable in variables if variable.environment_scope == NAMESPACE]
    tokens = [token.name for token in project.deploytokens.list(get_all=True)]
    found += [name for name in tokens if name.startswith("gitlab-deploy-sandbox-")]
    found += place.stack.kubectl("get", "namespace", NAMESPACE, "--ignore-not-found", "--output=name").stdout.split()
    own = "label=gitlab-deploy.stack=gitlab-deploy/sandbox/web-sandbox"
    containers = place.stack.project.run("docker", "ps", "--all", "--filter", own, "--format", "{{.Names}}")
    assert containers.code == 0, containers.text
    return found + containers.stdout.split()
