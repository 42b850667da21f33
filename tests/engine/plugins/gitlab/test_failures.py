"""Failures as the official plugin reports them: bare, and each twice."""

from sandbox.plugins.gitlab import VERSION
from tests.engine.plugins.gitlab.conftest import Stack
from tests.engine.plugins.gitlab.test_project_variable import VARIABLE, variables
from tests.support.gitlab_double import GitLabDouble

CONFIGURING = "The provider failed to create a new GitLab Client from the given configuration: "
CREATING = "Unable to create project variable: "
SUMMARY = "GitLab API error occurred"


def assert_twice(printed: str, detail: str, summary: str) -> None:
    """Check that an error is there both ways: as the log has it, and as the engine has the answer."""
    assert f"[ERROR] {detail}: {summary}" in printed
    assert f"{summary}: {detail}" in printed
    assert "Traceback" not in printed


def test_a_revoked_token_stops_the_run_before_anything_is_made(stack: Stack, gitlab_double: GitLabDouble) -> None:
    stack.environment["GITLAB_TOKEN"] = gitlab_double.new_token(revoked=True)
    reason = "{error: invalid_token}, {error_description: Token was revoked. You have to re-authorize from the user.}"
    detail = f"{CONFIGURING}GET {gitlab_double.url}/api/v4/user: 401 {reason}"
    printed = stack.up(VARIABLE, fails=True)
    assert_twice(printed, detail, "Failed to create GitLab Client from provider configuration")
    assert variables(gitlab_double) == {}


def test_no_token_is_an_error_about_a_file_of_configuration(stack: Stack) -> None:
    del stack.environment["GITLAB_TOKEN"]
    assert f"{CONFIGURING}unable to locate config file" in stack.up(VARIABLE, fails=True)


def test_an_address_where_nothing_listens_is_named(stack: Stack) -> None:
    stack.environment["GITLAB_BASE_URL"] = "http://127.0.0.1:1"
    printed = stack.up(VARIABLE, fails=True)
    assert 'Get "http://127.0.0.1:1/api/v4/user": dial tcp 127.0.0.1:1: connect: connection refused' in printed


def test_a_project_that_does_not_exist_is_404_and_no_more(stack: Stack) -> None:
    assert_twice(stack.up(VARIABLE.replace("group/blog", "group/x"), fails=True), f"{CREATING}404 Not Found", SUMMARY)


def test_a_throttled_and_a_broken_gitlab_are_asked_again(stack: Stack, gitlab_double: GitLabDouble) -> None:
    gitlab_double.faults(
        {"method": "GET", "path": "/user", "status": 429},
        {"method": "POST", "path": "/variables", "status": "429-endpoint"},
        {"method": "POST", "path": "/variables", "status": 500},
    )
    stack.up(VARIABLE)
    assert variables(gitlab_double).keys() == {"KUBECONFIG:production"}


def test_what_a_creation_made_whose_reply_was_lost_is_not_taken_over(stack: Stack, gitlab_double: GitLabDouble) -> None:
    url = f"{gitlab_double.url}/api/v4/projects/"
    gitlab_double.faults({"method": "POST", "path": "/variables", "status": "drop-after"})
    lost = stack.up(VARIABLE, fails=True)
    assert_twice(lost, f'{CREATING}Post "{url}group%2Fblog/variables": EOF', SUMMARY)
    again = stack.run("up", "--yes", "--skip-preview", fails=True)
    taken = "{message: {key: [(KUBECONFIG) has already been taken]}}"
    assert_twice(again, f"{CREATING}POST {url}group/blog/variables: 400 {taken}", SUMMARY)


def test_nothing_is_printed_by_the_plugin_itself(stack: Stack) -> None:
    stack.up(VARIABLE)
    stack.run("destroy", "--yes", "--skip-preview")
    assert "Event loop is closed" not in stack.printed
    assert "Exception ignored" not in stack.printed


def test_a_type_that_only_the_official_plugin_has_is_refused_with_how_to_install_it(stack: Stack) -> None:
    refused = stack.up('gitlab.Group("group", name="shop", path="shop", opts=opts)', fails=True)
    assert "serves ProjectVariable and ProjectDeployToken only" in refused
    assert f"`pulumi plugin install resource gitlab v{VERSION}`" in refused
    assert "Traceback" not in refused
