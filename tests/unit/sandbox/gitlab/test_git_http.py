"""Clone and push over http, by git itself, as a job, a user and a deploy token may."""

import itertools
import os
import subprocess
from pathlib import Path

import pytest
from gitlab.v4.objects import Project

from sandbox.gitlab import records
from sandbox.gitlab.auth import DEVELOPER, MAINTAINER, REPORTER, token_digest
from sandbox.gitlab.store import Store
from sandbox.toolchain.images import Credentials
from tests.support.gitlab_double import GitLabDouble, add_project
from tests.support.registry_token import deploy_token

NUMBERS = itertools.count()


class Git:
    """git as somebody runs it who has these credentials, or none."""

    def __init__(self, folder: Path, double: GitLabDouble, credentials: Credentials | None) -> None:
        folder.mkdir()
        self.folder = folder
        self.double = double
        given = folder / "credentials"
        if credentials:
            given.write_text(f"{double.url.replace('://', f'://{credentials.user}:{credentials.password}@')}\n")
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": "3",
            "GIT_CONFIG_KEY_0": "credential.helper",
            "GIT_CONFIG_VALUE_0": f"store --file={given}",
            "GIT_CONFIG_KEY_1": "user.name",
            "GIT_CONFIG_VALUE_1": "Somebody",
            "GIT_CONFIG_KEY_2": "user.email",
            "GIT_CONFIG_VALUE_2": "somebody@example.org",
        }

    def __call__(self, *arguments: str) -> tuple[int, str]:
        """Exit status, and all that git prints."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def clone(self, path: str) -> tuple[int, str]:
        """Clones what a job of templates/ clones: one commit of the branch main."""
        where = f"clone-{next(NUMBERS)}"
        return self(
            "clone", "--quiet", "--depth", "1", "--branch", "main", "--", f"{self.double.url}/{path}.git", where
        )

    def push(self, path: str, *options: str, branch: str = "main") -> tuple[int, str]:
        """Pushes a commit of its own with no history."""
        work = f"work-{next(NUMBERS)}"
        assert self("init", "--quiet", "--initial-branch", "main", work)[0] == 0
        assert self("-C", work, "commit", "--quiet", "--allow-empty", "--message", work)[0] == 0
        return self("-C", work, "push", "--quiet", *options, f"{self.double.url}/{path}.git", f"HEAD:{branch}")


@pytest.fixture
def maintainers(tmp_path: Path, double: GitLabDouble, maintainer: str) -> Git:
    return Git(tmp_path / "maintainer", double, Credentials("maintainer", maintainer))


@pytest.fixture
def filled(maintainers: Git, project_path: str) -> str:
    """The path of a private project with one commit."""
    assert maintainers.push(project_path) == (0, "")
    return project_path


def job(folder: Path, double: GitLabDouble, path: str, level: int = MAINTAINER) -> Git:
    token = double.new_job_token(level, path=path)
    return Git(folder / f"job-{next(NUMBERS)}", double, Credentials("gitlab-ci-token", token))


def member(store: Store, who: Git, path: str, level: int = MAINTAINER) -> None:
    """Makes the user of a job a member of another project."""
    token = (who.folder / "credentials").read_text().partition("gitlab-ci-token:")[2].partition("@")[0]
    (row,) = store.find(records.JobToken, sha256=token_digest(token))
    store.add(records.Member(user_id=row.user_id, path=path, access_level=level))


def test_a_job_clones_its_own_project(tmp_path: Path, double: GitLabDouble, filled: str) -> None:
    own = job(tmp_path, double, filled, REPORTER)
    assert own.clone(filled) == (0, "")
    (commit,) = own("-C", next(own.folder.glob("clone-*")).name, "log", "--format=%s")[1].splitlines()
    assert commit.startswith("work-")


def test_a_job_of_a_guest_clones_nothing(tmp_path: Path, double: GitLabDouble, filled: str) -> None:
    code, said = job(tmp_path, double, filled, 10).clone(filled)
    assert code != 0
    assert "remote: You are not allowed to download code from this project." in said


def test_a_job_clones_another_project_once_its_allowlist_has_the_jobs_project(
    tmp_path: Path, double: GitLabDouble, store: Store, project: Project, filled: str
) -> None:
    source = add_project(store, f"group/source{next(NUMBERS)}")
    other = job(tmp_path, double, source.path)
    target = filled.rpartition("/")[2]
    sentence = f"Authentication by CI/CD job token not allowed from {source.path.rpartition('/')[2]} to {target}."
    code, said = other.clone(filled)
    assert code != 0
    assert f"remote: {sentence}" in said
    project.job_token_scope.get().allowlist.create({"target_project_id": source.id})
    code, said = other.clone(filled)
    assert code != 0
    assert f"remote: Insufficient permissions to pull from the repository of project {target}." in said
    member(store, other, filled, REPORTER)
    assert other.clone(filled) == (0, "")


def test_a_job_pushes_to_its_own_project_if_that_is_switched_on(
    tmp_path: Path, double: GitLabDouble, project: Project, project_path: str
) -> None:
    own = job(tmp_path, double, project_path)
    code, said = own.push(project_path)
    assert code != 0
    assert "remote: You are not allowed to push code to this project." in said
    assert project.ci_push_repository_for_job_token_allowed is False
    project.ci_push_repository_for_job_token_allowed = True
    project.save()
    assert own.push(project_path) == (0, "")


def test_a_job_never_pushes_to_another_project(
    tmp_path: Path, double: GitLabDouble, store: Store, project: Project, filled: str
) -> None:
    source = add_project(store, f"group/source{next(NUMBERS)}")
    other = job(tmp_path, double, source.path)
    member(store, other, filled)
    project.job_token_scope.get().allowlist.create({"target_project_id": source.id})
    project.ci_push_repository_for_job_token_allowed = True
    project.save()
    assert other.clone(filled) == (0, "")
    code, said = other.push(filled, branch="mine")
    assert code != 0
    assert "remote: You are not allowed to push code to this project." in said


def test_a_job_of_a_developer_does_not_push_to_the_protected_branch(
    tmp_path: Path, double: GitLabDouble, project: Project, filled: str
) -> None:
    project.ci_push_repository_for_job_token_allowed = True
    project.save()
    own = job(tmp_path, double, filled, DEVELOPER)
    code, said = own.push(filled, "--force")
    assert code != 0
    assert "remote: GitLab: You are not allowed to push code to protected branches on this project." in said
    assert own.push(filled, branch="mine") == (0, "")


def test_nobody_rewrites_or_deletes_the_protected_branch(maintainers: Git, filled: str) -> None:
    code, said = maintainers.push(filled, "--force")
    assert code != 0
    assert "remote: GitLab: You are not allowed to force push code to a protected branch on this project." in said
    assert maintainers("push", f"{maintainers.double.url}/{filled}.git", ":main")[0] != 0
    assert maintainers.clone(filled) == (0, "")


@pytest.mark.parametrize(
    ("scopes", "clones", "pushes"),
    [
        (("api",), "", ""),
        (("write_repository",), "", ""),
        (("read_repository",), "", "You are not allowed to upload code."),
        (("read_api",), "You are not allowed to download code.", "You are not allowed to upload code."),
    ],
)
def test_a_users_token_reaches_what_its_scopes_say(
    tmp_path: Path, double: GitLabDouble, filled: str, scopes: tuple[str, ...], clones: str, pushes: str
) -> None:
    user = Git(tmp_path / "user", double, Credentials("user", double.new_token(path=filled, scopes=scopes)))
    for (code, said), refusal in ((user.clone(filled), clones), (user.push(filled, branch="mine"), pushes)):
        assert (code == 0) is (refusal == "")
        assert refusal in said


def test_a_deploy_token_clones_its_project_and_pushes_nothing(
    tmp_path: Path, double: GitLabDouble, project: Project, filled: str
) -> None:
    reader = Git(tmp_path / "reader", double, deploy_token(project, "read_repository"))
    assert reader.clone(filled) == (0, "")
    assert "You are not allowed to upload code." in reader.push(filled, branch="mine")[1]
    assert "The project you were looking for could not be found" in reader.clone("group/blog")[1]


@pytest.mark.parametrize("username", ["gitlab-ci-token", "maintainer"])
def test_a_token_that_works_no_more_is_denied(tmp_path: Path, double: GitLabDouble, filled: str, username: str) -> None:
    code, said = Git(tmp_path / "late", double, Credentials(username, "glcbt-over")).clone(filled)
    assert code != 0
    assert "remote: HTTP Basic: Access denied." in said


def test_nobody_clones_what_is_public_alone(
    tmp_path: Path, double: GitLabDouble, store: Store, maintainers: Git, filled: str
) -> None:
    public = add_project(store, f"group/open{next(NUMBERS)}", visibility="public").path
    assert maintainers.push(public) == (0, "")
    nobody = Git(tmp_path / "nobody", double, None)
    assert nobody.clone(public) == (0, "")
    assert nobody.clone(filled)[0] != 0
    assert nobody.push(public)[0] != 0


def test_git_asks_for_one_of_its_two_services(double: GitLabDouble, project_path: str) -> None:
    reply = double.request("GET", f"/{project_path}.git/info/refs")
    assert (reply.status, reply.body) == (403, b"The command you're trying to execute is not allowed.")
    assert double.request("GET", f"/{project_path}.git/HEAD").status == 404
