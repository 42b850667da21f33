"""A Git repository at the sandbox's GitLab, and a developer's clone of it."""

import copy
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from sandbox.gitlab.git_http import repository
from sandbox.gitlab.records import Project


class Repository:
    """A project's repository, cloned and pushed over http."""

    def __init__(
        self,
        *,
        path: str,
        url: str,
        clone: Path,
        data: Path,
        project: Project,
        environment: Mapping[str, str],
        credentials: Path,
        isolated: bool,
    ) -> None:
        """`data` is where GitLab keeps its own, `credentials` the developer's file for git's helper `store`.

        `isolated`: each job has a folder of its own, with what is committed and the artifacts of the jobs before.
        """
        self.path = path
        self.isolated = isolated
        self.clone = clone
        self.bare = repository(data, project)
        """GitLab's own."""
        self._environment = environment
        self._credentials = credentials
        self.clone.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch", "main")
        self.git("remote", "add", "origin", f"{url}/{path}.git")
        self.git("config", "user.name", "Developer")
        self.git("config", "user.email", "developer@example.org")
        (self.clone / ".git" / "info" / "exclude").write_text("/.gitlab-ci-local/\n")

    def again(self) -> "Repository":
        """Another clone of it, for a job that runs at the same time."""
        other = copy.copy(self)
        other.clone = self.clone.with_name(f"{self.clone.name}-again")
        shutil.copytree(self.clone, other.clone, symlinks=True)
        return other

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        """What git prints, run in the clone with the developer's credentials."""
        done = subprocess.run(
            ["git", "-c", f"credential.helper=store --file={self._credentials}", *arguments],
            cwd=cwd or self.clone,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def push(self, message: str, branch: str = "main") -> str:
        """Commits what is in the clone to a branch and pushes it; the commit's id."""
        if branch != self.git("branch", "--show-current"):
            self.git("switch", "--quiet", "--create", branch)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", f"HEAD:{branch}")
        self.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
        return self.git("rev-parse", "HEAD")

    def fetch(self, token: str) -> None:
        """Gets what a job works on, with its token; AssertionError if GitLab does not have the clone's commit."""
        answer = f"!f() {{ echo username=gitlab-ci-token; echo password={token}; }}; f"
        # An empty helper is the end of those before it.
        self.git("-c", "credential.helper=", "-c", f"credential.helper={answer}", "fetch", "--quiet", "origin")
        assert self.git("branch", "--remotes", "--contains", "HEAD"), "the commit was not pushed"

    def show(self, ref: str, file: str) -> str:
        """A file as GitLab has it at a commit, branch or tag."""
        return self.git("show", f"{ref}:{file}", cwd=self.bare)
