import json

import pytest

from ops.ops_error import OpsError
from ops.preview.placeholders import mark_secrets, without_secrets

FILE = """
encryptionsalt: v1:salt
secretsprovider: awskms://alias/blog
encryptedkey: canary-key
config:
  gitlab-deploy:gitlabToken: {secure: canary-one}
  gitlab-deploy:dockerHost:
    port: 8080
    healthCheck: [wget, {secure: canary-two}]
    env:
      OPEN: "1"
      PASS=WORD: {secure: canary-three}
"""
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


def test_every_secret_of_a_stack_file_and_nothing_else_becomes_a_placeholder() -> None:
    stack = without_secrets(FILE)
    assert list(stack.placeholders) == [
        "gitlab-deploy:gitlabToken",
        'gitlab-deploy:dockerHost["healthCheck"][1]',
        'gitlab-deploy:dockerHost["env"]["PASS=WORD"]',
    ]
    docker = {"port": 8080, "healthCheck": ["wget", ""], "env": {"OPEN": "1", "PASS=WORD": ""}}
    assert stack.config == {"gitlab-deploy:gitlabToken": "", "gitlab-deploy:dockerHost": docker}
    assert "canary" not in repr(stack)


def test_placeholders_differ_exactly_if_their_ciphertexts_differ() -> None:
    before = without_secrets(FILE).placeholders
    after = without_secrets(FILE.replace("canary-two", "canary-2")).placeholders
    assert len(set(before.values())) == 3
    assert [path for path in before if before[path] != after[path]] == ['gitlab-deploy:dockerHost["healthCheck"][1]']


@pytest.mark.parametrize("text", ["config: [", "- a\n", "config: text\n", "config: 7\n"])
def test_what_is_no_stack_file_is_one_sentence(text: str) -> None:
    with pytest.raises(OpsError, match=r"^The stack file cannot be read: it is not YAML with a map 'config'; fix it"):
        without_secrets(text)


def test_empty_stack_file_has_no_configuration() -> None:
    assert without_secrets("").config == without_secrets("encryptionsalt: v1:salt\n").config == {}


def step(**inputs: object) -> dict[str, object]:
    """A step of `pulumi preview --json`."""
    return {"op": "create", "urn": "urn::a", "newState": {"inputs": inputs, "stackTrace": [{}], "dependencies": ["x"]}}


def goal(**inputs: object) -> dict[str, object]:
    """What --save-plan writes of the same step."""
    return {"resourcePlans": {"urn::a": {"goal": {"inputDiff": {"adds": inputs}}}}}


def test_mark_of_a_secret_tells_it_from_another_one_and_not_what_it_is() -> None:
    shown = {"steps": [step(name="web", envs=["A", "[secret]"], deep={"value": "[secret]"})], "duration": 7}
    plans = [
        mark_secrets(
            shown,
            goal(name="web", envs=["A", SECRET | {"plaintext": one}], deep={"value": SECRET | {"plaintext": "x"}}),
        )
        for one in ("canary-1", "canary-1", "canary-2")
    ]
    assert plans[0] == plans[1] != plans[2]
    first, other = (plan["steps"][0]["newState"]["inputs"] for plan in (plans[0], plans[2]))
    assert first["deep"] == other["deep"]
    assert first["name"] == "web"
    assert first["envs"][0] == "A"
    assert first["envs"][1].items() >= SECRET.items()
    assert "canary" not in json.dumps(plans)


def test_same_plan_is_written_the_same_whatever_the_order_and_the_machine() -> None:
    assert mark_secrets({"steps": [step(name="web")], "duration": 7}, goal(name="web")) == {
        "steps": [{"op": "create", "urn": "urn::a", "newState": {"inputs": {"name": "web"}}}]
    }
    steps = [step(name=name) | {"urn": f"urn::{name}"} for name in "ba"]
    assert [found["urn"] for found in mark_secrets({"steps": steps}, goal())["steps"]] == ["urn::a", "urn::b"]


def test_a_secret_that_is_used_twice_by_an_alias_has_two_placeholders() -> None:
    stack = without_secrets("config:\n  p:a: {x: &x {secure: canary}}\n  p:b: {y: *x}\n")
    assert list(stack.placeholders) == ['p:a["x"]', 'p:b["y"]']
    assert stack.config == {"p:a": {"x": ""}, "p:b": {"y": ""}}
