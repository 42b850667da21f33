"""The life of a CI/CD variable: what the five routes take and give back."""

import json
from urllib.parse import urlencode

import pytest
from gitlab.v4.objects import Project

from tests.support.gitlab_double import Api, refused

NOT_FOUND = (404, {"message": "404 Variable Not Found"})
AMBIGUOUS = (
    409,
    {"message": "There are multiple variables with provided parameters. Please use 'filter[environment_scope]'"},
)
TAKEN = (400, {"message": {"key": ["(KUBECONFIG) has already been taken"]}})


def test_a_new_variable_has_gitlabs_defaults_in_gitlabs_order(api: Api) -> None:
    reply = api("POST", "/variables", b'{"key":"KUBECONFIG","value":"x"}')
    assert reply.status == 201
    assert reply.body == (
        b'{"variable_type":"env_var","key":"KUBECONFIG","value":"x","hidden":false,"protected":false,"masked":false,'
        b'"raw":false,"environment_scope":"*","description":null}'
    )


def test_every_parameter_of_a_new_variable_is_kept(project: Project) -> None:
    given = {
        "key": "KUBECONFIG",
        "value": '{"a":"$b"}',
        "variable_type": "file",
        "protected": True,
        "masked": True,
        "raw": True,
        "environment_scope": "preview/*",
        "description": "for CI",
    }
    project.variables.create(given)
    kept = project.variables.get("KUBECONFIG").attributes
    assert {name: kept[name] for name in given} == given


def test_list_get_update_and_delete(project: Project) -> None:
    project.variables.create({"key": "A", "value": "1"})
    project.variables.create({"key": "B", "value": "2"})
    assert [variable.key for variable in project.variables.list(get_all=True)] == ["A", "B"]
    assert project.variables.update("A", {"value": "3"})["value"] == "3"
    project.variables.delete("B")
    assert [(variable.key, variable.value) for variable in project.variables.list(get_all=True)] == [("A", "3")]


def test_delete_answers_204_with_no_body(api: Api) -> None:
    api("POST", "/variables", b'{"key":"A","value":"1"}')
    reply = api("DELETE", "/variables/A")
    assert (reply.status, reply.body) == (204, b"")


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE"])
def test_a_key_that_is_not_there_is_a_404_with_message(api: Api, verb: str) -> None:
    reply = api(verb, "/variables/NONE")
    assert (reply.status, reply.json()) == NOT_FOUND


def test_keys_differ_by_case(project: Project) -> None:
    project.variables.create({"key": "A", "value": "1"})
    project.variables.create({"key": "a", "value": "2"})
    assert project.variables.get("a").value == "2"


# Bodies


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"key":"A","value":"1 2","masked":false,"description":"\xc3\xa9"}'),
        ("application/x-www-form-urlencoded", b"key=A&value=1+2&masked=false&description=%C3%A9"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="key"\r\n\r\nA\r\n'
            b'--x\r\nContent-Disposition: form-data; name="value"\r\n\r\n1 2\r\n'
            b'--x\r\nContent-Disposition: form-data; name="masked"\r\n\r\nfalse\r\n'
            b'--x\r\nContent-Disposition: form-data; name="description"\r\n\r\n\xc3\xa9\r\n--x--\r\n',
        ),
    ],
)
def test_json_form_and_multipart_bodies_say_the_same(api: Api, content_type: str, body: bytes) -> None:
    reply = api("POST", "/variables", body, content_type)
    assert reply.status == 201
    assert (reply.json()["value"], reply.json()["masked"], reply.json()["description"]) == ("1 2", False, "é")


def test_query_parameters_count_too(api: Api) -> None:
    reply = api("POST", "/variables?" + urlencode({"key": "A", "protected": "true"}), b'{"value":"1"}')
    assert (reply.status, reply.json()["protected"]) == (201, True)


def test_the_body_wins_over_the_query(api: Api) -> None:
    assert api("POST", "/variables?key=A&value=query", b'{"value":"body"}').json()["value"] == "body"


def test_a_body_that_is_no_json_is_refused(api: Api) -> None:
    reply = api("POST", "/variables", b'{"key":')
    assert (reply.status, reply.json()) == (400, {"error": "message body does not match declared format"})


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800"])
def test_text_no_database_takes_is_refused(api: Api, text: str) -> None:
    reply = api("POST", "/variables", f'{{"key":"A","value":"{text}"}}'.encode())
    assert (reply.status, reply.body) == (400, b"Bad Request")


@pytest.mark.parametrize(
    "value",
    [
        "",
        " leading and trailing \n",
        "tab\tand\r\nline ends",
        "é 漢 \U0001f600",
        "\u00a0",
        '{"quote":"\\\\"}',
        "%2F+&=;",
    ],
)
@pytest.mark.parametrize("form", [True, False])
def test_a_value_comes_back_byte_for_byte(api: Api, value: str, form: bool) -> None:
    fields = {"key": "A", "value": value, "description": value}
    if form:
        reply = api("POST", "/variables", urlencode(fields).encode(), "application/x-www-form-urlencoded")
    else:
        reply = api("POST", "/variables", json.dumps(fields).encode())
    kept = api("GET", "/variables/A").json()
    assert (reply.json()["value"], kept["value"], kept["description"]) == (value, value, value)


def test_a_value_has_no_length_limit(project: Project) -> None:
    value = "v" * 300_000
    assert project.variables.create({"key": "A", "value": value}).value == value


