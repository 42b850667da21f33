"""`python -m ops sweep` with the real engine, on stacks of what GitLab holds."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.gitlab import records
from sandbox.gitlab.store import Store
from tests.support.gitlab_double import GitLabDouble
from tests.support.ops_command import ops
from tests.support.project import Project, Run

# A variable for each stack. GitLab's address and token are in the stack's file, and then in its state alone.
PROGRAM = """\
from components import sdk
sdk.load_as_used()
import pulumi
import pulumi_gitlab as gitlab

config = pulumi.Config("test")
provider = gitlab.Provider("gitlab", base_url=config.require("url"), token=config.require_secret("token"))
gitlab.ProjectVariable(
    "variable",
    project="group/blog",
    key=pulumi.get_stack().replace("-", "_"),
    value="abcdefghij",
    opts=pulumi.ResourceOptions(provider=provider, protect=config.get_bool("protect")),
)
"""


class Reviews:
    """Review stacks and their merge requests."""

    def __init__(self, project: Project, double: GitLabDouble) -> None:
        self.project = project
        self.double = double
        self.gitlab = double.client().projects.get("group/blog")
        (project.folder / "__main__.py").write_text(PROGRAM)

    def open(self, state: str) -> int:
        """A new merge request in this state, by its number."""
        made = self.gitlab.mergerequests.create(
            {"source_branch": f"b{len(self.gitlab.mergerequests.list())}", "target_branch": "main", "title": "t"}
        )
        store = Store(self.double.data)
        (row,) = store.find(records.MergeRequest, id=made.id)
        store.save(replace(row, state=state))
        store.close()
        return int(made.iid)

    def up(self, stack: str, *, protect: bool = False) -> None:
        """A stack that has deployed; its file is gone, as from a checkout."""
        self.project.stack = stack
        self.project.init()
        config = {"test:url": f"{self.double.url}/api/v4/", "test:protect": protect}
        self.project.edit(lambda keys: keys.update(config))
        run = self.project.pulumi("config", "set", "--secret", "test:token", stdin=self.double.token)
        assert run.code == 0, run.text
        run = self.project.pulumi("up", "--yes", "--skip-preview")
        assert run.code == 0, run.text
        (self.project.folder / f"Pulumi.{stack}.yaml").unlink()

    def init(self, stack: str) -> None:
        """A stack that has deployed nothing."""
        self.project.stack = stack
        self.project.init()

    def sweep(self, *arguments: str, token: str | None = None) -> Run:
        """Runs the command in a job of the project, which a Reporter has started."""
        job = {
            "CI_SERVER_URL": self.double.url,
            "CI_PROJECT_ID": str(self.gitlab.id),
            "CI_JOB_TOKEN": token or self.double.new_job_token(20),
        }
        return ops(self.project, "sweep", *arguments, **job)

    def stacks(self) -> set[str]:
        listed = self.project.run("pulumi", "stack", "ls", "--json", "--non-interactive")
        return {item["name"] for item in json.loads(listed.stdout)}

    def deployed(self) -> set[str]:
        """The stacks whose variable is in GitLab."""
        return {found.key.replace("_", "-") for found in self.gitlab.variables.list(get_all=True)}


@pytest.fixture
def reviews(small: Project, gitlab_double: GitLabDouble) -> Iterator[Reviews]:
    made = Reviews(small, gitlab_double)
    yield made
    assert not [run for run in small.runs if gitlab_double.token in run.text]


def test_stacks_go_with_their_merge_requests_and_no_other_stack_is_touched(reviews: Reviews) -> None:
    # What makes the others go or stay is the state of a merge request alone, whatever they have deployed.
    merged, opened, closed, locked = (
        f"review-{reviews.open(state)}" for state in ("merged", "opened", "closed", "locked")
    )
    for name in (merged, opened, "review-99"):
        reviews.up(name)
    for name in (closed, locked, "prod", "review-1-old", "my-review-1", "review-01"):
        reviews.init(name)
    before = reviews.stacks()

    dry = reviews.sweep("--dry-run")
    assert dry.code == 0, dry.text
    assert dry.stdout.splitlines() == [
        "would remove review-1: merge request !1 is merged",
        "kept     review-2: merge request !2 is opened",
        "would remove review-3: merge request !3 is closed",
        "kept     review-4: merge request !4 is locked",
        "would remove review-99: merge request !99 is gone",
    ]
    assert reviews.stacks() == before
    assert len(reviews.deployed()) == 3

    done = reviews.sweep()
    assert done.code == 0, done.text
    assert done.stdout.splitlines() == [
        "removed  review-1: merge request !1 is merged",
        "kept     review-2: merge request !2 is opened",
        "removed  review-3: merge request !3 is closed",
        "kept     review-4: merge request !4 is locked",
        "removed  review-99: merge request !99 is gone",
        "3 of 5 review stacks removed",
    ]
    assert reviews.stacks() == before - {"review-1", "review-3", "review-99"}
    assert reviews.deployed() == {"review-2"}


def test_a_stack_that_cannot_be_removed_is_reported_and_the_others_go_on(reviews: Reviews) -> None:
    locked, protected, begun, good = (f"review-{reviews.open('closed')}" for _ in range(4))
    for stack in (locked, begun, good):
        reviews.up(stack)
    reviews.up(protected, protect=True)
    lock = _state(reviews.project) / "locks" / "organization" / "gitlab-deploy" / locked / "left.json"
    lock.parent.mkdir(parents=True, exist_ok=True)
    held = {"pid": 57, "username": "root", "hostname": "runner-x", "timestamp": "2026-01-01T00:00:00Z"}
    lock.write_text(json.dumps(held))
    urn = _interrupt(reviews.project, begun)

    done = reviews.sweep()
    assert done.code == 1, done.text
    lines = done.stdout.splitlines()
    assert "it is locked by root@runner-x (pid 57)" in lines[0]
    assert lines[0].endswith(f"run 'python -m ops lock --stack {locked}'")
    assert lines[1].startswith(f"FAILED   {protected}: merge request !2 is closed, but ")
    assert "cannot be deleted because it is protected" in lines[1]
    assert lines[1].endswith(f"see it with 'pulumi destroy --stack {protected}'")
    assert f"what its state does not hold: {urn}; delete those that exist, then run 'pulumi stack rm" in lines[2]
    assert lines[3] == f"removed  {good}: merge request !4 is closed"
    assert lines[4].startswith(f"3 not removed: {locked}, {protected}, {begun};")
    assert reviews.stacks() == {locked, protected, begun}
    assert reviews.deployed() == {locked, protected}


def test_an_empty_stack_is_just_removed(reviews: Reviews) -> None:
    reviews.init(f"review-{reviews.open('merged')}")
    done = reviews.sweep()
    assert (done.code, reviews.stacks()) == (0, set()), done.text


def test_a_prefix_of_ones_own_is_used(reviews: Reviews) -> None:
    number = reviews.open("merged")
    for name in (f"mr-{number}", f"review-{number}"):
        reviews.init(name)
    assert reviews.sweep("--prefix", "mr-").code == 0
    assert reviews.stacks() == {f"review-{number}"}


@pytest.mark.parametrize("token", ["glcbt-unknown", "of an outsider"])
def test_a_job_that_may_not_see_the_merge_requests_removes_nothing(reviews: Reviews, token: str) -> None:
    reviews.init("review-1")
    done = reviews.sweep(token=reviews.double.new_job_token(0) if token == "of an outsider" else token)
    assert done.code == 2, done.text
    assert "GitLab did not list the merge requests (40" in done.stderr
    assert reviews.stacks() == {"review-1"}


def _state(project: Project) -> Path:
    return Path(project.environment["PULUMI_BACKEND_URL"].removeprefix("file://")) / ".pulumi"


def _interrupt(project: Project, stack: str) -> str:
    """Has the state say that a run was killed while it created a resource; gives the resource's URN.

    It is written into the file: `pulumi stack import` drops what is pending.
    """
    file = _state(project) / "stacks" / "gitlab-deploy" / f"{stack}.json"
    state = json.loads(file.read_text())
    deployment = state["checkpoint"]["latest"]
    resource = {"urn": f"{deployment['resources'][-1]['urn']}-begun", "custom": True, "type": "gitlab:index/x:X"}
    deployment["pending_operations"] = [{"resource": resource, "type": "creating"}]
    file.write_text(json.dumps(state))
    return str(resource["urn"])
