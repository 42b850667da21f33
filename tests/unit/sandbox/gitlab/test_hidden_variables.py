"""Hidden variables: masked for good, and never shown again."""

from gitlab.v4.objects import Project

from tests.support.gitlab_double import refused


def test_a_hidden_variable_shows_its_value_in_no_answer(project: Project) -> None:
    created = project.variables.create({"key": "A", "value": "12345678", "masked_and_hidden": True})
    updated = project.variables.update("A", {"value": "abcdefgh"})
    fetched = project.variables.get("A")
    (listed,) = project.variables.list(get_all=True)
    for shown in (created.attributes, updated, fetched.attributes, listed.attributes):
        assert (shown["value"], shown["hidden"], shown["masked"]) == (None, True, True)


def test_masked_and_hidden_wins_over_masked_false(project: Project) -> None:
    given = {"key": "A", "value": "12345678", "masked": False, "masked_and_hidden": True}
    variable = project.variables.create(given)
    assert (variable.masked, variable.hidden) == (True, True)


def test_a_hidden_value_must_be_maskable(project: Project) -> None:
    given = {"key": "A", "value": "short", "masked_and_hidden": True}
    assert refused(lambda: project.variables.create(given)) == (400, {"message": {"value": ["is invalid"]}})


def test_a_hidden_variable_cannot_be_unmasked(project: Project) -> None:
    project.variables.create({"key": "A", "value": "12345678", "masked_and_hidden": True})
    complaint = "The visibility setting cannot be changed for masked and hidden variables."
    assert refused(lambda: project.variables.update("A", {"masked": False})) == (
        400,
        {"message": {"base": [complaint]}},
    )


def test_all_else_of_a_hidden_variable_can_change(project: Project) -> None:
    project.variables.create({"key": "A", "value": "12345678", "masked_and_hidden": True})
    changes = {"protected": True, "raw": True, "description": "d", "environment_scope": "prod", "variable_type": "file"}
    changed = project.variables.update("A", {"value": '{"json":"$x"}', "masked": True} | changes)
    assert {name: changed[name] for name in changes} == changes


def test_an_update_hides_and_unhides_nothing(project: Project) -> None:
    project.variables.create({"key": "A", "value": "12345678", "masked_and_hidden": True})
    project.variables.create({"key": "B", "value": "12345678", "masked": True})
    switch = {"hidden": False, "masked_and_hidden": False}
    assert project.variables.update("A", switch)["hidden"] is True
    assert project.variables.update("B", {"hidden": True, "masked_and_hidden": True})["hidden"] is False


def test_deleting_and_creating_anew_unhides(project: Project) -> None:
    project.variables.create({"key": "A", "value": "12345678", "masked_and_hidden": True})
    project.variables.delete("A")
    assert project.variables.create({"key": "A", "value": "12345678"}).value == "12345678"
