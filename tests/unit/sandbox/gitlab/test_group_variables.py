"""CI/CD variables of a group."""

from gitlab.v4.objects import Group, Project

from tests.support.gitlab_double import refused


def test_a_group_has_variables_of_its_own(group: Group, project: Project) -> None:
    created = group.variables.create({"key": "A", "value": "12345678", "masked": True, "environment_scope": "prod"})
    assert list(created.attributes)[1:] == [
        "variable_type",
        "key",
        "value",
        "hidden",
        "protected",
        "masked",
        "raw",
        "environment_scope",
        "description",
    ]
    assert group.variables.update("A", {"value": "abcdefgh"}, filter={"environment_scope": "prod"})["masked"] is True
    assert refused(lambda: project.variables.get("A")) == (404, {"message": "404 Variable Not Found"})
    group.variables.delete("A")
    assert group.variables.list(get_all=True) == []


def test_a_group_variable_that_is_not_there_has_a_name_of_its_own(group: Group) -> None:
    assert refused(lambda: group.variables.get("A")) == (404, {"message": "404 GroupVariable Not Found"})


def test_a_group_variable_obeys_the_same_rules(group: Group) -> None:
    group.variables.create({"key": "KUBECONFIG", "value": "x"})
    assert refused(lambda: group.variables.create({"key": "KUBECONFIG", "value": "x"})) == (
        400,
        {"message": {"key": ["(KUBECONFIG) has already been taken"]}},
    )
    invalid = {"key": "A", "value": "short", "masked": True}
    assert refused(lambda: group.variables.create(invalid)) == (400, {"message": {"value": ["is invalid"]}})
