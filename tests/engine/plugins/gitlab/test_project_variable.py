import base64
import re
from typing import Any

from sandbox.gitlab.seed import seed
from tests.engine.plugins.gitlab.conftest import VALUE, Stack
from tests.support.gitlab_double import GitLabDouble

TYPE = "gitlab:index/projectVariable:ProjectVariable"
VARIABLE = """\
gitlab.ProjectVariable("kubeconfig", project="group/blog", key="KUBECONFIG", value=secret, masked=True,
    protected=True, environment_scope="production", opts=opts)
"""
ID = "group/blog:KUBECONFIG:production"


def variables(double: GitLabDouble) -> dict[str, dict[str, Any]]:
    """Return what GitLab holds by `key:scope`; `value` is "secret" where it is the programs' secret."""
    project = double.client().projects.get("group/blog")
    found = {f"{v.key}:{v.environment_scope}": v.attributes for v in project.variables.list(get_all=True)}
    return {
        name: {**variable, "value": "secret" if variable["value"] == VALUE else "another"}
        for name, variable in found.items()
    }


def change_by_hand(double: GitLabDouble, **fields: object) -> None:
    project = double.client().projects.get("group/blog")
    project.variables.update("KUBECONFIG", fields, filter={"environment_scope": "production"})


def delete_by_hand(double: GitLabDouble) -> None:
    project = double.client().projects.get("group/blog")
    project.variables.delete("KUBECONFIG", filter={"environment_scope": "production"})


