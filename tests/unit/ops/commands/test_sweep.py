"""`python -m ops sweep`: which stacks it considers, and what it reports."""

import pytest
from gitlab.v4.objects import Project

from ops.commands import sweep
from ops.commands.sweep import ReviewStack, failure, review_stacks
from ops.ops_error import OpsError
from ops.stack_name import StackName
from tests.support.gitlab_double import GitLabDouble

REVIEW = StackName("review-")
STACK = StackName("review-7")


def listed(*names: str) -> list[dict[str, object]]:
    return [{"name": name, "resourceCount": 3} for name in names]


def test_a_review_stack_is_the_prefix_and_a_number_and_nothing_else() -> None:
    others = (
        "prod",
        "review",
        "review-",
        "review-x",
        "review-7x",
        "review-7-old",
        "review-7\n",
        "my-review-7",
        "Review-7",
        "review--7",
        "review-07",
        "review-0",
        "review-\u0667",
        "acme/review-7",
    )
    assert review_stacks(listed(*others), REVIEW) == []


def test_review_stacks_come_by_number() -> None:
    assert [stack.iid for stack in review_stacks(listed("review-12", "prod", "review-7"), REVIEW)] == [7, 12]


def test_a_prefix_is_text_and_no_pattern() -> None:
    assert [str(stack.name) for stack in review_stacks(listed("mr.7", "mrx7", "review-7"), StackName("mr."))] == [
        "mr.7"
    ]


@pytest.mark.parametrize("count", [{}, {"resourceCount": 0}, {"resourceCount": None}])
def test_a_stack_without_resources_is_empty(count: dict[str, object]) -> None:
    found = [{"name": "review-7", **count}, {"name": "review-8", "resourceCount": 1}]
    assert review_stacks(found, REVIEW) == [
        ReviewStack(name=STACK, iid=7, empty=True),
        ReviewStack(name=StackName("review-8"), iid=8, empty=False),
    ]


DIAGNOSTICS = """\
Destroying (review-7):
    gitlab:index:ProjectVariable v **deleting failed** error: cut off he
Diagnostics:
  pulumi:pulumi:Stack (p-review-7):
    error: update failed

  gitlab:index:ProjectVariable (v):
    error: v cannot be deleted
    because it is protected. To unprotect it, do so

Resources:
    1 unchanged
"""


def test_the_error_of_a_resource_is_reported_before_that_of_the_run() -> None:
    assert failure(STACK, DIAGNOSTICS, "error: update failed\n", "see it") == (
        "v cannot be deleted because it is protected. To unprotect it, do so; see it"
    )


def test_an_error_of_the_run_alone_is_reported() -> None:
    assert failure(STACK, "", "error: update failed\n", "see it") == "update failed; see it"
    assert failure(STACK, "", "error: passphrase\n", "see it") == "passphrase; see it"


def test_what_is_no_error_is_reported_if_there_is_nothing_else() -> None:
    assert failure(STACK, "", "killed\n", "see it") == "killed; see it"


def test_stacks_of_an_organization_are_found_by_its_prefix_alone() -> None:
    names = listed("acme/review-7", "other/review-8", "acme/blog/review-9", "review-10")
    assert [str(stack.name) for stack in review_stacks(names, StackName("acme/review-"))] == [
        "acme/review-7",
        "acme/review-10",
    ]
    assert [str(stack.name) for stack in review_stacks(names, REVIEW)] == ["review-10"]


def test_a_token_of_the_users_own_lists_merge_requests_where_a_jobs_may_not(
    monkeypatch: pytest.MonkeyPatch, double: GitLabDouble, project: Project, maintainer: str
) -> None:
    made = project.mergerequests.create({"source_branch": "b", "target_branch": "main", "title": "t"})
    # A token that GitLab ignores, as those of jobs are in older releases.
    job = {"CI_SERVER_URL": double.url, "CI_PROJECT_ID": str(project.id), "CI_JOB_TOKEN": "glcbt-ignored"}
    for name, value in job.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GITLAB_TOKEN", "none")
    with pytest.raises(OpsError, match=r"before GitLab 18\.4 set GITLAB_TOKEN, of scope read_api; nothing was removed"):
        sweep.merge_request_states([made.iid])
    monkeypatch.setenv("GITLAB_TOKEN", maintainer)
    assert sweep.merge_request_states([made.iid]) == {made.iid: "opened"}
