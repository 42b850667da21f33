"""No credential in anything a command shows, whoever forgot to mark it."""

import base64
import gc
import json
import re
import shlex
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import re2  # type: ignore[import-untyped]
from hypothesis import example, given
from hypothesis import strategies as st

from ops.preview import credential_shapes, findings, markdown, plan, plan_text, redaction
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
    report = json.dumps(findings.collect(found, "Pulumi.prod.yaml", ""), ensure_ascii=False)
    return "\n".join((*plan_text.lines(found), markdown.render(found, {}), report))


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


@given(STEPS, st.lists(SHAPED, max_size=2))
def test_no_canary_placed_anywhere_in_a_plan_is_shown(steps: list[dict[str, Any]], messages: list[str]) -> None:
    said = tuple({"message": f"error: {text}", "severity": "error"} for text in messages)
    redactor = Redactor([f"{CANARY}JOB"])
    text = document(*steps, diagnostics=said)
    for found in (plan.read("prod", text, redactor), plan.between(document(), text, "prod", redactor)):
        assert not leaks(CANARY, shown(found))


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.json")), ids=lambda file: file.stem)
def test_recorded_plans_hold_no_credential(file: Path) -> None:
    found = plan.read("prod", file.read_text(), Redactor())
    assert "[redacted]" not in shown(found)


SECRETS = st.text(min_size=12, max_size=40).filter(lambda text: len(re.sub(r"\W", "", text)) >= 10)
JOINTS = st.sampled_from(["\n", "\r\n    ", '" + "', "' '", "\\\n", "\t", "`", '","', "\x1b[0m", "\u200b", '\\"'])


def spread(secret: str, cuts: list[tuple[int, str]]) -> str:
    """The secret with something between its characters, where each cut says."""
    joints = {at % len(secret): joint for at, joint in cuts}
    return "".join(joints.get(at, "") + character for at, character in enumerate(secret))


@example('"0000000000a', [(0, "\r\n    "), (1, "\r\n    ")])
@given(SECRETS, st.lists(st.tuples(st.integers(0, 99), JOINTS), max_size=6))
def test_a_known_secret_never_survives_being_split_or_quoted(secret: str, cuts: list[tuple[int, str]]) -> None:
    shown = Redactor([secret]).text(f"before <{spread(secret, cuts)}> after")
    inner = re.fullmatch("before <(.*)> after", shown, re.DOTALL)
    assert inner
    assert "[redacted]" in inner[1]
    # A quote at an end of the secret may be left, and what was put beside it; no letter and no digit.
    assert not re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\W", "", inner[1].replace("[redacted]", ""))
    assert not leaks(secret, shown)


@given(st.from_regex(r"[A-Za-z0-9]{8}[A-Za-z0-9+/%$!.é ]{4,30}[A-Za-z0-9]", fullmatch=True), st.text(max_size=10))
def test_a_known_secret_never_survives_being_encoded(secret: str, before: str) -> None:
    redactor = Redactor([secret])
    for form in (
        json.dumps({"a": secret}),
        json.dumps(json.dumps([secret])),
        urllib.parse.quote(secret),
        urllib.parse.quote_plus(secret),
        shlex.quote(secret),
        secret.encode().hex(),
        base64.b64encode(f"{before}{secret}{before}".encode()).decode(),
        base64.urlsafe_b64encode(f"{before}{secret}".encode()).decode(),
        base64.encodebytes(f"{before * 9}{secret}{before * 9}".encode()).decode(),
    ):
        shown = redactor.text(f"x {form} y")
        assert "[redacted]" in shown
        assert not leaks(secret, shown)


def test_a_line_of_a_key_of_the_job_is_redacted_by_itself() -> None:
    redactor = Redactor(["-----BEGIN KEY-----\nabcdefghijklmnopqrstuvwx\nABCDEFGHIJKLMNOPQRST\n-----END KEY-----"])
    assert redactor.text("line 2: ABCDEFGHIJKLMNOPQRST") == "line 2: [redacted]"
    assert redactor.text("    ABCDEFGHIJKLM\n    NOPQRST") == "    [redacted]"


def test_secrets_that_overlap_are_redacted_as_one() -> None:
    assert Redactor(["abcdefghij", "ghijklmnop"]).text("x abcdefghijklmnop y") == "x [redacted] y"


@given(st.text(max_size=200))
def test_any_text_is_taken_also_half_a_surrogate_pair(text: str) -> None:
    assert isinstance(Redactor(["abcdefgh"]).text(f"{text}\ud800"), str)


HOSTILE = (
    "a", "eyJ", "password=", "password: ", 'password="', "password='\\", '\\"token\\": ', "://a:", "--token ",
    "pw: |\n ",
    f"-----BEGIN {'PRIVATE'} KEY-----", "YWFhYWFhYWFhYWFhYWFhYWFhYWFh\n", " \"'", "\x1b[0",
    "login x password ", "glagent-", "name=pw,value=", "pw=,value=",
)  # fmt: skip


def calls(text: str) -> int:
    """How many functions are called to redact a text, those of the interpreter included."""
    count = 0

    def called(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    redactor = Redactor([CANARY])
    redactor.text(text)  # What is cached is cached now.
    # What others have called at each collection of garbage is no step of it.
    gc.disable()
    sys.setprofile(called)
    try:
        redactor.text(text)
    finally:
        sys.setprofile(None)
        gc.enable()
    return count


@pytest.mark.parametrize("unit", HOSTILE)
def test_twice_the_text_takes_twice_the_steps(unit: str) -> None:
    size = 1 << 14
    once, twice = (unit * (length // len(unit)) for length in (size, 2 * size))
    assert calls(twice) <= 2 * calls(once) + 100
    # No rule looks at the same value again and again.
    assert sum(end - start for start, end in credential_shapes.spans(twice)) <= 4 * len(twice)


def repeats(parsed: Any) -> Iterator[Any]:
    """The repeats in a parsed pattern that have no bound and can be tried again with fewer."""
    for operation, argument in parsed:
        if str(operation) in {"MAX_REPEAT", "MIN_REPEAT"} and argument[1] == re._constants.MAXREPEAT:  # type: ignore[attr-defined]
            yield argument
        for part in argument if isinstance(argument, (tuple, list)) else ():
            if isinstance(part, re._parser.SubPattern):  # type: ignore[attr-defined]
                yield from repeats(part)
            elif isinstance(part, list):
                for branch in part:
                    if isinstance(branch, re._parser.SubPattern):  # type: ignore[attr-defined]
                        yield from repeats(branch)


def test_no_pattern_can_backtrack_over_a_long_text() -> None:
    patterns = [value for module in (redaction, credential_shapes) for value in vars(module).values()]
    for pattern in (value for value in patterns if isinstance(value, re.Pattern)):
        assert not list(repeats(re._parser.parse(pattern.pattern, pattern.flags))), pattern.pattern  # type: ignore[attr-defined]
    linear = type(re2.compile("x"))
    for found in (
        credential_shapes.TOKENS,
        *credential_shapes.PLACED,
        credential_shapes.USERINFO,
        credential_shapes.NAME,
        credential_shapes.ENTRY_NAME,
    ):
        assert type(found) is linear


def test_a_line_of_a_mebibyte_is_redacted() -> None:
    line = "x" * (1 << 19)
    assert Redactor([CANARY]).text(f"{line} password={CANARY} {line}") == f"{line} password=[redacted] {line}"
