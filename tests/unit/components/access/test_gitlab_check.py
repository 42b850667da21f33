"""The preflight of GitLab against the double, and against servers that GitLab is not."""

import http.server
import secrets
import socket
from datetime import UTC, datetime, timedelta

import pytest

from components.access import gitlab_check
from components.access.gitlab_check import Check, Finding
from tests.support.answering import serving
from tests.support.gitlab_double import GitLabDouble

BOTH = frozenset({"variables", "deploy tokens"})


def day(days: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days)).isoformat()


def findings(
    url: str, token: str | None = None, *, project: str = "group/blog", environment: dict[str, str] | None = None
) -> list[Finding]:
    return Check(url=url, token=token, projects={project: BOTH}).findings(environment or {})


def test_a_maintainers_token_of_scope_api_has_no_finding(double: GitLabDouble) -> None:
    assert findings(double.url, double.new_token(expires_at=day(31))) == []
    assert findings(double.url, environment={"GITLAB_TOKEN": double.token}) == []
    assert findings(double.url, double.token, project="20") == []


def test_the_stacks_own_token_comes_before_that_of_the_environment(double: GitLabDouble) -> None:
    assert findings(double.url, double.token, environment={"GITLAB_TOKEN": "glpat-wrong"}) == []


def test_asking_changes_nothing_and_reads_no_value(own_double: GitLabDouble) -> None:
    canary = f"canary{secrets.token_hex(8)}"
    own_double.client().projects.get("group/blog").variables.create({"key": "A", "value": canary})
    api = gitlab_check._Api(own_double.url, own_double.token)
    assert [api.get(f"projects/20/{path}").status for path in gitlab_check._LISTS.values()] == [200, 200]
    assert canary not in str(api.get(f"projects/20/{gitlab_check._LISTS['variables']}"))
    assert findings(own_double.url, own_double.token) == []
    assert "POST" not in own_double.log().partition("/variables 201")[2]


def test_gitlab_is_asked_in_the_name_of_the_program() -> None:
    seen: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["User-Agent"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with serving(Handler) as address:
        gitlab_check._Api(f"http://{address}", "glpat-canary").get("user")
    assert seen == ["gitlab-deploy"]


def test_no_token_says_both_places_where_one_is_looked_for(double: GitLabDouble) -> None:
    (finding,) = findings(double.url)
    text = "There is no GitLab token; export GITLAB_TOKEN, or set gitlab-deploy:gitlabToken with --secret"
    assert finding == Finding(text=text)


def test_a_token_with_a_line_end_is_named_as_that_and_not_shown() -> None:
    (finding,) = findings("http://127.0.0.1:1", environment={"GITLAB_TOKEN": "glpat-canary\n"})
    assert finding.text.startswith(
        "The GitLab token holds a space, a line end or another character that no token has; "
    )
    assert "canary" not in finding.text


def test_a_job_that_says_it_has_no_token_asks_nobody() -> None:
    assert findings("http://127.0.0.1:1", environment={"GITLAB_TOKEN": "none"}) == []


def test_with_the_early_check_off_nothing_stops_a_deploy(double: GitLabDouble) -> None:
    dead = {"GITLAB_TOKEN": double.new_token(revoked=True)}
    assert [finding.warning for finding in findings(double.url, environment=dead)] == [False]
    off = dead | {"GITLAB_EARLY_AUTH_CHECK": "false"}
    assert [finding.warning for finding in findings(double.url, environment=off)] == [True]


@pytest.mark.parametrize("slash", ["", "/"])
def test_an_address_of_the_api_is_refused_with_the_right_one(slash: str) -> None:
    (finding,) = findings(f"https://gitlab.example.com/api/v4{slash}", "glpat-x")
    assert finding.text == (
        "gitlab-deploy:gitlabUrl ends in /api/v4, which is added to it; set it to https://gitlab.example.com"
    )


def test_a_dead_token_is_refused_in_gitlabs_own_words(double: GitLabDouble) -> None:
    for token, words in {
        double.new_token(revoked=True): "Token was revoked. You have to re-authorize from the user",
        double.new_token(expires_at=day(0)): "Token is expired. You can either do re-authorization or token refresh",
        "glpat-wrong": "401 Unauthorized",
    }.items():
        (finding,) = findings(double.url, environment={"GITLAB_TOKEN": token})
        assert finding.text == (
            f"GitLab at {double.url} refused the token ({words}); make one of role Maintainer and scope api "
            "(GitLab: Settings > Access tokens), and export it as GITLAB_TOKEN"
        )
        assert not finding.warning
        assert not finding.only_changes


@pytest.mark.parametrize("days", [1, 29])
def test_a_token_that_expires_within_30_days_is_a_warning(double: GitLabDouble, days: int) -> None:
    (finding,) = findings(double.url, double.new_token(expires_at=day(days)))
    assert finding.warning
    assert finding.text.startswith(f"The GitLab token expires on {day(days)}; make one of role")
    assert finding.text.endswith("and set gitlab-deploy:gitlabToken to it with --secret")


def test_too_small_a_scope_fails_changes_alone(double: GitLabDouble) -> None:
    (finding,) = findings(double.url, double.new_token(scopes=("read_api",)))
    assert finding.only_changes
    assert finding.text.startswith("The GitLab token has read_api, and what this stack keeps in GitLab takes the scope")


def test_too_low_a_role_fails_changes_alone_and_names_what_is_kept(double: GitLabDouble) -> None:
    found = findings(double.url, double.new_token(30))
    assert all(finding.only_changes for finding in found)
    assert [finding.text for finding in found] == [
        f"The GitLab token may not keep the {what} of the project group/blog; give its user the role Maintainer there"
        for what in ("deploy tokens", "variables")
    ]


def test_a_project_that_the_token_does_not_see_names_the_key(double: GitLabDouble) -> None:
    check = Check(url=double.url, token=double.token, projects={"group/no.where": frozenset({"variables"})})
    (finding,) = check.findings({})
    assert finding.text == (
        f"GitLab at {double.url} has no project group/no.where, or does not show it to this token; check "
        "gitlab-deploy:gitlabProject (or access.previewProject), and make the token's user a Maintainer there"
    )


def test_nothing_that_answers_is_named_with_the_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = f"http://127.0.0.1:{listener.getsockname()[1]}"
    (finding,) = findings(closed, "glpat-x")
    assert finding.text == (
        f"GitLab at {closed} does not answer (Connection refused); check gitlab-deploy:gitlabUrl and the network"
    )


def test_a_busy_gitlab_is_left_to_the_provider_which_asks_again(own_double: GitLabDouble) -> None:
    own_double.faults({"method": "GET", "path": "/variables", "status": 502})
    assert findings(own_double.url, own_double.token) == []


def test_the_token_is_in_no_representation() -> None:
    assert "glpat-canary" not in repr(Check(url="https://gitlab.com", token="glpat-canary", projects={}))
