"""What a job may do with its CI_JOB_TOKEN (doc/ci/jobs/ci_job_token.md)."""

import json
from pathlib import Path

import gitlab
import pytest
from gitlab.v4.objects import Project

from sandbox.gitlab import records
from sandbox.gitlab.auth import token_digest
from sandbox.gitlab.store import Store
from tests.support.gitlab_double import Api, GitLabDouble, Reply, add_project, refused

UNAUTHORIZED = (401, {"message": "401 Unauthorized"})
NO_PROJECT = (404, {"message": "404 Project Not Found"})
FORBIDDEN = (403, {"message": "403 Forbidden"})


@pytest.fixture(autouse=True)
def merge_request(project: Project) -> None:
    """A merge request and an issue, with a note each."""
    made = project.mergerequests.create({"source_branch": "a", "target_branch": "main", "title": "t"})
    for noteable in (made, project.issues.create({"title": "t"})):
        noteable.notes.create({"body": "b"})


@pytest.fixture
def job_token(double: GitLabDouble, project_path: str) -> str:
    """The token of a job in the project, started by its Maintainer."""
    return double.new_job_token(path=project_path)


@pytest.fixture
def job(double: GitLabDouble, job_token: str, project: Project) -> Project:
    """The project as its job sees it."""
    return gitlab.Gitlab(double.url, job_token=job_token).projects.get(project.id, lazy=True)


def answer(reply: Reply) -> tuple[int, object]:
    return reply.status, reply.json()


def test_a_job_reads_merge_requests_and_their_notes(job: Project) -> None:
    assert [found.iid for found in job.mergerequests.list(state="opened")] == [1]
    merge_request = job.mergerequests.get(1)
    (note,) = merge_request.notes.list()
    assert merge_request.notes.get(note.id).body == "b"


@pytest.mark.parametrize("form", ["header", "query", "bearer", "oauth query", "form", "json", "oauth json"])
def test_its_token_may_come_in_header_query_and_body(double: GitLabDouble, api: Api, job_token: str, form: str) -> None:
    headers = {
        "header": {"JOB-TOKEN": job_token},
        "bearer": {"Authorization": f"Bearer {job_token}"},
        "form": {"Content-Type": "application/x-www-form-urlencoded"},
        "json": {"Content-Type": "application/json"},
        "oauth json": {"Content-Type": "application/json"},
    }
    query = {"query": f"?job_token={job_token}", "oauth query": f"?access_token={job_token}"}
    body = {
        "form": f"job_token={job_token}",
        "json": json.dumps({"job_token": job_token}),
        "oauth json": json.dumps({"access_token": job_token}),
    }
    path = f"{api.base}/merge_requests/1{query.get(form, '')}"
    reply = double.request("GET", path, body.get(form, "").encode() or None, headers.get(form))
    assert (reply.status, reply.json()["iid"]) == (200, 1)


def test_its_token_in_the_body_is_no_token_where_a_job_may_not_go(
    double: GitLabDouble, api: Api, job_token: str
) -> None:
    body = json.dumps({"job_token": job_token, "body": "a note"}).encode()
    headers = {"Content-Type": "application/json"}
    assert answer(double.request("POST", f"{api.base}/merge_requests/1/notes", body, headers)) == UNAUTHORIZED


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("POST", "/merge_requests"),
        ("PUT", "/merge_requests/1"),
        ("POST", "/merge_requests/1/notes"),
        ("PUT", "/merge_requests/1/notes/1"),
        ("DELETE", "/merge_requests/1/notes/1"),
        ("GET", "/issues/1/notes"),
        ("POST", "/issues/1/notes"),
        ("POST", "/issues"),
        ("PUT", "/issues/1"),
        ("GET", "/variables"),
        ("POST", "/variables"),
    ],
)
def test_elsewhere_its_token_is_no_token(double: GitLabDouble, api: Api, job_token: str, verb: str, path: str) -> None:
    headers = {"JOB-TOKEN": job_token, "Content-Type": "application/json"}
    assert answer(double.request(verb, api.base + path, b"{}", headers)) == UNAUTHORIZED


@pytest.mark.parametrize("path", ["", "/issues", "/issues/1", "/deploy_tokens"])
def test_where_no_token_is_needed_it_sees_what_all_see(
    double: GitLabDouble, api: Api, job_token: str, path: str
) -> None:
    assert answer(double.request("GET", api.base + path, headers={"JOB-TOKEN": job_token})) == NO_PROJECT


def test_a_job_has_the_rights_of_its_user(double: GitLabDouble, api: Api, project_path: str) -> None:
    reporter = {"JOB-TOKEN": double.new_job_token(20, path=project_path), "Content-Type": "application/json"}
    guest = {"JOB-TOKEN": double.new_job_token(10, path=project_path)}
    assert double.request("GET", f"{api.base}/merge_requests", headers=reporter).status == 200
    assert answer(double.request("GET", f"{api.base}/merge_requests", headers=guest)) == FORBIDDEN


def test_the_token_of_a_job_that_is_over_is_refused(job: Project, job_token: str, store: Store) -> None:
    (row,) = store.find(records.JobToken, sha256=token_digest(job_token))
    store.remove(row)
    assert refused(job.mergerequests.list) == UNAUTHORIZED


def test_a_job_of_another_project_is_not_let_in_but_where_all_are(double: GitLabDouble, store: Store) -> None:
    for name in ("job-source", "job-target"):
        add_project(store, f"group/{name}")
    public = add_project(store, "group/job-public", visibility="public").path
    token = double.new_job_token(path="group/job-source")
    (row,) = store.find(records.JobToken, sha256=token_digest(token))
    target = gitlab.Gitlab(double.url, job_token=token).projects.get("group/job-target", lazy=True)
    assert refused(target.mergerequests.list) == NO_PROJECT
    store.add(records.Member(user_id=row.user_id, path="group/job-target", access_level=40))
    reason = "403 Forbidden - Authentication by CI/CD job token not allowed from job-source to job-target."
    assert refused(target.mergerequests.list) == (403, {"message": reason})
    assert gitlab.Gitlab(double.url, job_token=token).projects.get(public, lazy=True).mergerequests.list() == []


def test_a_jobs_token_is_kept_hashed_and_stays_out_of_links(double: GitLabDouble, api: Api, job_token: str) -> None:
    reply = double.request("GET", f"{api.base}/merge_requests?job_token={job_token}")
    assert job_token not in reply.headers["link"]
    assert job_token.encode() not in (double.data / "gitlab.sqlite").read_bytes()
    assert job_token not in double.log()


def test_a_jobs_token_is_as_long_as_gitlabs_own(job_token: str) -> None:
    assert len(job_token) > 1000
    assert job_token.count(".") == 2


def test_gitlab_17_knows_no_job_token_at_merge_requests(tmp_path: Path) -> None:
    old = GitLabDouble(tmp_path, "--release", "17.0")
    try:
        job = gitlab.Gitlab(old.url, job_token=old.new_job_token()).projects.get("group/blog", lazy=True)
        assert refused(job.mergerequests.list) == NO_PROJECT
        assert old.client().version()[0] == "17.0.0"
        assert old.client().projects.get("group/blog").mergerequests.list(get_all=True) == []
    finally:
        old.stop()
