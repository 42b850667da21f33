"""Which pipeline a run says it is, in a shell whose variables anybody may have set."""

import pytest

from components.image.history import RefusedError, decide
from components.image.origin import FORGET, Origin, Pipeline
from tests.unit.components.image.test_history import A, B, C, after, job, stored

JOB = {
    "GITLAB_CI": "true",
    "CI_JOB_ID": "7001",
    "CI_JOB_TOKEN": "glcbt-canary",
    "CI_PROJECT_PATH": "group/blog",
    "CI_PROJECT_ID": "20",
    "CI_PIPELINE_IID": "812",
    "CI_PIPELINE_URL": "https://gitlab.example.com/group/blog/-/pipelines/90210",
    "CI_COMMIT_SHA": "a" * 40,
}


def test_job_is_known_by_its_predefined_variables() -> None:
    pipeline = Pipeline(project=20, iid=812, url=JOB["CI_PIPELINE_URL"])
    assert Origin.of(JOB) == Origin(pipeline=pipeline, commit="a" * 40)


@pytest.mark.parametrize("missing", sorted(set(JOB) - {"CI_COMMIT_SHA"}))
def test_shell_with_some_variables_of_a_job_is_a_developers(missing: str) -> None:
    assert Origin.of({name: value for name, value in JOB.items() if name != missing}) == Origin()
    assert Origin.of({missing: JOB[missing]}) == Origin()
    assert Origin.of(JOB | {missing: ""}) == Origin()


def test_variables_of_two_projects_are_no_job() -> None:
    assert Origin.of(JOB | {"CI_PROJECT_PATH": "group/other"}) == Origin()


@pytest.mark.parametrize("number", ["²", "٣", "-1", "1.0", "1e3", " 1", "1\n", "9" * 5000])
def test_number_that_is_no_number_of_a_pipeline_or_project_is_no_job(number: str) -> None:
    assert Origin.of(JOB | {"CI_PIPELINE_IID": number}) == Origin()
    assert Origin.of(JOB | {"CI_PROJECT_ID": number}) == Origin()


def test_developer_may_have_the_newest_pipelines_forgotten_and_a_job_may_not() -> None:
    assert Origin.of({FORGET: "1"}).forgets_pipelines
    assert not Origin.of({FORGET: "0"}).forgets_pipelines
    assert not Origin.of(JOB | {FORGET: "1"}).forgets_pipelines


def test_pipeline_that_never_was_is_forgotten_when_a_developer_asks_for_it() -> None:
    poisoned = after((A, job(811)), (B, job(999_999_999)))
    for rollback in (True, False):
        with pytest.raises(RefusedError, match=r"see 'A pipeline number that never was' in docs/operations\.md"):
            decide(C, job(812), poisoned, rollback=rollback)
    found = decide(None, Origin(forgets_pipelines=True), poisoned, rollback=False)
    assert (found.deployed.image, found.replaces) == (B, None)
    assert str(found) == f"image: {B}, deployed last, by pipeline 999999999; earlier pipelines are forgotten"
    assert decide(C, job(812), stored(found), rollback=False).deployed.image == C
