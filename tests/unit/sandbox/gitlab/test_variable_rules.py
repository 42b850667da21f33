"""What a variable may hold: the masking rules with their edges, and the exact words of each refusal."""

import base64
import json

import pytest
from gitlab.v4.objects import Project

from sandbox.gitlab.records import Variable
from sandbox.gitlab.store import Store
from tests.support.gitlab_double import Api, refused

KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [
        {"name": "c", "cluster": {"server": "https://192.0.2.1:6443", "certificate-authority-data": "QUJD" * 400}}
    ],
    "users": [{"name": "u", "user": {"token": "eyJhbGciOiJSUzI1NiJ9." + "a1-_" * 200}}],
}
COMPACT_JSON = json.dumps(KUBECONFIG, separators=(",", ":"))
YAML = "apiVersion: v1\nkind: Config\nclusters: []\n"
INVALID = {"message": {"value": ["is invalid"]}}


@pytest.mark.parametrize("variable_type", ["env_var", "file"])
@pytest.mark.parametrize(
    ("value", "expanded", "raw"),
    [
        ("1234567", False, False),
        ("12345678", True, True),
        ("", False, False),
        ("aZ09_+=/@:.~-", True, True),
        ("12345678\n", False, False),
        ("\n12345678", False, False),
        ("1234\n5678", False, False),
        ("1234 5678", False, False),
        ("1234\t5678", False, False),
        ("1234\v5678", False, False),
        ("1234\u00a05678", False, True),
        ("1234\u20285678", False, True),
        ("pässwort1", False, True),
        ("$HOME/dir", False, True),
        ("${A}${B}", False, True),
        ('{"a":"b"}', False, True),
        ("1234567,", False, True),
        (COMPACT_JSON, False, True),
        (json.dumps(KUBECONFIG), False, False),
        (YAML, False, False),
        (base64.b64encode(COMPACT_JSON.encode()).decode(), True, True),
        (base64.encodebytes(COMPACT_JSON.encode()).decode(), False, False),
        (base64.b64encode(YAML.encode()).decode(), True, True),
        (base64.b64encode(YAML.encode()).decode() + "\n", False, False),
    ],
)
def test_masking_takes_exactly_these_values(
    api: Api, value: str, expanded: bool, raw: bool, variable_type: str
) -> None:
    for flag, accepted in ((False, expanded), (True, raw)):
        fields = {"key": f"A{flag:d}", "value": value, "masked": True, "raw": flag, "variable_type": variable_type}
        reply = api("POST", "/variables", json.dumps(fields).encode())
        assert reply.status == (201 if accepted else 400), f"raw={flag}"
        assert (reply.json() == INVALID) is not accepted


@pytest.mark.parametrize("value", ["", "short", "two words", "line\n"])
def test_an_unmasked_value_may_be_anything(project: Project, value: str) -> None:
    assert project.variables.create({"key": "A", "value": value}).value == value


@pytest.mark.parametrize(
    ("before", "change"),
    [
        ({"value": "short"}, {"masked": True}),
        ({"value": "12345678", "masked": True}, {"value": "short"}),
        ({"value": '{"a":"b"}', "masked": True, "raw": True}, {"raw": False}),
    ],
)
def test_an_update_is_held_to_the_masking_rule_and_changes_nothing(
    project: Project, before: dict[str, object], change: dict[str, object]
) -> None:
    created = project.variables.create({"key": "A"} | before).attributes
    assert refused(lambda: project.variables.update("A", change)) == (400, INVALID)
    assert project.variables.get("A").attributes == created


def test_a_value_may_equal_the_name_of_another_variable(project: Project) -> None:
    project.variables.create({"key": "KUBECONFIG", "value": "x"})
    assert project.variables.create({"key": "A", "value": "KUBECONFIG", "masked": True}).value == "KUBECONFIG"


def test_a_variable_may_be_protected_and_masked(project: Project) -> None:
    variable = project.variables.create({"key": "A", "value": "12345678", "masked": True, "protected": True})
    assert (variable.masked, variable.protected) == (True, True)


