"""docs/gitlab.md and docs/operations.md as a reader plays them, from an empty GitLab to one that is empty again."""

import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from sandbox.example import images as site
from sandbox.gitlab.auth import MAINTAINER
from sandbox.gitlab.seed import add_resource_group
from sandbox.gitlab.store import Store
from sandbox.hosts.docker_host import NETWORK
from sandbox.instance import Instance
from sandbox.names import REGISTRY
from sandbox.toolchain.images import build
from tests.support import glab
from tests.support.cluster import kubectl
from tests.support.documents import RUN, Terminal, blocks, substituted
from tests.support.gitlab_repository import Repository
from tests.support.gitlab_runner import PACKAGES, Runner
from tests.support.project import ROOT, run
from tests.support.proxied import ask
from tests.support.stack_files import read

PROGRAM, BLOG = "group/gitlab-deploy", "group/blog"
NGINX = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "IngressClass",
    "metadata": {"name": "nginx"},
    "spec": {"controller": "k8s.io/ingress-nginx"},
}
ENDED = "unset SSL_CERT_FILE GIT_SSL_CAINFO HTTPS_PROXY NO_PROXY"
"""What a section of the operations sets for itself."""


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
        for name in ("access", "state", "new"):
            (folder / name).mkdir()
        self.access, self.jobs, self.new = (secrets.token_urlsafe(12) for _ in range(3))
        """Passphrases, the last one for a stack whose passphrase was lost."""
        self.token = self.runner.token("group", MAINTAINER)
        self.terminal = Terminal(folder=folder, environment=self._environment(), kept=folder / "kept")
        server = f"https://{instance.network.address('node')}:6443"
        self.table = {
            r"https://gitlab\.example\.com": instance.gitlab.url,
            r"s3://my-access-state": (folder / "access").as_uri(),
            r"s3://my-state-bucket": (folder / "state").as_uri(),
            r"s3://my-new-bucket": (folder / "new").as_uri(),
            r"https://kube\.example\.com:6443": server,
            r"kube\.example\.com": instance.network.address("node"),
            r"/etc/ssl/company\.pem": "/etc/ssl/certs/ca-certificates.crt",
            r"ssh://deploy@docker\.example\.com": instance.docker.address,
            r"ssh-ed25519 AAAA\S+": " ".join(instance.docker.host_key.split()[:2]),
            r"registry\.example\.com": REGISTRY,
            # The certificate of the sandbox's sites has other names.
            r"blog\.example\.net": "docker.example.org",
            r"network: traefik": f"network: {NETWORK}",
            r"blog\.example\.org\.(pem|key)": str(instance.docker.certificate.server),
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

    def play(self, document: str, *passphrases: str, sections: Callable[[str], object] = str) -> None:
        """Types every block of a page, in order; GitLab runs the pipeline of each push.

        `passphrases` are what the reader gives, one after the other; `sections` is called with each section's title,
        before it.
        """
        section = ""
        given = iter(passphrases)
        answers = {"GITLAB_TOKEN": lambda: self.token, "PULUMI_CONFIG_PASSPHRASE": lambda: next(given)}
        for block in blocks(document):
            if block.section in RUN[document].sections or not (block.commands or block.file):
                continue
            if block.section != section:
                section = block.section
                sections(section)
            if block.file:
                self.terminal.write(block, substituted(block.text, self.table))
                continue
            table = self.table | ({r"(?m)^IMAGE=\S+": f"IMAGE={self.image}"} if self.image else {})
            asked = re.findall(r"read -rs (\w+)", block.text)
            self.terminal.play(block, table, answers="".join(f"{answers[name]()}\n" for name in asked))
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
    # An Ingress controller of the cluster.
    nginx = made.folder / "nginx.yml"
    nginx.write_text(yaml.safe_dump(NGINX))
    kubectl(instance, "create", "--filename", str(nginx))
    yield made
    made.runner.close()
    kubectl(instance, "delete", "--filename", str(nginx))


def test_the_page_leads_from_an_empty_gitlab_to_a_green_deploy(reader: Reader) -> None:
    reader.play("docs/gitlab.md", reader.access, reader.jobs)
    first, last = reader.pipelines
    assert first.startswith(f"{BLOG}: 1")
    assert "PULUMI_BACKEND_URL is not set for the environment production" in first
    assert last.startswith(f"{BLOG}: 0"), last
    assert "2 of 2 Pods behind Service web run " in last
    assert ask(reader.instance.docker, "docker.example.org", "/version.txt").status == 200


def test_the_work_of_a_year_is_what_the_page_says(reader: Reader) -> None:
    """Goes on where the page before has led to."""
    program = reader.folder / "gitlab-deploy"
    release(reader)
    said: dict[str, int] = {}

    def begin(section: str) -> None:
        said[section] = len(reader.terminal.log)
        reader.terminal.type(f"{ENDED}\ncd {program}")

    reader.play("docs/operations.md", reader.new, reader.access, sections=begin)
    texts = [run.text for run in reader.terminal.log]
    assert "rolled back by gitlab-deploy:rollback" in texts[said["Roll back"] + 1]
    assert "a preview shows no change" in texts[said["The passphrase is lost"] + 1]
    for section in ("Move the state", "Upgrade"):
        assert re.search(r"\d+ unchanged", texts[said[section] + 1]), texts[said[section] + 1]
        assert not re.search(r"to (create|update|delete|replace)", texts[said[section] + 1]), texts[said[section] + 1]
    for stack in ("staging-access", "staging"):
        config = yaml.safe_load((program / f"Pulumi.{stack}.yaml").read_text())["config"]
        if stack == "staging":
            config["gitlab-deploy:image"] = f"{REGISTRY}/{BLOG}:1.0.0"
        settings, problems = read(config, reader.folder)
        assert settings, problems
        assert settings.namespace == "staging"
    for path in (PROGRAM, BLOG):
        assert reader.runner.project(path).variables.list(get_all=True) == []
    # Of the state whose passphrase was lost: the page has the reader revoke it in GitLab's pages.
    (token,) = reader.runner.project(BLOG).deploytokens.list(get_all=True)
    token.delete()
    gone = run("kubectl", "get", "namespace", "example", cwd=program, env=reader.terminal.environment)
    assert "NotFound" in gone.stderr


def release(reader: Reader) -> None:
    """A release of the program, at a remote called upstream: nothing but its CHANGELOG has changed."""
    program, upstream = reader.folder / "gitlab-deploy", reader.folder / "upstream"
    first = reader.terminal.type(f"cd {program} && git rev-list --max-parents=0 HEAD").stdout.strip()
    reader.terminal.type(
        f"git clone --quiet {program} {upstream} && git -C {upstream} reset --quiet --hard {first}\n"
        f"echo '- A release.' >>{upstream}/CHANGELOG.md\n"
        f"git -C {upstream} commit --quiet --all --message 'A release'\n"
        f"git -C {upstream} tag v9.9.9\ngit -C {program} remote add upstream {upstream}"
    )
