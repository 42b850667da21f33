"""One image change on the Docker host: `pulumi up` against `docker compose pull && up -d` over a context, in turn.

    eval "$(make -s env)"; .venv/bin/python bench/docker_up.py

Needs the sandbox to be up; builds Compose v2, once. All deploy the same image, which drains for five seconds, with the
same health check, route and grace to the same host, and change between its two versions. Compose stops the old
container first, and does not wait for the new one's health; with `--wait` it does that.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from sandbox.instance import Instance  # noqa: E402 - found through the line above
from sandbox.names import CACHE  # noqa: E402
from sandbox.toolchain.build import programs  # noqa: E402 - found through the line above
from sandbox.toolchain.modules import COMPOSE  # noqa: E402
from tests.support.project import Project  # noqa: E402

ROUNDS = 5
REPOSITORY = "registry.sandbox.test/group/blog"
VERSIONS = ("1.0.0", "2.0.0")


def main() -> None:
    """Prints both medians and the ratio of each pair."""
    instance = Instance()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        deploys = {
            "pulumi up": pulumi(instance, folder / "pulumi"),
            "compose up -d": compose(instance, folder / "compose", "bench"),
            "compose up -d --wait": compose(instance, folder / "waiting", "waiting", "--wait"),
        }
        for deploy in deploys.values():
            deploy(VERSIONS[0])
            deploy(VERSIONS[1])
        rounds = []
        for number in range(ROUNDS):
            rounds.append({name: timed(deploy, VERSIONS[number % 2]) for name, deploy in deploys.items()})
            print("   ".join(f"{name} {seconds:5.1f} s" for name, seconds in rounds[-1].items()), flush=True)
        ours, *theirs = deploys
        print(
            "   ".join(f"{name} {statistics.median(taken[name] for taken in rounds):5.1f} s" for name in deploys),
            "(median)",
        )
        for name in theirs:
            ratios = sorted(taken[ours] / taken[name] for taken in rounds)
            print(f"{ours} / {name}: {statistics.median(ratios):.2f} (from {ratios[0]:.2f} to {ratios[-1]:.2f})")
        for deploy in deploys.values():
            deploy("")


def timed(deploy: Callable[[str], None], version: str) -> float:
    """Seconds that the deploy of a version takes."""
    begun = time.monotonic()
    deploy(version)
    return time.monotonic() - begun


def pulumi(instance: Instance, folder: Path) -> Callable[[str], None]:
    """Deploys with `pulumi up`, from a stack that has the Docker host alone; an empty version takes it down."""
    (folder / "state").mkdir(parents=True)
    (folder / "program").mkdir()
    environment = {**os.environ, **instance.environment(), "PULUMI_BACKEND_URL": (folder / "state").as_uri()}
    project = Project(folder / "program", environment, stack="bench")
    committed = yaml.safe_load((ROOT / "Pulumi.sandbox.yaml").read_text())["config"]
    config = {key: committed[f"gitlab-deploy:{key}"] for key in ("gitlabProject", "registry", "app", "dockerHost")}
    # From one version to the other and back is a rollback, every second time.
    config |= {"gitlabUrl": instance.gitlab.url, "image": f"{REPOSITORY}:{VERSIONS[0]}", "rollback": True}
    config["dockerHost"] |= {"address": instance.docker.address, "host": "bench-pulumi.example.org"}
    project.configure(config)
    project.init()

    def deploy(version: str) -> None:
        if not version:
            run = project.pulumi("destroy", "--yes")
        else:
            project.pulumi("config", "set", "gitlab-deploy:image", f"{REPOSITORY}:{version}")
            run = project.pulumi("up", "--yes", "--skip-preview")
        if run.code:
            sys.exit(run.text)

    return deploy


def context(instance: Instance, folder: Path, project: str) -> Callable[..., None]:
    """Runs docker with Compose for a project, in the folder, over a context that reaches the host by ssh."""
    plugins = folder / "docker" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-compose").symlink_to(programs(COMPOSE, CACHE)["docker-compose"])
    (folder / "bin").mkdir()
    ssh = folder / "bin" / "ssh"
    ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {instance.docker.ssh_config} "$@"\n')
    ssh.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "DOCKER_HOST"}
    environment |= {
        "PATH": f"{folder / 'bin'}:{environment['PATH']}",
        "DOCKER_CONFIG": str(folder / "docker"),
        "COMPOSE_PROJECT_NAME": project,
    }

    def docker(*arguments: str, stdin: str | None = None) -> None:
        command = ("docker", *arguments)
        done = subprocess.run(
            command, cwd=folder, env=environment, input=stdin, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{' '.join(command)}: {done.stdout}{done.stderr}")

    docker("context", "create", "bench", "--docker", f"host={instance.docker.address}")
    docker("context", "use", "bench")
    user, password = instance.gitlab.credentials
    docker("login", "--username", user, "--password-stdin", "registry.sandbox.test", stdin=password)
    return docker


def compose(instance: Instance, folder: Path, project: str, *options: str) -> Callable[[str], None]:
    """Deploys with Compose over a context that reaches the host by ssh; an empty version takes it down."""
    docker = context(instance, folder, project)
    router = f"traefik.http.routers.{project}"
    labels = {
        "traefik.enable": "true",
        "traefik.docker.network": "traefik",
        f"{router}.rule": f"Host(`{project}-compose.example.org`)",
        f"{router}.entrypoints": "websecure",
        f"{router}.tls": "true",
        f"traefik.http.services.{project}.loadbalancer.server.port": "8080",
    }

    def deploy(version: str) -> None:
        if not version:
            docker("compose", "down")
            return
        service = {
            "image": f"{REPOSITORY}:{version}",
            "restart": "always",
            "stop_grace_period": "30s",
            "labels": labels,
            "networks": ["traefik"],
            "healthcheck": {
                "test": ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/healthz"],
                "interval": "1s",
            },
        }
        file = {"services": {"web": service}, "networks": {"traefik": {"external": True}}}
        (folder / "docker-compose.yml").write_text(json.dumps(file))
        docker("compose", "pull", "--quiet")
        docker("compose", "up", "--detach", *options)

    return deploy


if __name__ == "__main__":
    main()