def test_up_creates_the_variable_and_then_has_nothing_to_do_and_destroy_deletes_it(
    stack: Stack, gitlab_double: GitLabDouble
) -> None:
    stack.up(VARIABLE)
    created = variables(gitlab_double)["KUBECONFIG:production"]
    assert created["value"] == "secret"
    assert (created["masked"], created["protected"], created["raw"], created["hidden"]) == (True, True, False, False)
    assert (created["variable_type"], created["description"]) == ("env_var", "")
    state = stack.resource("kubeconfig")
    assert state["id"] == state["outputs"]["id"] == ID
    assert state["outputs"]["__meta"] == '{"schema_version":"1"}'
    added = state["outputs"].keys() - state["inputs"].keys() - {"__meta"}
    assert added == {"description", "hidden", "id", "raw", "variableType"}
    assert "ciphertext" in state["outputs"]["value"]
    stack.run("preview", "--expect-no-changes")
    stack.run("up", "--yes", "--skip-preview", "--expect-no-changes")
    stack.run("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    stack.run("destroy", "--yes", "--skip-preview")
    assert variables(gitlab_double) == {}


def test_a_new_value_is_an_update_in_place_that_keeps_it_secret(stack: Stack, gitlab_double: GitLabDouble) -> None:
    stack.up(VARIABLE)
    changed = VARIABLE.replace("value=secret", "value=secret.apply(lambda value: 2 * value)")
    (step,) = stack.steps(changed, "update")
    # No detailed diff, and the names of what the program does not set.
    assert step["detailedDiff"] is None
    assert sorted(step["diffReasons"]) == ["description", "hidden", "raw", "value", "variableType"]
    assert "replaceReasons" not in step
    stack.up(changed)
    assert variables(gitlab_double)["KUBECONFIG:production"]["value"] == "another"
    assert "ciphertext" in stack.resource("kubeconfig")["outputs"]["value"]


def test_another_project_key_or_scope_is_a_replacement(stack: Stack, gitlab_double: GitLabDouble) -> None:
    token_file = gitlab_double.data.parent / "gitlab.token"
    seed(gitlab_double.data, token_file=token_file, project="group/shop")
    before, after = "", ""
    for name, old, new in (("A", "group/blog", "group/shop"), ("B", '"B"', '"KEY"'), ("C", "production", "staging")):
        variable = VARIABLE.replace('"kubeconfig"', f'"{name.lower()}"').replace("KUBECONFIG", name)
        before += variable
        after += variable.replace(old, new)
    stack.up(before)
    assert stack.plan(after) == {"a": "replace", "b": "replace", "c": "replace"}
    stack.up(after)
    assert variables(gitlab_double).keys() == {"KEY:production", "C:staging"}
    assert stack.resource("a")["id"] == "group/shop:A:production"


def test_a_refresh_sees_a_change_by_hand_and_up_undoes_it(stack: Stack, gitlab_double: GitLabDouble) -> None:
    stack.up(VARIABLE)
    change_by_hand(gitlab_double, protected=False, value=2 * VALUE)
    refreshed = stack.run("refresh", "--yes", "--skip-preview", "--diff")
    assert re.search(r"~ protected +: true => false", refreshed)
    # The engine hides both sides of a secret that differs, and marks no change of it.
    assert re.search(r"value +: \[secret\]", refreshed)
    assert stack.plan(VARIABLE) == {"kubeconfig": "update"}
    stack.run("up", "--yes", "--skip-preview")
    restored = variables(gitlab_double)["KUBECONFIG:production"]
    assert (restored["protected"], restored["value"]) == (True, "secret")


def test_what_was_deleted_by_hand_is_recreated_or_destroyed_without_error(
    stack: Stack, gitlab_double: GitLabDouble
) -> None:
    stack.up(VARIABLE)
    delete_by_hand(gitlab_double)
    stack.run("refresh", "--yes", "--skip-preview")
    assert stack.plan(VARIABLE) == {"kubeconfig": "create"}
    stack.run("up", "--yes", "--skip-preview")
    assert variables(gitlab_double).keys() == {"KUBECONFIG:production"}
    delete_by_hand(gitlab_double)
    stack.run("destroy", "--yes", "--skip-preview")


def test_an_existing_variable_is_kept_and_an_import_has_its_value_in_clear(
    stack: Stack, gitlab_double: GitLabDouble
) -> None:
    project = gitlab_double.client().projects.get("group/blog")
    by_hand = {"key": "KUBECONFIG", "value": "made-by-hand", "masked": True, "environment_scope": "production"}
    project.variables.create(by_hand)
    assert "400 {message: {key: [(KUBECONFIG) has already been taken]}}" in stack.up(VARIABLE, fails=True)
    assert variables(gitlab_double)["KUBECONFIG:production"]["value"] == "another"
    stack.run("import", TYPE, "kubeconfig", ID, "--generate-code=false", "--protect=false", "--yes")
    assert stack.resource("kubeconfig")["outputs"]["value"] == "made-by-hand"
    assert stack.plan(VARIABLE) == {"kubeconfig": "update"}
    stack.run("up", "--yes", "--skip-preview")
    assert variables(gitlab_double)["KUBECONFIG:production"]["value"] == "secret"
    assert "ciphertext" in stack.resource("kubeconfig")["outputs"]["value"]


def test_importing_a_variable_that_does_not_exist_succeeds(stack: Stack) -> None:
    stack.run("import", TYPE, "kubeconfig", ID, "--generate-code=false", "--yes")
    assert "value" not in stack.resource("kubeconfig")["outputs"]


def test_a_value_that_cannot_be_masked_is_refused_with_a_link_and_without_the_value(stack: Stack) -> None:
    refused = stack.up(VARIABLE.replace("value=secret", "value=secret.apply(lambda value: value + ' ')"), fails=True)
    requirements = "Check the masked variable requirements: https://docs.gitlab.com/ci/variables/#mask-a-cicd-variable"
    assert f"Invalid value for a masked variable. {requirements}: POST " in refused
    assert "variables: 400 {message: {value: [is invalid]}}" in refused


def test_a_hidden_variable_keeps_the_value_that_gitlab_does_not_tell(stack: Stack, gitlab_double: GitLabDouble) -> None:
    hidden = VARIABLE.replace("masked=True", "masked=True, hidden=True")
    stack.up(hidden)
    assert variables(gitlab_double)["KUBECONFIG:production"]["hidden"]
    stack.run("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    stack.run("preview", "--expect-no-changes")
    assert stack.plan(VARIABLE.replace("masked=True", "masked=True, hidden=False")) == {"kubeconfig": "replace"}


def test_a_child_of_a_component_with_values_not_known_yet_can_be_previewed_and_made(
    stack: Stack, gitlab_double: GitLabDouble
) -> None:
    component = """
class Credential(pulumi.ComponentResource):
    def __init__(self, name, opts):
        super().__init__("plugin:index:Credential", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        first = gitlab.ProjectVariable("first", project="20", key="FIRST", value=secret, masked=True, opts=child)
        gitlab.ProjectVariable("second", project="20", key=first.variable_type, value=first.value,
            protected=first.masked, description=first.id, opts=child)

Credential("credential", pulumi.ResourceOptions(providers=[opts.provider]))
"""
    assert stack.plan(component).keys() >= {"first", "second"}
    stack.run("up", "--yes", "--skip-preview")
    second = variables(gitlab_double)["env_var:*"]
    assert (second["value"], second["protected"], second["description"]) == ("secret", True, "20:FIRST:*")
    assert "ciphertext" in stack.resource("second")["outputs"]["value"]
    stack.run("preview", "--expect-no-changes")


def test_secrets_are_in_no_output_and_in_no_export_but_encrypted(stack: Stack) -> None:
    """Every test checks as much when it ends; here the check is shown to see what it looks for."""
    stack.up(VARIABLE + 'pulumi.export("copy", secret)')
    for command in (["preview", "--diff"], ["preview", "--json"], ["stack", "output"], ["stack", "export"]):
        stack.run(*command)
    assert stack.leaks() == []
    printed = stack.printed
    stack.printed += base64.b64encode(VALUE.encode()).decode()
    assert stack.leaks() == ["what pulumi printed"]
    stack.printed = printed
