"""A value that came encrypted is marked as secret all the way, or refused with its path: wherever it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.settings import settings, stack_file
from components.settings.problem import Sealed
from components.settings.stack import BLOCKS
from tests.support.main_program import every_block, run_program
from tests.support.project import leaks
from tests.support.stack_files import EVERY, Place, Stack, engine_form, places, read

CANARY = "canary-7f3a91"
SECURE = {"secure": CANARY}


def everywhere() -> Iterator[tuple[str, Stack]]:
    """The path of each place in a stack file at which a value can be encrypted, and the stack file."""
    for block in BLOCKS:
        yield f"gitlab-deploy:{block}", EVERY | {f"gitlab-deploy:{block}": SECURE}
        yield (
            f"gitlab-deploy:{block}.unknown",
            EVERY | {f"gitlab-deploy:{block}": EVERY[f"gitlab-deploy:{block}"] | {"unknown": {"deep": [SECURE]}}},
        )
    for place in places():
        yield place.path, place.put(SECURE)
        if place.key.kind == "texts":
            example: list[object] = list(place.key.examples[0])  # type: ignore[call-overload]
            yield f"{place.path}[{len(example)}]", place.put([*example, SECURE])
        if place.key.kind == "map":
            yield f"{place.path}.NAME", place.put({"NAME": SECURE})
            yield f"{place.path}.NAME", place.put({"NAME": {"deep": SECURE}})
            yield f'{place.path}["/etc/name"]', place.put({"/etc/name": SECURE})


def accepted(path: str) -> bool:
    """Whether the declarations call it a place for a secret."""
    names = path.removeprefix("gitlab-deploy:")
    files = {f'{block}.files["/etc/name"]' for block in ("dockerHost", "kubernetes")}
    return names in {"gitlabToken", "app.secrets.NAME", "registry.password", *files}


@pytest.mark.parametrize(("path", "stack"), list(everywhere()))
def test_an_encrypted_value_is_sealed_where_allowed_and_else_refused_with_its_path(
    path: str, stack: Stack, tmp_path: Path
) -> None:
    found, problems = read(stack, tmp_path)
    text = "\n".join(map(str, problems))
    assert CANARY not in text
    if accepted(path) and "deep" not in str(stack):
        assert problems == []
        assert CANARY not in repr(found)
        assert repr(found).count("Sealed()") == 1
    else:
        assert found is None
        assert any(problem.path.startswith(path) or path.startswith(problem.path) for problem in problems), text


@pytest.mark.parametrize("place", places(), ids=lambda place: place.path)
def test_no_problem_beside_an_encrypted_value_shows_it(place: Place, tmp_path: Path) -> None:
    # Each block has a secret, or a value that is no place for one; every problem there is comes up.
    for value in (7, ["\n"], {"a\n": "b"}, None, SECURE, [SECURE], {"a\n": SECURE}, {"a": {"b": SECURE}}):
        stack = place.put(value)
        stack["gitlab-deploy:app"].setdefault("secrets", {})
        if isinstance(stack["gitlab-deploy:app"]["secrets"], dict):
            stack["gitlab-deploy:app"]["secrets"]["OTHER"] = SECURE
        assert CANARY not in "\n".join(map(str, read(stack, tmp_path)[1]))


def test_plain_text_that_has_to_be_encrypted_is_refused_with_the_command(
    tmp_path: Path,
) -> None:
    [place] = [place for place in places() if place.path == "gitlab-deploy:app.secrets"]
    [problem] = read(place.put({"DB_PASSWORD": CANARY}), tmp_path)[1]
    assert str(problem) == (
        "gitlab-deploy:app.secrets.DB_PASSWORD is in plain text; revoke that secret, and set a new one with "
        "'pulumi config set --secret --path gitlab-deploy:app.secrets.DB_PASSWORD'"
    )


def test_a_block_with_a_secret_is_refused_if_its_stack_file_is_not_found() -> None:
    stack = EVERY | {"gitlab-deploy:app": {"port": 8080, "env": {"A": "plain"}, "secrets": {"B": SECURE}}}
    values, secrets = engine_form(stack)
    others: list[Any] = [
        None,
        {},
        {"gitlab-deploy:app": {"port": "8080"}},
        {"gitlab-deploy:app": {"port": "8080", "env": {"A": "plain"}, "secrets": {"B": "other"}}},
        {"gitlab-deploy:app": {"port": "8080", "env": {"A": "plain"}, "secrets": {"B": CANARY}}},
        {"gitlab-deploy:app": {"port": "8080", "env": {"A": SECURE}, "secrets": {"B": "other"}}},
        {"gitlab-deploy:app": {"port": "8080", "env": {"A": "other"}, "secrets": {"B": SECURE}}},
        {"gitlab-deploy:app": "text"},
    ]
    for written in others:
        found, problems = settings.parse(values, secrets, written=written)
        assert found is None
        assert [problem.path for problem in problems] == ["gitlab-deploy:app"]
        assert "the stack file that was found does not say which one it is" in problems[0].cause
        assert CANARY not in str(problems[0])


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("yes", "yes"),
        (True, "true"),
        (8080, "8080"),
        (1.5, "1.50"),
        ("2027-11-30T00:00:00Z", "2027-11-30"),
        (None, ""),
        ([1, "a"], ["0x1", "a"]),
    ],
)
def test_stack_file_is_known_again_whatever_the_engine_makes_of_a_scalar(value: object, written: object) -> None:
    sealed = stack_file._seal({"a": value, "b": CANARY}, {"a": written, "b": SECURE})
    assert sealed == {"a": value, "b": Sealed(CANARY)}


def test_stack_file_is_where_the_engine_looks_for_it(tmp_path: Path) -> None:
    text = "config: {a: {secure: x}, b: yes, c: 1, d: &d {e: f}, g: {<<: *d, h: i}}\n"
    expected = {"a": {"secure": "x"}, "b": "yes", "c": "1", "d": {"e": "f"}, "g": {"e": "f", "h": "i"}}
    assert stack_file.read(tmp_path, "prod", {}) is None
    (tmp_path / "Pulumi.yaml").write_text("name: gitlab-deploy\n")
    assert stack_file.read(tmp_path, "prod", {}) is None
    (tmp_path / "Pulumi.prod.yaml").write_text(text)
    assert stack_file.read(tmp_path, "prod", {}) == expected
    (tmp_path / "Pulumi.yaml").write_text("stackConfigDir: stacks\n")
    assert stack_file.read(tmp_path, "prod", {}) is None
    (tmp_path / "stacks").mkdir()
    (tmp_path / "Pulumi.prod.yaml").rename(tmp_path / "stacks" / "Pulumi.prod.yaml")
    assert stack_file.read(tmp_path, "prod", {}) == expected
    (tmp_path / "other.yaml").write_text("config: {a: b}\n")
    assert stack_file.read(tmp_path, "prod", {stack_file.CONFIG_FILE: "other.yaml"}) == {"a": "b"}
    (tmp_path / "other.yaml").write_text("config: [\n")
    assert stack_file.read(tmp_path, "prod", {stack_file.CONFIG_FILE: "other.yaml"}) is None


def test_every_place_for_a_secret_is_marked_in_what_the_program_declares(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = every_block()
    app = config["gitlab-deploy:app"] | {"secrets": {"DB_PASSWORD": {"secure": f"{CANARY}-1"}}}
    host = config["gitlab-deploy:dockerHost"] | {"files": {"/etc/key": {"secure": f"{CANARY}-2"}, "/etc/a": "text"}}
    target = config["gitlab-deploy:kubernetes"] | {"files": {"/etc/key": {"secure": f"{CANARY}-4"}, "/etc/a": "text"}}
    keys = {"app": app, "kubernetes": target, "dockerHost": host, "gitlabToken": {"secure": f"{CANARY}-3"}}
    exported: list[tuple[str, bool, str]] = []
    monkeypatch.setattr(pulumi, "export", lambda name, value: exported.append((name, False, str(value))))
    run = run_program(monkeypatch, tmp_path, **keys)
    held = {
        (declared.type.rpartition(":")[2], name)
        for declared in run.declarations
        for name, value in declared.inputs.items()
        if leaks(CANARY, str(value))
    }
    assert held == {("Secret", "data"), ("Container", "envs"), ("Container", "uploads"), ("gitlab", "token")}
    for declared in run.declarations:
        for name, value in declared.inputs.items():
            assert not leaks(CANARY, str(value)) or name in declared.secret, (declared.name, name)
    assert not leaks(CANARY, str(exported))