def test_undeclared_parameters_are_ignored_and_hidden_is_one_of_them(project: Project) -> None:
    variable = project.variables.create({"key": "A", "value": "1", "hidden": True, "nonsense": [1]})
    assert (variable.hidden, variable.masked, variable.value) == (False, False, "1")


def test_key_and_scope_are_stripped(project: Project) -> None:
    variable = project.variables.create({"key": " A\n", "value": "1", "environment_scope": " prod "})
    assert (variable.key, variable.environment_scope) == ("A", "prod")


# Update


def test_an_update_leaves_what_is_not_given(project: Project) -> None:
    before = project.variables.create({"key": "A", "value": "12345678", "masked": True, "description": "d"}).attributes
    after = project.variables.update("A", {})
    assert after == {name: before[name] for name in after}
    assert project.variables.update("A", {"protected": True}) == after | {"protected": True}


def test_a_description_can_be_taken_away(project: Project) -> None:
    project.variables.create({"key": "A", "value": "1", "description": "d"})
    assert project.variables.update("A", {"description": None})["description"] is None


def test_there_is_no_rename(project: Project) -> None:
    project.variables.create({"key": "A", "value": "1"})
    assert project.variables.update("A", {"key": "B", "value": "2"})["key"] == "A"
    assert refused(lambda: project.variables.get("B")) == NOT_FOUND


def test_a_python_gitlab_object_can_be_saved_and_deleted(project: Project) -> None:
    variable = project.variables.create({"key": "A", "value": "1", "environment_scope": "prod"})
    variable.value = "2"
    variable.save(filter={"environment_scope": "prod"})
    assert project.variables.get("A").value == "2"
    variable.delete(filter={"environment_scope": "prod"})
    assert project.variables.list(get_all=True) == []


def test_an_update_can_move_a_variable_to_another_scope(project: Project) -> None:
    project.variables.create({"key": "A", "value": "1"})
    project.variables.update("A", {"environment_scope": "prod"}, filter={"environment_scope": "*"})
    assert project.variables.get("A", filter={"environment_scope": "prod"}).value == "1"


# Scopes


@pytest.fixture
def scoped(project: Project) -> Project:
    for scope in ("*", "prod", "review/*"):
        project.variables.create({"key": "KUBECONFIG", "value": f"for {scope}", "environment_scope": scope})
    return project


@pytest.mark.parametrize("scope", ["*", "prod", "review/*"])
def test_a_filter_picks_the_scope_that_is_equal(scoped: Project, scope: str) -> None:
    found = scoped.variables.get("KUBECONFIG", filter={"environment_scope": scope})
    assert (found.value, found.environment_scope) == (f"for {scope}", scope)


@pytest.mark.parametrize("scope", ["review/1", "PROD", "review/**", "prod "])
def test_a_filter_that_equals_no_scope_finds_nothing(scoped: Project, scope: str) -> None:
    assert refused(lambda: scoped.variables.get("KUBECONFIG", filter={"environment_scope": scope})) == NOT_FOUND


def test_a_key_in_several_scopes_is_ambiguous_on_every_verb(scoped: Project) -> None:
    variables = scoped.variables
    assert refused(lambda: variables.get("KUBECONFIG")) == AMBIGUOUS
    assert refused(lambda: variables.update("KUBECONFIG", {"value": "x"})) == AMBIGUOUS
    assert refused(lambda: variables.delete("KUBECONFIG")) == AMBIGUOUS
    assert refused(lambda: variables.get("KUBECONFIG", filter={"environment_scope": ""})) == AMBIGUOUS


def test_a_filter_picks_for_update_and_delete(scoped: Project) -> None:
    scoped.variables.update("KUBECONFIG", {"value": "new"}, filter={"environment_scope": "prod"})
    scoped.variables.delete("KUBECONFIG", filter={"environment_scope": "*"})
    left = [(variable.environment_scope, variable.value) for variable in scoped.variables.list(get_all=True)]
    assert left == [("prod", "new"), ("review/*", "for review/*")]


def test_a_filter_works_percent_encoded_and_in_a_json_body(scoped: Project, api: Api) -> None:
    assert scoped.path_with_namespace in api.base.replace("%2F", "/")
    assert api("GET", "/variables/KUBECONFIG?filter%5Benvironment_scope%5D=%2A").json()["value"] == "for *"
    body = b'{"filter":{"environment_scope":"prod"},"value":"new"}'
    assert api("PUT", "/variables/KUBECONFIG", body).json()["environment_scope"] == "prod"


def test_a_filter_that_is_no_object_is_refused(api: Api) -> None:
    reply = api("GET", "/variables/A?filter=prod")
    assert (reply.status, reply.json()) == (400, {"error": "filter is invalid"})


def test_a_key_is_unique_within_a_scope(scoped: Project) -> None:
    def create(scope: str) -> None:
        scoped.variables.create({"key": "KUBECONFIG", "value": "x", "environment_scope": scope})

    assert refused(lambda: create("prod")) == TAKEN
    assert refused(lambda: create(" prod ")) == TAKEN


def test_an_update_cannot_take_the_scope_of_another(scoped: Project) -> None:
    def move() -> None:
        scoped.variables.update("KUBECONFIG", {"environment_scope": "*"}, filter={"environment_scope": "prod"})

    assert refused(move) == TAKEN
