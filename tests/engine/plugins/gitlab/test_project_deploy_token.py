from tests.engine.plugins.gitlab.conftest import Stack
from tests.support.gitlab_double import GitLabDouble

DEPLOY_TOKEN = """
gitlab.ProjectDeployToken("pull", project="group/blog", scopes=["read_repository", "read_registry"],
    expires_at="2099-01-31T00:00:00Z", opts=opts)
"""


def test_a_deploy_token_is_named_by_itself_and_its_secret_is_kept_encrypted(
    stack: Stack, gitlab_double: GitLabDouble
) -> None:
    project = gitlab_double.client().projects.get("group/blog")
    stack.up(DEPLOY_TOKEN)
    (token,) = project.deploytokens.list(get_all=True)
    assert token.name.startswith("pull-")
    assert set(token.scopes) == {"read_registry", "read_repository"}
    state = stack.resource("pull")
    assert state["id"] == f"group/blog:{token.id}"
    assert state["outputs"]["expiresAt"] == "2099-01-31T00:00:00Z"
    assert "ciphertext" in state["outputs"]["token"]
    stack.run("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    stack.run("preview", "--expect-no-changes")
    assert stack.plan(DEPLOY_TOKEN.replace('"read_repository", ', "")) == {"pull": "replace"}
    stack.run("destroy", "--yes", "--skip-preview")
    assert project.deploytokens.list(get_all=True) == []


def test_a_deploy_token_that_is_gone_cannot_be_deleted_before_a_refresh(
    stack: Stack, gitlab_double: GitLabDouble
) -> None:
    tokens = gitlab_double.client().projects.get("group/blog").deploytokens
    stack.up(DEPLOY_TOKEN)
    tokens.delete(tokens.list(get_all=True)[0].id)
    detail = "Could not delete project deploy token, unexpected error: 404 Not Found"
    for command in (["up", "--yes", "--skip-preview"], ["destroy", "--yes", "--skip-preview"]):
        stack.declare("")
        printed = stack.run(*command, fails=True)
        assert f"[ERROR] {detail}: Error deleting project deploy token" in printed
        assert f"Error deleting project deploy token: {detail}" in printed
    stack.run("up", "--yes", "--skip-preview", "--refresh")


def test_a_day_taken_out_of_the_program_stays_the_tokens_last(stack: Stack, gitlab_double: GitLabDouble) -> None:
    stack.up(DEPLOY_TOKEN)
    assert stack.plan(DEPLOY_TOKEN.replace('expires_at="2099-01-31T00:00:00Z", ', "")) == {}
    stack.run("up", "--yes", "--skip-preview")
    (token,) = gitlab_double.client().projects.get("group/blog").deploytokens.list(get_all=True)
    assert token.expires_at == "2099-01-31T00:00:00.000Z"


def test_an_expiry_with_an_offset_differs_for_ever(stack: Stack) -> None:
    offset = DEPLOY_TOKEN.replace("00:00:00Z", "00:00:00+01:00")
    stack.up(offset)
    assert stack.resource("pull")["outputs"]["expiresAt"] == "2099-01-30T23:00:00Z"
    assert stack.plan(offset) == {"pull": "replace"}


def test_an_expiry_in_the_past_is_refused_if_it_is_to_be_validated(stack: Stack) -> None:
    past = DEPLOY_TOKEN.replace("2099", "2019").replace("opts=opts", "validate_past_expiration_date=True, opts=opts")
    refused = stack.up(past, fails=True)
    assert (
        "Error creating GitLab ProjectDeployToken: Expiry date 2019-01-31T00:00:00Z must be in the future. " in refused
    )
    assert "Current time is 2" in refused


def test_a_new_token_has_reasons_that_gitlab_computes_and_no_detailed_diff(stack: Stack) -> None:
    unlimited = DEPLOY_TOKEN.replace('expires_at="2099-01-31T00:00:00Z", ', "").replace(
        "opts=opts", 'name="a", opts=opts'
    )
    stack.up(unlimited)
    (step,) = stack.steps(unlimited.replace('"a"', '"b"'), "replace")
    assert step["detailedDiff"] is None
    # In no order: a bridged provider reads them from a map.
    assert sorted(step["diffReasons"]) == ["expired", "expiresAt", "name", "revoked", "token", "username"]
    assert sorted(step["replaceReasons"]) == ["expiresAt", "name", "username"]
