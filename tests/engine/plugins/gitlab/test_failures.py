from sandbox.plugins.gitlab import VERSION
from tests.engine.plugins.gitlab.conftest import Stack
from tests.engine.plugins.gitlab.test_project_variable import VARIABLE, variables
from tests.support.gitlab_double import GitLabDouble


def test_a_revoked_token_is_told_before_anything_is_done(stack: Stack, gitlab_double: GitLabDouble) -> None:
    stack.environment["GITLAB_TOKEN"] = gitlab_double.new_token(state="revoked")
    refused = stack.up(VARIABLE, fails=True)
    assert f"GitLab at {gitlab_double.url}/api/v4 refused the token (401 invalid_token, Token " in refused
    assert "give the provider a valid one with scope `api`, as its `token` or in GITLAB_TOKEN" in refused
    assert "Traceback" not in refused
    assert variables(gitlab_double) == {}


def test_an_address_where_nothing_listens_is_named(stack: Stack) -> None:
    stack.environment["GITLAB_BASE_URL"] = "http://127.0.0.1:1"
    refused = stack.up(VARIABLE, fails=True)
    assert "GitLab at http://127.0.0.1:1/api/v4 cannot be reached: connection refused." in refused
    assert "Traceback" not in refused


def test_a_throttled_and_a_broken_gitlab_are_asked_again(stack: Stack, gitlab_double: GitLabDouble) -> None:
    gitlab_double.faults(
        {"method": "GET", "path": "/user", "status": 429},
        {"method": "POST", "path": "/variables", "status": "429-endpoint"},
        {"method": "POST", "path": "/variables", "status": 500},
    )
    stack.up(VARIABLE)
    assert variables(gitlab_double).keys() == {"KUBECONFIG:production"}


def test_a_lost_reply_to_a_creation_is_told_and_what_it_made_is_not_taken_over(
    stack: Stack, gitlab_double: GitLabDouble
) -> None:
    gitlab_double.faults({"method": "POST", "path": "/variables", "status": "drop-after"})
    lost = stack.up(VARIABLE, fails=True)
    assert "the connection broke before the reply, though it may have done what was asked" in lost
    assert "for it exists already" in stack.run("up", "--yes", "--skip-preview", fails=True)


def test_a_type_that_only_the_official_plugin_has_is_refused_with_how_to_install_it(stack: Stack) -> None:
    refused = stack.up('gitlab.Group("group", name="shop", path="shop", opts=opts)', fails=True)
    assert "serves ProjectVariable, ProjectDeployToken, ProjectEnvironment, getProject only" in refused
    assert f"`pulumi plugin install resource gitlab v{VERSION}`" in refused
    assert "Traceback" not in refused
