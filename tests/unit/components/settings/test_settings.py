import json
from typing import Any

import pytest
import yaml

from components.image.history import Deployed, Release
from components.image.reference import ImageReference
from components.settings import settings
from tests.support.project import ROOT, STACKS

GOOD: dict[str, Any] = {
    "gitlab-deploy:cluster": "production",
    "gitlab-deploy:gitlabUrl": "https://gitlab.example.com",
    "gitlab-deploy:gitlabProject": "group/blog",
    "gitlab-deploy:image": "registry.example.com/group/blog:1.0.0",
    "gitlab-deploy:access": {"namespace": "example", "serviceAccount": "sa", "server": "https://kube.example.com"},
    "gitlab-deploy:app": {"port": 8080},
    "gitlab-deploy:kubernetes": {},
}
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV/b1"
DOCKER: dict[str, Any] = {
    "gitlab-deploy:image": "registry.example.com/group/blog:1.0.0",
    "gitlab-deploy:app": {"port": 8080},
    "gitlab-deploy:dockerHost": {
        "address": "ssh://deploy@host.example.com",
        "hostKey": HOST_KEY,
        "host": "blog.example.org",
    },
}


def engine_form(stack: dict[str, Any]) -> dict[str, str]:
    """What the engine hands a program: text for every key, JSON for a structured one."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in stack.items()}


def problems(stack: dict[str, Any], secrets: tuple[str, ...] = ()) -> list[str]:
    found, listed = settings.parse(engine_form(stack), secrets)
    assert (found is None) == bool(listed)
    return [str(problem) for problem in listed]


def changed(path: str, value: object) -> dict[str, Any]:
    """GOOD with one field of a block, or one key, changed; None takes it out."""
    stack: dict[str, Any] = json.loads(json.dumps(GOOD))
    key, _, field = path.partition(".")
    holder, name = (stack[f"gitlab-deploy:{key}"], field) if field else (stack, f"gitlab-deploy:{key}")
    holder[name] = value
    if value is None:
        del holder[name]
    return stack


@pytest.mark.parametrize("stack", ["prod", "prod-access", "sandbox"])
def test_committed_stack_files_are_valid(stack: str) -> None:
    config = yaml.safe_load(((ROOT if stack == "sandbox" else STACKS) / f"Pulumi.{stack}.yaml").read_text())["config"]
    secrets = [key for key, value in config.items() if isinstance(value, dict) and list(value) == ["secure"]]
    values = {key: "decrypted" if key in secrets else value for key, value in config.items()}
    found, listed = settings.parse(engine_form(values), secrets)
    assert listed == []
    assert found
    assert bool(found.access) == (stack != "prod")
    assert bool(found.app) == (stack != "prod-access")


def test_defaults_are_the_safe_ones() -> None:
    found, _ = settings.parse(engine_form(GOOD))
    assert found
    assert found.access
    assert found.access.protect is True
    assert found.access.create_namespace is True
    assert found.access.variable == "file"
    assert found.access.environment == "*"
    assert found.access.protected is True
    assert found.access.preview is False
    assert found.app
    assert found.app.health.path == "/"
    assert found.kubernetes
    assert found.kubernetes.replicas is None


def test_a_block_left_out_is_not_managed() -> None:
    without = {key: value for key, value in GOOD.items() if not key.endswith((":app", ":kubernetes"))}
    found, _ = settings.parse(engine_form(without))
    assert found
    assert (found.app, found.kubernetes, found.image) == (None, None, None)
    found, _ = settings.parse(engine_form(changed("access", None) | {"gitlab-deploy:kubernetes": {"namespace": "n"}}))
    assert found
    assert found.access is None
    assert found.kubernetes
    assert found.kubernetes.namespace == "n"


def test_what_runs_and_where_need_each_other() -> None:
    assert problems(changed("kubernetes", None)) == [
        "gitlab-deploy:app says what runs, and no block says where; add the block kubernetes or dockerHost"
    ]
    assert problems(changed("app", None)) == [
        "gitlab-deploy:kubernetes says where the application runs, and nothing says what it is; "
        "add the block app, or kubernetes.manifests"
    ]


def test_all_problems_are_reported_at_once_each_with_its_path() -> None:
    stack = changed("app.port", 70000)
    stack["gitlab-deploy:imgae"] = "blog:1"
    stack["gitlab-deploy:image"] = "Blog"
    stack["gitlab-deploy:access"]["namespace"] = "Example"
    del stack["gitlab-deploy:access"]["server"]
    assert [problem.split()[0].rstrip(":") for problem in sorted(problems(stack))] == [
        "gitlab-deploy:access.namespace",
        "gitlab-deploy:access.server",
        "gitlab-deploy:app.port",
        "gitlab-deploy:image",
        "gitlab-deploy:imgae",
    ]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("acess", {"namespace": "a"}, "gitlab-deploy:acess is not a known key; did you mean 'access'?"),
        ("kubernetes.replcias", 3, "gitlab-deploy:kubernetes.replcias is not a known key; did you mean 'replicas'?"),
        ("app.port", "8080", "gitlab-deploy:app.port: '8080' is of the wrong type; use a whole number from 1 to 65535"),
        ("app.port", True, "gitlab-deploy:app.port: True is of the wrong type; use a whole number"),
        ("app.port", 0, "gitlab-deploy:app.port: 0 is out of range; use a whole number from 1 to 65535"),
        ("app.port", 65536, "gitlab-deploy:app.port: 65536 is out of range"),
        ("app.port", None, "gitlab-deploy:app.port is missing; name the port the container listens on"),
        ("app", "yes", "gitlab-deploy:app: a text is not a block; use a mapping of keys to values"),
        ("app", [1], "gitlab-deploy:app: a list is not a block"),
        ("kubernetes.name", "1web", "gitlab-deploy:kubernetes.name: '1web' is not the name of a Service"),
        (
            "kubernetes.namespace",
            "other",
            "gitlab-deploy:kubernetes.namespace is the namespace of the block access; take it out here",
        ),
        (
            "kubernetes.tlsSecret",
            "tls",
            "gitlab-deploy:kubernetes.tlsSecret belongs to an Ingress, which is made only if 'host'",
        ),
        ("app.health", {}, "gitlab-deploy:app.health.path is missing; use a path such as '/healthz', or a command"),
        ("app.health", {"path": "/", "command": ["x"]}, "gitlab-deploy:app.health.command stands beside a path; keep"),
        ("app.health", "/healthz", "gitlab-deploy:app.health: '/healthz' is of the wrong type; use a mapping"),
        ("app.memory", 256, "gitlab-deploy:app.memory: 256 is of the wrong type; use text"),
        (
            "app.memory",
            "15Mi",
            "gitlab-deploy:app.memory: '15Mi' is not an amount of memory of 16Mi or more; use whole",
        ),
        ("app.secrets", {"PIN": 7}, "gitlab-deploy:app.secrets.PIN is of the wrong type; use encrypted text"),
        ("app.writable", "/tmp", "gitlab-deploy:app.writable: '/tmp' is of the wrong type; use a list"),
        ("app.writable", ["/tmp", "/tmp"], "gitlab-deploy:app.writable[1]: '/tmp' is there twice; take one out"),
        ("app.env", {"A": 1}, "gitlab-deploy:app.env.A: 1 is of the wrong type; use text (put it in quotes)"),
        ("app.env", {"A=B": "1"}, "gitlab-deploy:app.env: 'A=B' is not the name of an environment variable"),
        ("image", "", "gitlab-deploy:image is missing, and this stack has deployed no image yet; set it with"),
        ("image", "Blog:1", "gitlab-deploy:image: 'Blog:1' is not an image reference"),
        ("gitlabProject", "", "gitlab-deploy:gitlabProject is missing, and the block access needs it"),
        ("cluster", "", "gitlab-deploy:cluster is missing; name the cluster once"),
        (
            "access.rotation",
            2026,
            "gitlab-deploy:access.rotation: 2026 is of the wrong type; use text (put it in quotes)",
        ),
        ("access.variable", "yaml", "gitlab-deploy:access.variable: 'yaml' is not a choice; use one of: file, base64"),
        ("access.protect", "no", "gitlab-deploy:access.protect: 'no' is of the wrong type; use true or false"),
        ("access.protected", 0, "gitlab-deploy:access.protected: 0 is of the wrong type; use true or false"),
        ("access.preview", "yes", "gitlab-deploy:access.preview: 'yes' is of the wrong type; use true or false"),
        ("access.serviceAccount", "A", "gitlab-deploy:access.serviceAccount: 'A' is not a DNS name"),
    ],
)
def test_problem_has_path_value_and_remedy(path: str, value: object, expected: str) -> None:
    found = problems(changed(path, value))
    assert len(found) == 1
    assert found[0].startswith(expected)
    assert "\n" not in found[0]


def test_token_in_plain_text_is_refused_and_never_shown() -> None:
    stack = GOOD | {"gitlab-deploy:gitlabToken": "glpat-canary"}
    [problem] = problems(stack)
    assert problem.startswith("gitlab-deploy:gitlabToken is in plain text; revoke that secret")
    assert "pulumi config set --secret gitlab-deploy:gitlabToken" in problem
    assert "canary" not in problem
    assert problems(stack, ("gitlab-deploy:gitlabToken",)) == []


def test_keys_of_providers_have_no_effect_and_are_reported() -> None:
    [problem] = problems(GOOD | {"gitlab:token": "canary", "pulumi:disable-default-providers": ["kubernetes"]})
    assert problem.startswith("gitlab:token has no effect")
    assert "canary" not in problem


def test_stack_without_a_block_is_refused() -> None:
    assert problems({"gitlab-deploy:cluster": "production"}) == [
        "gitlab-deploy:access is missing, as is every other block, so there is nothing to deploy; "
        "add one of: access, registry, app, kubernetes, dockerHost"
    ]


def docker(field: str, value: object) -> dict[str, Any]:
    """DOCKER with one field changed; None takes it out."""
    stack: dict[str, Any] = json.loads(json.dumps(DOCKER))
    stack["gitlab-deploy:dockerHost"][field] = value
    if value is None:
        del stack["gitlab-deploy:dockerHost"][field]
    return stack


def test_docker_host_alone_needs_neither_cluster_nor_gitlab() -> None:
    found, listed = settings.parse(engine_form(DOCKER), stack="prod")
    assert listed == []
    assert found
    assert not found.needs_cluster
    assert not found.needs_gitlab
    assert found.docker_host
    assert found.docker_host.name == "web-prod"
    assert found.owner(found.docker_host.name) == "gitlab-deploy/prod/web-prod"
    assert found.docker_host.network == "traefik"
    assert found.docker_host.publish is None


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("address", "ssh://-oProxyCommand=x@host", ".address: 'ssh://-oProxyCommand=x@host' is not the address of a"),
        ("hostKey", "AAAA", ".hostKey: 'AAAA' is not a host key; use what 'ssh-keyscan"),
        ("hostKey", None, ".hostKey is missing"),
        ("identityFile", "-i", ".identityFile: '-i' is not the path of a private key"),
        ("host", None, ""),
        ("host", "Blog", ".host: 'Blog' is not a DNS name"),
        ("network", "a b", ".network: 'a b' is not a name Docker takes"),
        ("publish", {"port": 0}, ".publish.port: 0 is out of range; use a whole number from 1 to 65535"),
        ("publish", {"port": 80, "adress": "x"}, ".publish.adress is not a known key; did you mean 'address'?"),
        ("publish", {"port": 80, "address": "all"}, ".publish.address: 'all' is not an IP address"),
        ("publish", 80, ".publish: 80 is of the wrong type; use a mapping"),
        ("volumes", {"/data": "a b"}, ".volumes[\"/data\"]: 'a b' is not a name Docker takes"),
        ("files", {"etc/x": "text"}, ".files: 'etc/x' is not a path inside of a container"),
        ("waitSeconds", 1, ".waitSeconds: 1 is out of range"),
    ],
)
def test_problem_of_the_docker_host_has_path_value_and_remedy(field: str, value: object, expected: str) -> None:
    found = problems(docker(field, value))
    if not expected:
        assert found == []
        return
    assert len(found) == 1
    assert found[0].startswith(f"gitlab-deploy:dockerHost{expected}")


@pytest.mark.parametrize(
    ("more", "project", "environment"),
    [
        ({}, "group/blog", "preview/*"),
        ({"previewProject": "group/program"}, "group/program", "preview/*"),
        ({"previewEnvironment": "preview/staging"}, "group/blog", "preview/staging"),
    ],
)
def test_the_credential_of_previews_may_go_elsewhere(more: dict[str, str], project: str, environment: str) -> None:
    block = GOOD["gitlab-deploy:access"] | {"preview": True, **more}
    found, listed = settings.parse(engine_form(GOOD | {"gitlab-deploy:access": block}))
    assert listed == []
    assert found
    assert found.access
    assert (found.access.preview_project, found.access.preview_environment) == (project, environment)


def test_where_the_credential_of_previews_goes_is_refused_where_there_is_none() -> None:
    block = GOOD["gitlab-deploy:access"] | {"previewProject": "group/program", "previewEnvironment": "preview/staging"}
    assert problems(GOOD | {"gitlab-deploy:access": block}) == [
        f"gitlab-deploy:access.{key} is for the credential of previews; set access.preview, or take this out"
        for key in ("previewProject", "previewEnvironment")
    ]


def test_images_may_be_those_of_another_project_than_the_one_that_deploys() -> None:
    for more, project in (({}, "group/blog"), ({"project": "group/other"}, "group/other")):
        stack = GOOD | {"gitlab-deploy:registry": {"server": "registry.example.com", **more}}
        found, listed = settings.parse(engine_form(stack))
        assert listed == []
        assert found
        assert found.registry
        assert found.registry.project == project


@pytest.mark.parametrize(
    ("server", "image", "is_same"),
    [
        ("registry.example.com", "registry.example.com/group/blog:1", True),
        ("registry.example.com:5000", "registry.example.com:5000/group/blog:1", True),
        ("docker.io", "group/blog:1", True),
        ("registry-1.docker.io", "docker.io/group/blog:1", True),
        ("registry.example.com", "group/blog:1", False),
        ("registry.example.com", "registry.example.com:5000/group/blog:1", False),
    ],
)
def test_login_is_for_the_registry_of_the_image(server: str, image: str, *, is_same: bool) -> None:
    stack = GOOD | {"gitlab-deploy:registry": {"server": server}, "gitlab-deploy:image": image}
    found = problems(stack)
    if is_same:
        assert found == []
    else:
        host = image.partition("/")[0] if "." in image.partition("/")[0] else "docker.io"
        assert found == [
            f"gitlab-deploy:registry.server is {server}, and the image is pulled from {host}; name that one, or take "
            "out the block registry if everybody may pull the image"
        ]
        stack["gitlab-deploy:kubernetes"] = {"pullSecrets": ["other-login"]}
        assert problems(stack) == []


def test_registry_with_a_login_of_its_own_needs_no_gitlab() -> None:
    login = {"server": "registry.example.com", "username": "robot", "password": "canary"}
    stack = {"gitlab-deploy:registry": login}
    found, _ = settings.parse(
        engine_form(stack),
        ["gitlab-deploy:registry"],
        written={"gitlab-deploy:registry": login | {"password": {"secure": "ciphertext"}}},
    )
    assert found
    assert not found.needs_gitlab
    assert found.in_gitlab == {}
    assert "canary" not in repr(found)


def test_registry_makes_the_pull_secret_of_the_app() -> None:
    stack = GOOD | {"gitlab-deploy:registry": {"server": "registry.example.com", "expires": "2027-01-31"}}
    found, listed = settings.parse(engine_form(stack), stack="prod")
    assert listed == []
    assert found
    assert found.registry
    stack["gitlab-deploy:kubernetes"] = {"pullSecret": "mine"}
    [problem] = problems(stack)
    assert problem == "gitlab-deploy:kubernetes.pullSecret is made by the block registry; take it out here"


DEPLOYED = Deployed(image=ImageReference.parse("new:2"), before=(Release(image=ImageReference.parse("old:1")),))


def image_of(stack: dict[str, Any], last: Deployed | None = None) -> str:
    """The image that is chosen, by a registry that knows every tag."""
    found, listed = settings.parse(
        engine_form(stack), last=last, pin=lambda image: image.with_digest(f"sha256:{'a' * 64}")
    )
    assert listed == []
    assert found
    assert found.image
    return str(found.image.deployed.image)


def test_new_image_is_pinned_and_the_one_that_runs_stays_as_it_was_pinned() -> None:
    tag = GOOD["gitlab-deploy:image"]
    assert image_of(GOOD) == f"{tag}@sha256:{'a' * 64}"
    for runs in (tag, f"{tag}@sha256:{'b' * 64}"):
        assert image_of(GOOD, Deployed(image=ImageReference.parse(runs))) == runs


def hosts_of(stack: dict[str, Any]) -> list[str]:
    """What is called with the Docker host, or to pin the image."""
    called: list[str] = []

    def pin(image: ImageReference) -> ImageReference:
        called.append("pin")
        return image

    settings.parse(engine_form(stack), pin=pin, on_docker_host=lambda host: called.append(host.name or ""))
    return called


def test_docker_host_is_known_before_a_registry_is_asked() -> None:
    assert hosts_of(DOCKER) == ["web-stack", "pin"]
    assert hosts_of(GOOD) == ["pin"]
    # A stack file that is refused anyway has nothing begun on its host.
    assert hosts_of({**DOCKER, "gitlab-deploy:app": {"port": "http"}}) == ["pin"]


@pytest.mark.parametrize(("rollback", "expected"), [("true", "old:1"), ("false", "new:2")])
def test_rollback_is_a_key_of_its_own(rollback: str, expected: str) -> None:
    assert image_of(changed("image", None) | {"gitlab-deploy:rollback": rollback}, DEPLOYED) == expected
    assert problems(GOOD | {"gitlab-deploy:rollback": "yes"}) == [
        "gitlab-deploy:rollback: 'yes' is of the wrong type; use true or false"
    ]


def test_image_that_is_refused_is_one_problem_among_others() -> None:
    stack = changed("app.port", 0) | {"gitlab-deploy:image": "old:1"}
    _, listed = settings.parse(engine_form(stack), last=DEPLOYED)
    assert [problem.path for problem in listed] == ["gitlab-deploy:app.port", "gitlab-deploy:image"]
    assert "which was deployed once and then replaced by new:2" in listed[1].cause


@pytest.mark.parametrize(
    ("stack", "name"),
    [("prod", "web-prod"), ("Test.EU_1", "web-test-eu-1"), ("___", "web-stack"), ("a" * 100, f"web-{'a' * 59}")],
)
def test_the_default_name_on_a_docker_host_is_a_dns_label_for_every_stack(stack: str, name: str) -> None:
    found, _ = settings.parse(engine_form(DOCKER), stack=stack)
    assert found
    assert found.docker_host
    assert found.docker_host.name == name
