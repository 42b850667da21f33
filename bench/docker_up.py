"""One image change on the Docker host: `pulumi up` against `docker-compose pull && up -d` over a context, in turn.

    eval "$(make -s env)"; apt-get install docker-compose python3-paramiko; .venv/bin/python bench/docker_up.py

Needs the sandbox to be up. Both deploy the same image with the same health check, labels and grace to the same host,
and change between its two versions. Compose stops the old container first, and does not wait for the new one's health.
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
from tests.project import Project  # noqa: E402

PAIRS = 5
REPOSITORY = "registry.sandbox.test/group/blog"
VERSIONS = ("1.0.0", "2.0.0")


def main() -> None:
    """Prints both medians and the ratio of each pair."""
    if not shutil.which("docker-compose"):
        sys.exit("error: docker-compose is not on PATH; apt-get install docker-compose")
    instance = Instance()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with_pulumi, with_compose = pulumi(instance, folder / "pulumi"), compose(instance, folder / "compose")
        for deploy in (with_pulumi, with_compose):
            deploy(VERSIONS[0])
            deploy(VERSIONS[1])
        pairs = []
        for number in range(PAIRS):
            version = VERSIONS[number % 2]
            pairs.append((timed(with_pulumi, version), timed(with_compose, version)))
            print(f"pulumi up {pairs[-1][0]:5.1f} s   docker-compose {pairs[-1][1]:5.1f} s", flush=True)
        ratios = sorted(ours / theirs for ours, theirs in pairs)
        ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"median    {ours:5.1f} s   docker-compose {theirs:5.1f} s")
        print(f"ratio     {statistics.median(ratios):.2f} (from {ratios[0]:.2f} to {ratios[-1]:.2f}, {PAIRS} pairs)")
        with_pulumi("")
        with_compose("")


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
    config = {key: committed[f"gitlab-deploy:{key}"] for key in ("gitlabProject", "registry", "dockerHost")}
    config |= {"gitlabUrl": instance.gitlab.url, "image": f"{REPOSITORY}:{VERSIONS[0]}"}
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


def compose(instance: Instance, folder: Path) -> Callable[[str], None]:
    """Deploys with docker-compose over a context that reaches the host by ssh; an empty version takes it down."""
    (folder / "bin").mkdir(parents=True)
    ssh = folder / "bin" / "ssh"
    ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {instance.docker.ssh_config} "$@"\n')
    ssh.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "DOCKER_HOST"}
    environment |= {
        "PATH": f"{folder / 'bin'}:{environment['PATH']}",
        "DOCKER_CONFIG": str(folder / "docker"),
        "COMPOSE_PARAMIKO_SSH": "0",
        "COMPOSE_PROJECT_NAME": "bench",
    }

    def run(*command: str, stdin: str | None = None) -> None:
        done = subprocess.run(
            command, cwd=folder, env=environment, input=stdin, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{' '.join(command)}: {done.stdout}{done.stderr}")

    run("docker", "context", "create", "bench", "--docker", f"host={instance.docker.address}")
    user, password = instance.gitlab.credentials
    run(
        "docker",
        "--context",
        "bench",
        "login",
        "--username",
        user,
        "--password-stdin",
        "registry.sandbox.test",
        stdin=password,
    )
    rule = "traefik.http.routers.bench.rule=Host(`bench-compose.example.org`)"

    def deploy(version: str) -> None:
        if not version:
            run("docker-compose", "--context", "bench", "down")
            return
        service = {
            "image": f"{REPOSITORY}:{version}",
            "restart": "always",
            "stop_grace_period": "30s",
            "labels": ["traefik.enable=true", rule, "traefik.http.services.bench.loadbalancer.server.port=8080"],
            "networks": ["traefik"],
            "healthcheck": {
                "test": ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/healthz"],
                "interval": "1s",
            },
        }
        file = {"version": "3.8", "services": {"web": service}, "networks": {"traefik": {"external": True}}}
        (folder / "docker-compose.yml").write_text(json.dumps(file))
        run("docker-compose", "--context", "bench", "pull", "--quiet")
        run("docker-compose", "--context", "bench", "up", "--detach")

    return deploy


if __name__ == "__main__":
    main()
