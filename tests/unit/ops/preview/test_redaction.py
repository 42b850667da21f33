"""No credential in anything a command shows, whoever forgot to mark it."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.preview import findings, plan, plan_text
from ops.preview import markdown as review_note
from ops.preview.plan import Plan
from ops.preview.redaction import Redactor
from tests.support.plans import FOLDER, document, made, step
from tests.support.project import leaks

CANARY = "Canary5uVw9Qz7Lm"
VARIABLE = "gitlab:index/projectVariable:ProjectVariable"
SECRET = "kubernetes:core/v1:Secret"
CONTAINER = "docker:index/container:Container"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
PROVIDER = "pulumi:providers:docker"
MARK = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


def shown(found: Plan) -> str:
    """Everything that is made of a plan."""
    report = json.dumps(findings.of(found, Path("/nowhere"), {}), ensure_ascii=False)
    return "\n".join((*plan_text.lines(found), review_note.render(found, {}), report))


def nested(path: list[str | int], value: object) -> Any:
    """A document with the value at a path of keys and places in lists."""
    for key in reversed(path):
        value = {key: value} if isinstance(key, str) else [*({"name": f"n{at}"} for at in range(key)), value]
    return value


HIDDEN_BY_NAME: list[tuple[str, list[str | int]]] = [
    (VARIABLE, ["value"]),
    ("gitlab:index/groupVariable:GroupVariable", ["value"]),
    ("gitlab:index/pipelineScheduleVariable:PipelineScheduleVariable", ["value"]),
    (SECRET, ["data", "token"]),
    (SECRET, ["data", "any"]),
    (SECRET, ["stringData", ".dockerconfigjson"]),
    (CONTAINER, ["envs", 1]),
    (CONTAINER, ["uploads", 0, "content"]),
    (PROVIDER, ["registryAuth", 0, "password"]),
    (PROVIDER, ["sshOpts", 2]),
    ("pulumi:providers:kubernetes", ["kubeconfig"]),
    ("pulumi:providers:gitlab", ["token"]),
    (DEPLOYMENT, ["a", 1, "b", "password"]),
]


@pytest.mark.parametrize(("kind", "path"), HIDDEN_BY_NAME)
@pytest.mark.parametrize("operation", ["create", "update", "replace", "delete"])
def test_a_property_known_to_hold_credentials_is_hidden_although_nobody_marked_it(
    kind: str, path: list[str | int], operation: str
) -> None:
    old = None if operation == "create" else nested(path, f"{CANARY}old")
    new = None if operation == "delete" else nested(path, f"{CANARY}new")
    text = shown(made(step(operation, kind=kind, old=old, new=new)))
    assert CANARY not in text
    assert "[secret]" in text or operation == "delete"


def test_an_unmarked_credential_is_shown_as_changed_exactly_if_it_changes() -> None:
    same = {"key": "A", "value": f"{CANARY}1"}
    changed = made(step(kind=VARIABLE, old=same, new=same | {"value": f"{CANARY}2"}))
    assert "~ value: [secret] changed" in "\n".join(plan_text.lines(changed))
    other = made(step(kind=VARIABLE, old=same, new=same | {"key": "B"}))
    assert [item.path for item in other.changes[0].properties] == ["key"]


def test_a_named_entry_that_sounds_like_a_credential_is_hidden_and_others_are_not() -> None:
    env = [{"name": "DB_PASSWORD", "value": CANARY}, {"name": "LOG_LEVEL", "value": "debug"}]
    text = shown(made(step("create", new={"env": env})))
    assert CANARY not in text
    assert "env[LOG_LEVEL].value: debug" in text


def test_names_that_only_sound_like_credentials_are_shown() -> None:
    inputs = {
        "key": "KUBE_TOKEN",
        "automountServiceAccountToken": False,
        "imagePullSecrets": [{"name": "gitlab-registry"}],
        "secretName": "blog-example-org-tls",
        "rule": "Host(`blog.example.org`)",
        "name": "gitlab-example-token-2026-11",
        "image": "registry.example.com/group/blog@sha256:" + "4d8f5b7a3c1e9f60" * 4,
        "policy": "global-default-deny",
    }
    text = shown(made(step("create", kind="t:t:T", new=inputs)))
    assert "[secret]" not in text
    assert "[redacted]" not in text


def jwt() -> str:
    parts = ({"alg": "RS256"}, {"sub": CANARY}, {"sig": CANARY})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


KUBECONFIG = {"apiVersion": "v1", "kind": "Config", "users": [{"name": "u", "user": {"token": CANARY}}]}
KEY = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{CANARY}\nx\n-----END OPENSSH PRIVATE KEY-----"  # pragma: allowlist secret


@pytest.mark.parametrize(
    "credential",
    [
        jwt(),
        f"glpat-{CANARY}",
        f"gldt-{CANARY}",
        f"glcbt-64_{CANARY}",
        KEY,
        KEY[:60],
        base64.b64encode(KEY.encode()).decode(),
        base64.b64encode(json.dumps(KUBECONFIG).encode()).decode(),
        base64.b64encode(f"kind: Config\nusers:\n- user:\n    token: {CANARY}\n".encode()).decode(),
        base64.b64encode(f"clusters: []\napiVersion: v1\nkind: Config # {CANARY}".encode()).decode(),
        json.dumps({"auths": {"r": {"auth": base64.b64encode(f"ci:glpat-{CANARY}".encode()).decode()}}}),
        f"https://ci:{CANARY}@registry.example.com/v2/",
        f"Authorization: Bearer {CANARY}",
        f"DB_PASSWORD={CANARY} ./run",
        f"--api-token {CANARY}",
        f"v1:{base64.b64encode(CANARY.encode()[:12]).decode()}:{base64.b64encode(CANARY.encode()).decode()}",
    ],
)
@pytest.mark.parametrize("around", ["{}", "before {} after", '["--x", "{}"]'])
def test_what_looks_like_a_credential_is_redacted_anywhere(credential: str, around: str) -> None:
    text = around.replace("{}", credential)
    encoded = base64.b64encode(CANARY.encode()).decode()[:-4]
    found = made(
        step(old={"args": "a"}, new={"args": text}),
        step("create", name=text, new={text: "a"}),
        step("replace", name="r", old={"a": 1}, new={"a": 1}, replaceReasons=[text]),
        diagnostics=({"message": f"error: {text}", "severity": "error"},),
    )
    everything = shown(found)
    assert CANARY[:12] not in everything
    assert encoded not in everything
    assert "[redacted]" in everything


NAMES = [
    "KUBE_TOKEN",
    "GITLAB_TOKEN",
    "CI_JOB_TOKEN",
    "DEPLOY_ID_TOKEN",
    "PULUMI_CONFIG_PASSPHRASE",
    "PULUMI_ACCESS_TOKEN",
    "CI_REGISTRY_PASSWORD",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AZURE_STORAGE_KEY",
    "ARM_CLIENT_SECRET",
    "GOOGLE_CREDENTIALS",
    "KUBECONFIG",
    "SSH_KEY",
    "SSH_PRIVATE_KEY_ED25519",
]


@pytest.mark.parametrize("name", NAMES)
def test_what_a_variable_of_the_job_holds_is_redacted_in_every_form(name: str) -> None:
    value = f'{CANARY}+/"x%'
    for form in (value, json.dumps({"a": value}), base64.b64encode(f"y{value}".encode()).decode()):
        text = shown(made(step(old={"a": "b"}, new={"a": f"x {form} y"}), environment={name: value}))
        assert CANARY not in text
        assert not leaks(value, text)


def test_what_other_variables_hold_is_shown() -> None:
    found = made(
        step(old={"a": "b"}, new={"a": "eu-central-1"}), environment={"AWS_REGION": "eu-central-1", "CI_TOKEN": "short"}
    )
    assert "b -> eu-central-1" in shown(found)


def test_a_variable_that_names_a_file_stands_for_what_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_text(f"{CANARY}\n")
    found = made(step(old={"a": "b"}, new={"a": CANARY}), environment={"PULUMI_CONFIG_PASSPHRASE_FILE": str(file)})
    assert CANARY not in shown(found)


@pytest.mark.parametrize("write", [json.dumps, yaml.safe_dump], ids=["json", "yaml"])
@pytest.mark.parametrize(
    ("name", "document_"),
    [
        ("DOCKER_AUTH_CONFIG", {"auths": {"r.example.com": {"username": "ci", "password": CANARY}}}),
        ("KUBECONFIG", KUBECONFIG),
    ],
)
def test_the_credentials_inside_of_a_document_are_redacted_one_by_one(
    tmp_path: Path, name: str, document_: dict[str, Any], write: Callable[[Any], str]
) -> None:
    file = tmp_path / "file"
    file.write_text(write(document_))
    for value in (file.read_text(), str(file)):
        found = made(step(old={"a": "b"}, new={"a": f"login with {CANARY}"}), environment={name: value})
        assert CANARY not in shown(found)


KEYS = st.sampled_from(["spec", "metadata", "a", "containers", "env", "name", "labels", "x.y/z", "args"])
KINDS = st.sampled_from([DEPLOYMENT, SECRET, VARIABLE, CONTAINER, PROVIDER, "t:t:T"])
MARKED = st.sampled_from(["[secret]", MARK | {"ciphertext": f"v1:{CANARY}"}, MARK | {"plaintext": CANARY}])
SHAPED = st.sampled_from([f"glpat-{CANARY}", f"x={jwt()}", f"https://u:{CANARY}@h/", f"JOB {CANARY}JOB", KEY])
SENSITIVE = st.dictionaries(
    st.sampled_from(["password", "token", "kubeconfig", "registryAuth", "clientKeyData", "stringData"]),
    st.one_of(
        st.just(CANARY), st.lists(st.just(CANARY), min_size=1), st.dictionaries(KEYS, st.just(CANARY), min_size=1)
    ),
    min_size=1,
)
TREES = st.dictionaries(
    KEYS,
    st.recursive(
        st.one_of(st.integers(), st.text(max_size=5), MARKED, SHAPED, SENSITIVE),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
        max_leaves=8,
    ),
    max_size=4,
)
PATHS = st.dictionaries(
    st.sampled_from(["spec", "spec.a", "a[0]", 'labels["x.y/z"]', "env[1].name", "metadata", "token"]),
    st.sampled_from([{"kind": "update"}, {"kind": "add-replace"}, {"kind": "delete"}]),
)
STEPS = st.lists(
    st.builds(
        lambda op, kind, old, new, outputs, diff: with_outputs(
            step(op, kind=kind, old=old, new=new, detailedDiff=diff), outputs
        ),
        st.sampled_from(["create", "update", "replace", "delete", "same", "refresh"]),
        KINDS,
        st.none() | TREES,
        st.none() | TREES,
        TREES,
        PATHS,
    ),
    max_size=3,
)


def with_outputs(made_up: dict[str, Any], outputs: dict[str, Any]) -> dict[str, Any]:
    for state in ("oldState", "newState"):
        if state in made_up:
            made_up[state]["outputs"] = outputs
    return made_up


@settings(deadline=None)
@given(STEPS, st.lists(SHAPED, max_size=2))
def test_no_canary_placed_anywhere_in_a_plan_is_shown(steps: list[dict[str, Any]], messages: list[str]) -> None:
    said = tuple({"message": f"error: {text}", "severity": "error"} for text in messages)
    redactor = Redactor({"JOB_TOKEN": f"{CANARY}JOB"})
    text = document(*steps, diagnostics=said)
    for found in (plan.read("prod", text, redactor), plan.between(document(), text, "prod", redactor)):
        assert not leaks(CANARY, shown(found))


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.json")), ids=lambda file: file.stem)
def test_recorded_plans_hold_no_credential(file: Path) -> None:
    found = plan.read("prod", file.read_text(), Redactor({}))
    assert "[redacted]" not in shown(found)
