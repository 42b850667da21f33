"""The reader and the JSON schema say the same of a stack file."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import regress
import yaml

from components.settings.key import Key
from components.settings.schema import stack_schema
from tests.support.documents import DOCUMENTS, blocks
from tests.support.project import ROOT, STACKS
from tests.support.stack_files import EVERY, HOST_KEY, Place, Stack, places, read

SECURE = {"secure": "canary-text"}


def _pattern(validator: Any, pattern: str, instance: Any, _: Any) -> Iterator[jsonschema.ValidationError]:
    # As an editor does: JSON schema's expressions are those of ECMAScript.
    if validator.is_type(instance, "string") and not regress.Regex(pattern).find(instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


Validator = jsonschema.validators.extend(jsonschema.Draft7Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]
SCHEMA = Validator(stack_schema())


def errors(stack: Stack) -> list[str]:
    return [error.message for error in SCHEMA.iter_errors({"config": stack})]


def good(key: Key) -> Iterator[object]:
    if key.kind == "integer":
        yield from (key.low, key.high)
    if key.kind == "boolean":
        yield from (True, False)
    if key.kind in {"texts", "map"} and key.secrecy != "must":
        yield [] if key.kind == "texts" else {}
    yield from key.choices
    if key.secrecy == "must":
        yield {next(iter(key.examples[0])): SECURE} if key.kind == "map" else SECURE  # type: ignore[call-overload]
    else:
        yield from key.examples
    if key.secrecy == "may":
        yield {"/etc/app.conf": SECURE, "/etc/plain": "text"}


def bad(key: Key, *, scalar: bool) -> Iterator[object]:
    if key.kind == "integer":
        yield from (key.low - 1, key.high + 1, str(key.low), True, 1.5)
    if key.kind == "boolean":
        yield from ("yes", 1)
    if key.kind == "choice":
        yield from ("other", 7, *(() if scalar else ("",)))
    if key.kind == "text" and key.rules:
        longest = min(rule.longest for rule in key.rules)
        yield from (" ", "a\n", "\u00e9\u2028", ",?|", *(("x" * (longest + 1),) if longest < 1000 else ()))
        yield from () if scalar else (7, True, ["text"], {"a": "b"}, SECURE)
    if key.kind == "texts":
        text = key.examples[0][0]  # type: ignore[index]
        yield from ("text", {}, [7], ["\n"], [text, SECURE], *([[text, text]] if key.unique else []))
    if key.kind == "map":
        name, text = next(iter(key.examples[0].items()))  # type: ignore[attr-defined]
        yield from ("text", [], {name: 7}, {name: ["text"]}, {"": text}, {"a b\n": text}, SECURE)
        if key.secrecy == "must":
            yield {name: text}
        if key.secrecy == "never":
            yield {name: SECURE}
    if key.kind == "block":
        yield from ("text", [], 7, {"unknown": 1}, SECURE)
    if not scalar:
        yield None


@pytest.mark.parametrize("place", places(), ids=lambda place: place.path)
def test_reader_and_schema_agree_on_each_example_and_bound(place: Place, tmp_path: Path) -> None:
    values = list(good(place.key))
    assert values
    for value in values:
        stack = place.put(value)
        assert (read(stack, tmp_path)[1], errors(stack)) == ([], []), value


@pytest.mark.parametrize("place", places(), ids=lambda place: place.path)
def test_reader_and_schema_agree_on_what_is_just_beyond_or_of_another_type(place: Place, tmp_path: Path) -> None:
    for value in bad(place.key, scalar=len(place.names) == 1):
        stack = place.put(value)
        _, problems = read(stack, tmp_path)
        assert problems, value
        assert any(problem.path.startswith(place.path) for problem in problems), problems
        assert errors(stack), value


MANIFESTS: Stack = {"manifests": ["deployment.yml"]}


def without(*names: str) -> Stack:
    return {key: value for key, value in EVERY.items() if key.partition(":")[2] not in names}


WORKER = without("dockerHost") | {"gitlab-deploy:app": {"worker": True}, "gitlab-deploy:kubernetes": {}}


def beside(block: str, **keys: object) -> Stack:
    return EVERY | {f"gitlab-deploy:{block}": EVERY[f"gitlab-deploy:{block}"] | keys}


@pytest.mark.parametrize(
    "stack",
    [
        {},
        without("app"),
        without("kubernetes", "dockerHost"),
        without("cluster"),
        without("gitlabProject"),
        without("access"),
        without("access", "gitlabProject") | {"gitlab-deploy:kubernetes": {"namespace": "example"}},
        beside("kubernetes", namespace="other"),
        beside("kubernetes", pullSecret="mine"),
        beside("kubernetes", manifests=["deployment.yml"]),
        beside("kubernetes", secrets={"database/password": SECURE}),
        without("dockerHost") | {"gitlab-deploy:kubernetes": MANIFESTS},
        without("app") | {"gitlab-deploy:kubernetes": MANIFESTS},
        EVERY | {"gitlab-deploy:kubernetes": {"ingressClass": "nginx"}},
        beside("dockerHost", host=None),
        beside("access", environment="preview/*"),
        beside("access", environment="pre*"),
        beside("access", preview=False, previewProject="group/blog"),
        beside("registry", username="robot"),
        beside("registry", password=SECURE),
        beside("registry", username="robot", password=SECURE, project="group/blog"),
        beside("registry", username="robot", password=SECURE, expires="2027-01-31"),
        beside("app", health={}),
        beside("app", health={"path": "/", "command": ["true"]}),
        beside("app", replicas=2),
        EVERY | {"gitlab-deploy:app": {}},
        EVERY | {"gitlab-deploy:app": {"worker": True}},
        EVERY | {"gitlab-deploy:app": {"worker": True, "port": 8080}},
        WORKER | {"gitlab-deploy:app": {"worker": True, "health": {"path": "/"}}},
        WORKER | {"gitlab-deploy:kubernetes": {"liveness": {"path": "/"}}},
        WORKER | {"gitlab-deploy:kubernetes": {"startup": {"failures": 2}}},
        WORKER | {"gitlab-deploy:dockerHost": {"address": "ssh://deploy@host", "hostKey": HOST_KEY}},
        beside("kubernetes", autoscale={"max": 3}, replicas=2),
        beside("kubernetes", volumes={"/data": "1Gi"}, replicas=2),
        beside("kubernetes", volumes={"/data": "1Gi"}, autoscale={"max": 3}),
        beside("kubernetes", accessMode="ReadWriteMany"),
        beside("kubernetes", runAsRoot=True),
        beside("kubernetes", serviceAccountToken=True),
        EVERY | {"gitlab-deploy:kubernetes": {"paths": ["/api"]}},
        EVERY | {"gitlab-deploy:imgae": "x"},
        EVERY | {"gitlab:token": "x"},
        *({**EVERY, f"gitlab-deploy:{name}": "text"} for name in ("access", "registry", "app", "kubernetes")),
    ],
)
def test_reader_and_schema_agree_on_rules_between_keys(stack: Stack, tmp_path: Path) -> None:
    assert read(stack, tmp_path)[1]
    assert errors(stack)


@pytest.mark.parametrize(
    "stack",
    [
        EVERY,
        EVERY | {"pulumi:disable-default-providers": ["kubernetes"]},
        without("access", "registry") | {"gitlab-deploy:kubernetes": {"namespace": "example"}},
        without("app", "kubernetes", "dockerHost"),
        without("app", "dockerHost") | {"gitlab-deploy:kubernetes": MANIFESTS},
        EVERY | {"gitlab-deploy:kubernetes": MANIFESTS | {"secrets": {"database/password": SECURE}}},
        without("access", "registry", "kubernetes", "cluster", "gitlabProject"),
        beside("access", preview=False, environment="preview/*"),
        without("access", "gitlabProject")
        | {
            "gitlab-deploy:registry": {"server": "registry.example.com", "username": "robot", "password": SECURE},
            "gitlab-deploy:kubernetes": {"namespace": "example"},
        },
        WORKER,
        WORKER | {"gitlab-deploy:app": {"worker": True, "health": {"command": ["true"]}}},
        beside("kubernetes", volumes={"/data": "1Gi"}, replicas=1),
        beside("kubernetes", volumes={"/data": "1Gi"}, accessMode="ReadWriteMany", replicas=3),
        beside("access", environment="preview", previewProject="group/program"),
    ],
)
def test_reader_and_schema_agree_on_good_stacks(stack: Stack, tmp_path: Path) -> None:
    assert (read(stack, tmp_path)[1], errors(stack)) == ([], [])


def test_only_the_program_sees_what_no_schema_can_say(tmp_path: Path) -> None:
    for stack, path in (
        (beside("app", env={"A": "1"}, secrets={"A": SECURE}), "gitlab-deploy:app.env"),
        (beside("access", previewProject="group/blog", environment="preview/*"), "gitlab-deploy:access.environment"),
        (
            beside("app", env={"A": "1"}) | {"gitlab-deploy:kubernetes": {"secretKeys": {"A": "db/a"}}},
            "gitlab-deploy:kubernetes.secretKeys",
        ),
        (beside("registry", server="registry.example.org"), "gitlab-deploy:registry.server"),
        (beside("kubernetes", autoscale={"min": 4, "max": 3}), "gitlab-deploy:kubernetes.autoscale.min"),
        (beside("kubernetes", egress=["10.0.0.1/8"]), "gitlab-deploy:kubernetes.egress[0]"),
    ):
        assert [problem.path for problem in read(stack, tmp_path)[1]] == [path]
        assert errors(stack) == []


def test_schema_is_a_valid_one_and_every_stack_file_names_it() -> None:
    jsonschema.Draft7Validator.check_schema(stack_schema())
    for file in (ROOT / "Pulumi.sandbox.yaml", *STACKS.glob("Pulumi.*.yaml")):
        first, rest = file.read_text().split("\n", 1)
        assert first == "# yaml-language-server: $schema=schema/stack.schema.json"
        assert [error.message for error in SCHEMA.iter_errors(yaml.safe_load(rest))] == []


def test_every_key_has_a_sentence_and_an_example_and_defaults_pass_their_own_rules(tmp_path: Path) -> None:
    for place in places():
        assert place.key.text.endswith("."), place.path
        assert place.key.examples, place.path
        if not place.key.required and place.key.default_text != "none" and place.key.default not in (None, "", {}):
            default = place.key.default
            if place.key.kind != "block":
                stack = place.put(json.loads(json.dumps(default)))
                assert read(stack, tmp_path)[1] == [], place.path


@pytest.mark.parametrize(
    "page", sorted({*DOCUMENTS, *(str(path.relative_to(ROOT)) for path in ROOT.glob("examples/*/*.md"))})
)
def test_what_a_document_shows_of_a_stack_file_has_no_other_keys(page: str) -> None:
    for block in blocks(page):
        if "gitlab-deploy:" in block.text and block.language == "yaml":
            document = yaml.safe_load(block.text)
            wrong = {"additionalProperties", "type", "enum"}
            # Conditions between blocks are left out: it may be a part of a stack file.
            for name, value in document.get("config", document).items():
                errors_of = SCHEMA.iter_errors({"config": {name: value}})
                found = [error.message for error in errors_of if error.validator in wrong]
                assert found == [], name