CHARACTERS = "can contain only letters, digits and '_'."
TOO_LONG = "is too long (maximum is 255 characters)"
SCOPE_CHARACTERS = "can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', '*' and spaces"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"key": "A-B"}, {"key": [CHARACTERS]}),
        ({"key": "A B"}, {"key": [CHARACTERS]}),
        ({"key": "Ä"}, {"key": [CHARACTERS]}),
        ({"key": "A" * 256}, {"key": [TOO_LONG]}),
        ({"key": "-" * 256}, {"key": [TOO_LONG, CHARACTERS]}),
        ({"key": ""}, {"key": ["can't be blank", CHARACTERS]}),
        ({"key": "  "}, {"key": ["can't be blank", CHARACTERS]}),
        ({"key": None}, {"key": ["can't be blank", CHARACTERS]}),
        ({"description": "d" * 256}, {"description": [TOO_LONG]}),
        ({"environment_scope": "prod?"}, {"environment_scope": [SCOPE_CHARACTERS]}),
        ({"environment_scope": "prod\nuction"}, {"environment_scope": [SCOPE_CHARACTERS]}),
        ({"environment_scope": " "}, {"environment_scope": ["can't be blank", SCOPE_CHARACTERS]}),
        ({"masked": None}, {"masked": ["is not included in the list"]}),
        (
            {"key": "A-B", "masked": True, "environment_scope": "?"},
            {"key": [CHARACTERS], "value": ["is invalid"], "environment_scope": [SCOPE_CHARACTERS]},
        ),
    ],
)
def test_a_field_that_is_not_valid_is_refused_in_gitlabs_words(
    project: Project, fields: dict[str, object], message: dict[str, list[str]]
) -> None:
    status, body = refused(lambda: project.variables.create({"key": "A", "value": "short"} | fields))
    assert (status, body) == (400, {"message": message})
    assert project.variables.list(get_all=True) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"key": "A" * 255},
        {"key": "_a9"},
        {"description": "d" * 255},
        {"description": ""},
        {"environment_scope": "review/${A}.b-c_d *"},
    ],
)
def test_a_field_at_its_limit_is_taken(project: Project, fields: dict[str, str]) -> None:
    kept = project.variables.create({"key": "A", "value": "v"} | fields).attributes
    assert {name: kept[name] for name in fields} == fields


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{}", "key is missing, value is missing"),
        (b"[]", "key is missing, value is missing"),
        (b"", "key is missing, value is missing"),
        (b'{"value":"v"}', "key is missing"),
        (b'{"key":"A"}', "value is missing"),
        (b'{"key":"A","value":"v","variable_type":"text"}', "variable_type does not have a valid value"),
        (b'{"key":"A","value":"v","masked":"maybe"}', "masked is invalid"),
        (b'{"key":"A","value":"v","protected":2}', "protected is invalid"),
        (b'{"key":"A","value":"v","raw":[]}', "raw is invalid"),
        (b'{"key":"A","value":"v","masked_and_hidden":"x"}', "masked_and_hidden is invalid"),
        (b'{"key":"A","value":{}}', "value is invalid"),
        (b'{"value":"v","masked":"x"}', "key is missing, masked is invalid"),
    ],
)
def test_the_framework_refuses_under_error(api: Api, body: bytes, error: str) -> None:
    reply = api("POST", "/variables", body)
    assert (reply.status, reply.json()) == (400, {"error": error})


@pytest.mark.parametrize("body", [b'{"variable_type":"text"}', b'{"masked":"maybe"}', b'{"description":[]}'])
def test_the_framework_refuses_an_update_under_error_too(api: Api, body: bytes) -> None:
    api("POST", "/variables", b'{"key":"A","value":"v"}')
    reply = api("PUT", "/variables/A", body)
    assert (reply.status, list(reply.json())) == (400, ["error"])


@pytest.mark.parametrize(("given", "kept"), [("true", True), ("1", True), (1, True), ("0", False), ("off", False)])
def test_booleans_may_be_spelled_otherwise(project: Project, given: object, kept: bool) -> None:
    assert project.variables.create({"key": "A", "value": "12345678", "masked": given}).masked is kept


@pytest.mark.parametrize(("given", "kept"), [(12, "12"), (True, "true"), (1.5, "1.5")])
def test_a_value_that_is_no_text_is_kept_as_text(project: Project, given: object, kept: str) -> None:
    assert project.variables.create({"key": "A", "value": given}).value == kept


def fill(store: Store, project_id: int, count: int) -> None:
    store.connection.execute("BEGIN")
    for number in range(count):
        store.add(Variable(project_id=project_id, key=f"V{number}", value="v"))
    store.connection.execute("COMMIT")


def test_a_project_holds_8000_variables(project: Project, store: Store) -> None:
    fill(store, project.id, 7999)
    project.variables.create({"key": "LAST", "value": "v"})
    complaint = "Maximum number of project ci variables (8000) exceeded"
    assert refused(lambda: project.variables.create({"key": "MORE", "value": "v"})) == (
        400,
        {"message": {"base": [complaint]}},
    )
    assert project.variables.update("LAST", {"value": "w"})["value"] == "w"
