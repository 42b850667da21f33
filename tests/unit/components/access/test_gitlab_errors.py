from collections.abc import Callable

import pulumi
import pytest

from components.access import gitlab_errors
from components.access.gitlab_errors import explanation

VARIABLE = {"project": "group/blog", "key": "KUBECONFIG", "environmentScope": "production", "value": "canary"}
TOKEN = {"project": "group/blog", "name": "gitlab-deploy-prod-1"}
URL = "https://gitlab.com/api/v4/projects/group/blog/variables"


@pytest.mark.parametrize(
    ("operation", "error", "cause", "fix"),
    [
        (
            "create",
            f"POST {URL}: 400 {{message: {{key: [(KUBECONFIG) has already been taken]}}}}",
            "The variable KUBECONFIG (scope production) of group/blog exists already",
            "Delete it in Settings > CI/CD > Variables of group/blog, or choose another scope",
        ),
        ("create", f'Post "{URL}": EOF', "GitLab's answer was lost, so the variable KUBECONFIG", "delete it there"),
        ("update", "404 Not Found", "GitLab has no project group/blog", "Check gitlab-deploy:gitlabProject"),
        ("update", f"PUT {URL}: 403 {{message: 403 Forbidden}}", "may not update the variable", "the role Maintainer"),
        ("update", f"PUT {URL}: 401 {{message: 401}}", "GitLab refused the token", "a valid token of scope api"),
        ("create", "Invalid value for a masked variable. Check", "cannot mask the value", "8 or more characters"),
    ],
)
def test_each_bare_error_of_a_variable_gets_a_cause_and_a_fix(operation: str, error: str, cause: str, fix: str) -> None:
    text = explanation(operation, VARIABLE, f"GitLab API error occurred: Unable to do this: {error}")
    assert text
    assert cause in text
    assert fix in text
    assert "canary" not in text
    assert "import" not in text


def test_a_deploy_token_that_is_gone_takes_a_refresh() -> None:
    text = explanation("delete", TOKEN, "Could not delete project deploy token, unexpected error: 404 Not Found")
    assert text == (
        "The deploy token gitlab-deploy-prod-1 of group/blog is gone already, and the stack does not know it. Run "
        "'pulumi up --refresh', or 'pulumi refresh' before 'pulumi destroy'."
    )


def test_an_error_that_says_it_itself_gets_no_more() -> None:
    assert explanation("create", VARIABLE, "tls: failed to verify certificate") is None
    assert explanation("delete", VARIABLE, "has already been taken") is None


def test_the_hook_tells_and_never_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "error", said.append)
    hooks: list[tuple[str, Callable[[pulumi.ErrorHookArgs], bool]]] = []
    monkeypatch.setattr(pulumi, "ErrorHook", lambda *made: hooks.append(made))
    gitlab_errors.hook()
    ((name, explain),) = hooks
    arguments = pulumi.ErrorHookArgs("urn", "id", "n", "t", old_inputs=TOKEN, failed_operation="delete")
    arguments.errors = ["404 Not Found", "502"]
    assert (name, explain(arguments)) == ("gitlab-error-explained", False)
    assert said == [explanation("delete", TOKEN, "404 Not Found")]
