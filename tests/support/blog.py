"""A site as a team has it: the program's project with its stack prod, the blog's project, and what GitLab knows."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import requests
import yaml

from sandbox.example import images as site
from sandbox.instance import Instance
from sandbox.names import REGISTRY
from sandbox.toolchain.images import File, build
from tests.support import variable_table
from tests.support.cluster import committed
from tests.support.docker_stack import HOST
from tests.support.gitlab_repository import Repository
from tests.support.gitlab_runner import PACKAGES, Runner
from tests.support.project import FILES, ROOT, Run, run
from tests.support.proxied import ask

PASSPHRASE = "correct-horse-battery-staple"
DEPLOYS = "deploy.gitlab-ci.yml"
"""The pipeline of a program's project that deploys, which is a file of the team's own."""
PROGRAM = "group/gitlab-deploy"
"""The project whose merge requests change the stack file."""


class Site:
    """The stack prod, put up once by a developer, and the variables that GitLab's jobs got by that."""

    def __init__(
        self,
        instance: Instance,
        folder: Path,
        *,
        project: str,
        namespace: str,
        change: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> None:
        """The jobs of `project` deploy to `namespace`, and to the Docker host.

        `change` changes the stack file that the developer puts up.
        """
        self.instance = instance
        self.project = project
        self.namespace = namespace
        self.runner = Runner(instance, folder)
        self.state = folder / "state"
        self.state.mkdir()
        sandbox = instance.environment()
        del sandbox["PULUMI_CONFIG_PASSPHRASE_FILE"]
        self.developer = {
            **os.environ,
            **sandbox,
            "PULUMI_BACKEND_URL": self.state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "SSH_KEY": str(instance.docker.key),
            # A job that ran in the developer's clone has left its own virtual environment.
            "PYTHONPATH": str(PACKAGES),
        }
        self.program = self._program()
        config = committed() | {"gitlabUrl": instance.gitlab.url, "gitlabProject": project}
        config["access"] |= {"namespace": namespace, "server": self.server, "preview": True, "previewProject": PROGRAM}
        config["registry"]["project"] = "group/blog"
        config["dockerHost"] |= {"address": instance.docker.address, "identityFile": "${SSH_KEY}"}
        if project not in {PROGRAM, "group/blog"}:
            # Those two are there from the start.
            self.runner.repository(project, isolated=True)
        change(config)
        self.config = config
        """The stack file, without the project's prefix."""
        self.write("prod", config)
        self.pulumi("stack", "init", "prod")
        self.pulumi("up", "--yes", "--skip-preview")
        # From now on CI says which image it is.
        self.pulumi("config", "rm", "gitlab-deploy:image")
        self.program.push("The program and the stack prod")
        self.give_as_documented("PULUMI_BACKEND_URL", self.state.as_uri())
        self.give_as_documented("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
        # As for any authority of a team's own: the jobs ask the site, and check its certificate.
        self.give("SITE_CA_FILE", instance.docker.certificate.authority.read_text(), variable_type="file")
        self.give_as_documented("SSH_KEY", instance.docker.key.read_text())

    @property
    def server(self) -> str:
        """Address of the cluster's API server."""
        return f"https://{self.instance.network.address('node')}:6443"

    def _program(self) -> Repository:
        made = self.runner.repository(PROGRAM, isolated=False)
        for name in (*FILES, "ops", "templates", ".gitignore", ".gitlab-ci.yml"):
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, made.clone / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, made.clone / name)
        (made.clone / ".venv").symlink_to(sys.prefix)
        if self.project == PROGRAM:
            # As docs/gitlab.md says in "Two ways to deploy" and "Updates".
            shutil.copy(ROOT / "examples" / "program-deploys.gitlab-ci.yml", made.clone / DEPLOYS)
            settings = self.runner.project(PROGRAM)
            settings.ci_config_path = DEPLOYS
            settings.save()
        return made

    def write(self, stack: str, config: dict[str, Any]) -> None:
        """Writes a stack file in the program's clone."""
        full = {f"gitlab-deploy:{key}": value for key, value in config.items()}
        (self.program.clone / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": full}))

    def pulumi(self, *arguments: str, stack: str = "prod", **environment: str) -> Run:
        """The CLI as the developer runs it, who may do everything."""
        named = () if arguments[0] == "stack" and arguments[1] in {"init", "ls"} else ("--stack", stack)
        done = run(
            "pulumi", *arguments, "--non-interactive", *named, cwd=self.program.clone, env=self.developer | environment
        )
        assert done.code == 0, done.text
        return done

    def deploy(self, application: Repository, image: str) -> Run:
        """What the deploy job does with an image, without a pipeline that builds one."""
        self.pulumi("config", "set", "gitlab-deploy:image", image)
        done = self.pulumi("up", "--yes", "--skip-preview", GITLAB_DEPLOY_FILES=str(application.clone))
        self.pulumi("config", "rm", "gitlab-deploy:image")
        return done

    def build(self, application: Repository, version: str, files: Mapping[str, bytes]) -> str:
        """An image that the repository's Containerfile makes of its files and these, in the registry; its name."""
        containerfile = (application.clone / "Containerfile").read_text().replace("ARG SERVER_IMAGE\n", "")
        own = {name: File(application.clone / name) for name in application.git("ls-files").splitlines()}
        image = build(
            site.SERVER + containerfile.replace("${SERVER_IMAGE}", "server"),
            {**site.server_files(), **own, **{name: File(content) for name, content in files.items()}},
        )
        gitlab, name = self.instance.gitlab, f"{application.path}:{version}"
        return f"{REGISTRY}/{name}@{image.push(gitlab.registry, name, gitlab.credentials)}"

    def give(self, key: str, value: str, **more: Any) -> None:
        """Stores a variable in the project, as a maintainer does in its settings."""
        project = self.runner.project(self.project)
        project.variables.create({"key": key, "value": value, "raw": True, **more})

    def give_as_documented(self, key: str, value: str) -> None:
        """Stores a variable in every environment scope that docs/gitlab.md has for it, with the flags it has there."""
        found = variable_table.rows(key)
        assert found
        for row in found:
            kind = "file" if row.file else "env_var"
            flags = {"masked": row.masked, "protected": row.protected, "variable_type": kind}
            self.give(key, value, environment_scope=row.scope, **flags)

    def blog(self) -> Repository:
        """The example's repository as it is, and what its pipeline finds: the server's image and the components."""
        return self.application("hugo-blog", "group/blog")

    def application(self, example: str, path: str) -> Repository:
        """An example's repository as it is, in the project `path`, and what its pipeline finds."""
        made = self.runner.repositories.get(path) or self.runner.repository(path, isolated=True)
        shutil.copytree(ROOT / "examples" / example, made.clone, dirs_exist_ok=True)
        gitlab = self.instance.gitlab
        server = build(site.SERVER, site.server_files())
        server.push(gitlab.registry, f"{path}/server:2", gitlab.credentials)
        # As docs/gitlab.md says: its jobs clone the program.
        application, program = (self.runner.project(each) for each in (made.path, PROGRAM))
        program.job_token_scope.get().allowlist.create({"target_project_id": application.id})
        made.push("The application")
        return made

    def image(self) -> str:
        """The image that the stack has deployed, as its state says."""
        return self.pulumi("stack", "output", "deployment").stdout.partition('"image":"')[2].partition('"')[0]

    def kubectl(self, *arguments: str) -> str:
        """What kubectl prints to the cluster's administrator."""
        done = run("kubectl", *arguments, cwd=self.program.clone, env=self.developer)
        assert done.code == 0, done.text
        return done.stdout.strip()

    def on_kubernetes(self, path: str = "/", namespace: str | None = None, service: str = "web") -> str:
        """What the site answers at the Service's own address."""
        address = self.kubectl(
            *("get", "service", service, "-n", namespace or self.namespace, "-o", "jsonpath={.spec.clusterIP}")
        )
        answer = requests.get(f"http://{address}{path}", timeout=10)
        answer.raise_for_status()
        return answer.text

    def on_docker(self, path: str = "/") -> str:
        """What the site answers behind the Docker host's proxy."""
        answer = ask(self.instance.docker, HOST, path)
        assert answer.status == 200, answer
        return answer.body

    def close(self) -> None:
        """Takes the stack down, and what was given to its jobs."""
        self.runner.close()
        self.pulumi("destroy", "--yes", "--skip-preview")
        for variable in self.runner.project(self.project).variables.list(get_all=True):
            variable.delete(filter={"environment_scope": variable.environment_scope})
