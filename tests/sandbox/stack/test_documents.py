"""docs/gitlab.md as a reader plays it: each block of its steps is typed, from an empty GitLab to a green deploy."""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sandbox.example import images as site
from sandbox.gitlab.auth import MAINTAINER
from sandbox.gitlab.seed import add_resource_group
from sandbox.gitlab.store import Store
from sandbox.hosts.docker_host import NETWORK
from sandbox.instance import Instance
from sandbox.names import REGISTRY
from sandbox.toolchain.images import build
from tests.support import glab
from tests.support.documents import Terminal, blocks, substituted
from tests.support.gitlab_repository import Repository
from tests.support.gitlab_runner import PACKAGES, Runner
from tests.support.project import ROOT, run
from tests.support.proxied import ask

STEPS = re.compile(r"(?ms)^## 1\. .*?(?=^## The components)")
PROGRAM, BLOG = "group/gitlab-deploy", "group/blog"
OPTIONAL = {"Stricter still"}
"""Sections in the steps that a reader may leave out."""


class Reader:
    """Somebody who has this repository, an empty GitLab, a cluster and a Docker host, and types what the page says."""

    def __init__(self, instance: Instance, folder: Path) -> None:
        self.instance = instance
        self.folder = folder
        self.runner = Runner(instance, folder / "gitlab")
        # New project > Create blank project, in GitLab's pages.
        self.projects = {path: self.runner.repository(path, isolated=path == BLOG) for path in (PROGRAM, BLOG)}
        self.seen: dict[str, str] = {}
        self.pipelines: list[str] = []
        self.image = ""
        self._clone()
        for name in ("access", "state"):
            (folder / name).mkdir()
        self.passphrases = {name: secrets.token_urlsafe(12) for name in ("access", "jobs")}
        self.token = self.runner.token("group", MAINTAINER)
        self.terminal = Terminal(folder=folder, environment=self._environment(), kept=folder / "kept")
        server = f"https://{instance.network.address('node')}:6443"
        self.table = {
            r"https://gitlab\.example\.com": instance.gitlab.url,
            r"s3://my-access-state": (folder / "access").as_uri(),
            r"s3://my-state-bucket": (folder / "state").as_uri(),
            r"https://kube\.example\.com:6443": server,
            r"ssh://deploy@docker\.example\.com": instance.docker.address,
            r"ssh-ed25519 AAAA\S+": " ".join(instance.docker.host_key.split()[:2]),
            r"registry\.example\.com": REGISTRY,
            # The certificate of the sandbox's sites has other names.
            r"blog\.example\.net": "docker.example.org",
            r"network: traefik": f"network: {NETWORK}",
            r"authority\.pem": str(instance.docker.certificate.authority),
            r"~/\.ssh/deploy": str(instance.docker.key),
            # Packages are not downloaded for a test: `pulumi install` is tested by itself.
            r"pulumi install": "python3 -m venv --without-pip .venv",
        }

    def _clone(self) -> None:
        """The repository, as a release has it."""
        clone = self.folder / "gitlab-deploy"
        listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT, env=os.environ)
        for name in listed.stdout.splitlines():
            source = ROOT / name
            if source.is_file():
                (clone / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, clone / name)
        for command in ("init --quiet --initial-branch main", "add --all", "commit --quiet --message Release"):
            done = run("git", *command.split(), cwd=clone, env=os.environ | self._git())
            assert done.code == 0, done.text

    def _git(self) -> dict[str, str]:
        file = self.folder / "gitconfig"
        file.write_text(
            "[user]\nname = Developer\nemail = developer@example.org\n"
            f"[credential]\nhelper = store --file={self.folder / 'gitlab' / 'git-credentials'}\n"
        )
        return {"GIT_CONFIG_GLOBAL": str(file)}

    def _environment(self) -> dict[str, str]:
        tools = self.folder / "bin"
        tools.mkdir()
        (tools / "glab").write_text(glab.SCRIPT)
        (tools / "glab").chmod(0o755)
        sandbox = self.instance.environment()
        for name in ("PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_BACKEND_URL", "GITLAB_TOKEN", "GITLAB_BASE_URL"):
            sandbox.pop(name, None)
        home = self.folder / "home"
        home.mkdir()
        return {
            **os.environ,
            **sandbox,
            **self._git(),
            "HOME": str(home),
            "PATH": f"{tools}:{sandbox['PATH']}",
            "PYTHONPATH": str(PACKAGES),
            "PULUMI_CREDENTIALS_PATH": str(home),
        }

    def play(self) -> None:
        """Types every block of the steps, in order; GitLab runs the pipeline of each push."""
        page = self.folder / "steps.md"
        page.write_text(STEPS.search((ROOT / "docs" / "gitlab.md").read_text())[0])  # type: ignore[index]
        passphrases = iter(self.passphrases.values())
        for block in blocks(page):
            if block.section in OPTIONAL:
                continue
            text = substituted(block.text, self.table)
            if self.image:
                text = re.sub(r"(?m)^IMAGE=\S+", f"IMAGE={self.image}", text)
            if block.file:
                self.terminal.write(block, text)
                continue
            assert block.language == "bash", block.text
            answers = {"GITLAB_TOKEN": lambda: self.token, "PULUMI_CONFIG_PASSPHRASE": lambda: next(passphrases)}
            asked = re.findall(r"read -rs (\w+)", text)
            self.terminal.type(text, answers="".join(f"{answers[name]()}\n" for name in asked))
            for path, repository in self.projects.items():
                self.pushed(path, repository)

    def pushed(self, path: str, repository: Repository) -> None:
        """GitLab runs a pipeline if there is a new commit on the default branch."""
        heads = repository.git("for-each-ref", "--format=%(objectname)", "refs/heads/main", cwd=repository.bare)
        if heads == self.seen.get(path, ""):
            return
        self.seen[path] = heads
        repository.git("fetch", "--quiet", "origin", "main")
        repository.git("reset", "--quiet", "--hard", "FETCH_HEAD")
        if path == PROGRAM:
            # Its only job there builds the image of the jobs, from images of the internet.
            return
        pipeline = self.runner.run(repository)
        self.pipelines.append(f"{path}: {pipeline.code}\n{pipeline.masked}")
        with closing(Store(self.instance.gitlab.data)) as store:
            # GitLab makes it when a job first names it.
            add_resource_group(store, "prod", path=path)
        found = re.findall(r"\bIMAGE=(\S+@sha256:[0-9a-f]{64})", pipeline.log)
        self.image = found[-1] if found else self.image


@pytest.fixture(scope="module")
def reader(instance: Instance, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    assert images
    made = Reader(instance, tmp_path_factory.mktemp("reader"))
    # What the job `server` of the application builds from an image of the internet.
    server = build(site.SERVER, site.server_files())
    server.push(instance.gitlab.registry, f"{BLOG}/server:2", instance.gitlab.credentials)
    yield made
    made.runner.close()


def test_the_page_leads_from_an_empty_gitlab_to_a_green_deploy(reader: Reader) -> None:
    reader.play()
    first, last = reader.pipelines
    assert first.startswith(f"{BLOG}: 1")
    assert "PULUMI_BACKEND_URL is not set for the environment production" in first
    assert last.startswith(f"{BLOG}: 0"), last
    assert "2 of 2 Pods behind Service web run " in last
    assert ask(reader.instance.docker, "docker.example.org", "/version.txt").status == 200
