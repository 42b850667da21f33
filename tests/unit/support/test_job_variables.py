import re
from typing import Any

import pytest

from tests.support.job_variables import Variable, dotenv_problems, had, masks, pattern, stored_log, written


def variable(scope: str, value: str = "", *, masked: bool = False, protected: bool = False) -> Variable:
    return Variable(key="KUBECONFIG", value=value or scope, environment_scope=scope, masked=masked, protected=protected)


def chosen_by_gitlab_ci_local(scopes: list[str], environment: str) -> str:
    """As its variables-from-files.js and utils.js choose: the longest matcher first, `*` replaced by `.*`."""
    for scope in sorted(scopes, key=lambda scope: len(pattern(scope)), reverse=True):
        if re.fullmatch(pattern(scope).replace("*", ".*"), environment):
            return scope
    raise AssertionError(environment)


@pytest.mark.parametrize(
    ("scopes", "environment", "wanted"),
    [
        (["*", "production"], "production", "production"),
        (["prod", "prod*", "*"], "prod", "prod"),
        # Longer than the exact name, and matching it.
        (["review/a", "*review/a*", "review/*"], "review/a", "review/a"),
        (["review/*", "review/mr-*", "*"], "review/mr-1", "review/mr-*"),
        (["*", "pro.uction"], "production", "*"),
        (["*", "a{2}"], "aa", "*"),
    ],
)
def test_an_exact_scope_wins_over_the_longest_pattern(scopes: list[str], environment: str, wanted: str) -> None:
    variables = [variable(scope) for scope in scopes]
    assert had(variables, environment, protected=True)["KUBECONFIG"].value == wanted
    assert had(variables[::-1], environment, protected=True)["KUBECONFIG"].value == wanted
    assert chosen_by_gitlab_ci_local(scopes, environment) == wanted


def test_a_job_without_an_environment_has_the_variables_of_every_job_alone() -> None:
    variables = [variable("production"), variable("*", "open")]
    assert had(variables, None, protected=True)["KUBECONFIG"].value == "open"
    assert had(variables[:1], None, protected=True) == {}


def test_only_what_the_job_has_is_masked_in_its_log() -> None:
    variables = [
        variable("production", "deploys-as-admin", masked=True, protected=True),
        variable("preview/*", "reads-as-viewer", masked=True),
        Variable(key="PLAIN", value="not-masked"),
    ]
    assert masks(variables, "production", protected=True) == ("deploys-as-admin",)
    assert masks(variables, "production", protected=False) == ()
    assert masks(variables, "preview/production", protected=False) == ("reads-as-viewer",)
    assert "admin" not in repr(variables)


def test_each_line_of_a_log_loses_what_its_own_job_has_masked() -> None:
    variables = [
        variable("production", "deploys-as-admin", masked=True),
        Variable(key="EVERYWHERE", value="of-every-job", masked=True),
    ]
    log = """\
deploy    > deploys-as-admin of-every-job
other job > deploys-as-admin of-every-job
 PASS  deploy
deploy environment: { name: production, url: https://blog.example.org }
"""
    assert stored_log(log, variables, protected=True).splitlines()[:2] == [
        "deploy    > [MASKED] [MASKED]",
        "other job > deploys-as-admin [MASKED]",
    ]


def test_raw_keeps_dollars_and_a_file_is_written_as_it_is() -> None:
    one: dict[str, Any] = {"key": "A", "value": "a$B$$"}
    document = written(
        [
            Variable(**one, environment_scope="raw", raw=True),
            Variable(**one, environment_scope="open"),
        ],
        protected=True,
    )
    assert document == {"A": {"type": "variable", "values": {pattern("raw"): "a$$B$$$$", pattern("open"): "a$B$$"}}}
    file = Variable(**one, variable_type="file", raw=True)
    assert written([file], protected=True) == {"A": {"type": "file", "values": {"*": "a$B$$"}}}


def test_protected_variables_reach_protected_branches_alone() -> None:
    assert written([variable("*", protected=True)], protected=False) == {}


@pytest.mark.parametrize(
    ("report", "problems"),
    [
        ("IMAGE=registry.example.com/group/blog:1@sha256:0\n", []),
        ("A=1\n\nB=2\n", ["line 2 is empty"]),
        ("# image\nA=1\n", ["line 1 is no NAME=value"]),
        ("A B=1\n", ["line 1 is no NAME=value"]),
        ("A=1 2\n", ["line 1 has white space in its value"]),
        ("A=" + "x" * 5120, ["it is larger than 5 KB"]),
        ("".join(f"A{number}=1\n" for number in range(21)), ["it has more than 20 variables"]),
    ],
)
def test_a_dotenv_report_is_held_to_gitlabs_rules(report: str, problems: list[str]) -> None:
    assert dotenv_problems(report) == problems
