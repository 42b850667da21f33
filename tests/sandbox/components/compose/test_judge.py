"""Docker compose itself as the judge of what a compose file says: `docker compose config`."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components.compose.load import load
from components.compose.model import Project, Service
from components.compose.values import milliseconds
from components.image.reference import ImageReference
from components.source.placeholder import is_stack_image
from sandbox.names import CACHE
from sandbox.toolchain.build import programs
from sandbox.toolchain.modules import COMPOSE
from tests.sandbox.components.compose import odd_shapes

IMAGE = ImageReference.parse("registry.example.com/group/blog:1.0.0")
ENV = {"IMAGE": str(IMAGE), "LEVEL": "info", "EMPTY": "", "PORT": "8080", "DOMAIN": "example.org"}
FILES = {
    "nginx.conf": "worker_processes 1;\n",
    "one.env": "A=1\nB='two words' # note\nexport C=$LEVEL\nD=\"x\\ny\"\nE=${NO:-default}\n",
    "two.env": "A=2\nLEVEL\n",
    "common.yml": """\
services:
  base: {restart: always, labels: {a: "1"}, ports: ["80:80"], environment: {A: 1, B: 2}, depends_on: [db]}
  app:
    extends: base
    entrypoint: serve
    user: "7"
    volumes: ["/srv:/srv", "./nginx.conf:/etc/nginx.conf:ro"]
    healthcheck: {test: [CMD, a], interval: 5s}
    networks: [front]
""",
}
EXAMPLE = Path(__file__).parents[4] / "examples" / "compose" / "docker-compose.yml"
SHAPES: dict[str, list[str]] = {
    "recipe": [
        """\
version: "3.8"
services:
  web:
    image: IMAGE
    restart: always
    networks: [traefik]
    labels:
      - traefik.enable=true
      - traefik.http.routers.blog.rule=Host(`blog.${DOMAIN}`) || Host(`www.${DOMAIN}`)
      - traefik.http.services.blog.loadbalancer.server.port=80
networks:
  traefik: {external: true}
"""
    ],
    "wiki": [
        """\
services:
  wiki:
    image: IMAGE
    depends_on: [db]
    environment: &env {DB_HOST: db, DB_PORT: 5432, DEBUG: false, RATIO: 0.5, OCTAL: 0o17}
    ports: ["${PORT}:3000", "127.0.0.1:9000-9001:9000-9001/udp", "3001"]
    restart: unless-stopped
  db:
    image: postgres:15-alpine
    environment: {<<: *env, POSTGRES_DB: wiki}
    command: postgres -c shared_buffers=256MB -c 'log_line_prefix=%m [%p] '
    logging: {driver: none}
    volumes: [db-data:/var/lib/postgresql/data]
    healthcheck: {test: "pg_isready -U wiki || exit 1", interval: 10s, timeout: 5s, retries: 5, start_period: 1m30s}
volumes: {db-data: }
"""
    ],
    "blog": [
        """\
services:
  app:
    image: IMAGE
    container_name: blog
    env_file: [one.env, {path: two.env}, {path: none.env, required: false}]
    environment: ["A=3", "URL=https://blog.${DOMAIN}", LEVEL]
    volumes:
      - content:/var/lib/blog/content
      - ./nginx.conf:/etc/nginx/nginx.conf:ro
      - type: volume
        source: content
        target: /long
        volume: {nocopy: true}
      - {type: tmpfs, target: /scratch, tmpfs: {size: 65536}}
    networks: {web: {aliases: [blog.internal]}, default: }
    depends_on: {db: {condition: service_healthy}, setup: {condition: service_completed_successfully}}
    stop_grace_period: 1m
  setup: {image: IMAGE, command: ["sh", "-c", "echo $$HOME"], restart: "no"}
  db:
    image: mysql:8
    entrypoint: docker-entrypoint.sh --flag "a b"
    user: "999"
    ulimits: {nofile: {soft: 20000, hard: 40000}, nproc: 65535}
    healthcheck: {test: [CMD, mysqladmin, ping], interval: 1s}
networks: {web: {name: web-net, external: true}}
volumes: {content: {name: blog-content}}
"""
    ],
    "monitoring": [
        """\
x-base: &base
  restart: always
  security_opt: ["no-new-privileges:true"]
  cap_drop: [ALL]
services:
  agent:
    <<: *base
    image: IMAGE
    network_mode: host
    pid: host
    cap_add: [NET_ADMIN, SYS_TIME]
    volumes: ["/:/rootfs:ro,rslave", "/var/run/docker.sock:/var/run/docker.sock"]
    devices: ["/dev/kmsg"]
  store:
    <<: *base
    image: prom/prometheus:v3
    extra_hosts: ["host.docker.internal:host-gateway", "db=10.0.0.9"]
    sysctls: [net.core.somaxconn=1024]
    dns: [1.1.1.1, 8.8.8.8]
    tmpfs: [/run, "/tmp:size=64m"]
    shm_size: 128m
    mem_limit: 1g
    cpus: "1.5"
    networks: {back: {ipv4_address: 10.77.0.10}}
    expose: [9090]
networks:
  back: {driver: bridge, internal: true, ipam: {config: [{subnet: 10.77.0.0/24}]}}
"""
    ],
    "extended": [
        """\
services:
  web:
    extends: {file: common.yml, service: app}
    image: IMAGE
    command: [b]
    ports: ["81:81"]
    environment: [B=3]
    volumes: ["one:/data", "/other:/srv"]
    networks: [back]
  again: {extends: web, command: [c], healthcheck: {retries: 4}}
  db: {image: "postgres:17"}
volumes: {one: }
networks: {front: , back: }
"""
    ],
    "overrides": [
        """\
services:
  web:
    image: IMAGE
    command: [a]
    environment: [A=1, B=2]
    labels: {x: "1", y: "$$kept"}
    ports: ["80:80"]
    volumes: ["one:/data", "/srv:/srv"]
    depends_on: [db]
    networks: [front]
  db: {image: "postgres:16", healthcheck: {test: [CMD, a], interval: 5s}}
networks: {front: , back: }
volumes: {one: , two: }
""",
        """\
services:
  web:
    command: [b, c]
    environment: {B: "3", C: "4"}
    labels: [z=3]
    ports: ["443:443"]
    volumes: ["two:/data:ro"]
    depends_on: {db: {condition: service_healthy}}
    networks: {back: {aliases: [w]}}
  db: {image: "postgres:17", healthcheck: {retries: 9}}
""",
    ],
}


@pytest.mark.parametrize("shape", [*SHAPES, *odd_shapes.SHAPES, "example"])
def test_a_file_means_what_docker_compose_takes_it_to_mean(shape: str, tmp_path: Path) -> None:
    texts = [EXAMPLE.read_text()] if shape == "example" else (SHAPES | odd_shapes.SHAPES)[shape]
    names = []
    for number, text in enumerate(texts):
        names.append(f"{number}.yml")
        (tmp_path / names[-1]).write_text(text)
    for name, text in {**FILES, **odd_shapes.FILES, "redis.conf": "a"}.items():
        (tmp_path / name).write_text(text)
    env = ENV | {"DATABASE_PASSWORD": "canary"}
    project = load(
        names,
        tmp_path,
        env=env,
        secrets=(),
        project="shape",
        fallback=None,
        is_own=lambda text: is_stack_image(text, IMAGE),
    )
    judged = config(tmp_path, names, env)
    assert project.services.keys() == judged["services"].keys()
    for name, service in project.services.items():
        assert meaning(service) == judged_meaning(judged["services"][name], tmp_path), name
    assert named(project) == {
        kind: {one["name"] for one in judged.get(kind, {}).values()} for kind in ("networks", "volumes")
    }


def config(folder: Path, names: list[str], env: dict[str, str]) -> Any:
    command: list[str | Path] = [programs(COMPOSE, CACHE)["docker-compose"], "--project-name", "shape"]
    for name in names:
        command += ["--file", name]
    done = subprocess.run(
        [*command, "config", "--format", "json"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        check=True,
    )
    # What it prints can be read by itself again.
    return json.loads(done.stdout.replace("$$", "$"))


def named(project: Project) -> dict[str, set[str]]:
    return {
        "networks": {one.name for one in project.networks.values()},
        "volumes": {one.name for one in project.volumes.values()},
    }


def meaning(service: Service) -> dict[str, Any]:
    mounts = {(one.volume or one.host_path, one.target, one.read_only) for one in service.mounts}
    check = service.healthcheck
    return {
        "image": service.image or str(IMAGE),
        "environment": dict(service.environment),
        "labels": dict(service.labels),
        "command": list(service.command) if service.command else None,
        "entrypoint": list(service.entrypoint) if service.entrypoint else None,
        "ports": {(one.internal, one.external, one.address, one.protocol) for one in service.ports},
        "mounts": mounts,
        "uploads": {one.target for one in service.uploads},
        "networks": {one.network: sorted(one.aliases) for one in service.networks},
        "depends_on": {one.service: one.condition for one in service.depends_on},
        "restart": service.restart,
        "stop": service.stop_seconds,
        "test": list(check.test) if check and check.test else None,
        "interval": milliseconds(check.interval) if check and check.interval else None,
        "retries": check.retries if check else None,
        "user": service.options.get("user"),
        "memory": service.options.get("memory"),
        "shm_size": service.options.get("shm_size"),
        "network_mode": service.network_mode,
    }


def judged_meaning(judged: dict[str, Any], folder: Path) -> dict[str, Any]:
    check = judged.get("healthcheck") or {}
    bound = [one for one in judged.get("volumes", []) if one["type"] != "tmpfs"]
    local = {one["target"] for one in bound if one["source"].startswith(f"{folder}/")}
    image = judged["image"]
    return {
        "image": str(IMAGE) if image == "IMAGE" else image,
        "environment": {name: value or "" for name, value in (judged.get("environment") or {}).items()},
        "labels": judged.get("labels", {}),
        "command": judged.get("command"),
        "entrypoint": judged.get("entrypoint"),
        "ports": {
            (
                one["target"],
                int(one["published"]) if one.get("published") else None,
                one.get("host_ip"),
                one["protocol"],
            )
            for one in judged.get("ports", [])
        },
        "mounts": {
            (one["source"], one["target"], bool(one.get("read_only"))) for one in bound if one["target"] not in local
        },
        "uploads": local,
        "networks": {
            name: sorted((given or {}).get("aliases", [])) for name, given in (judged.get("networks") or {}).items()
        },
        "depends_on": {name: one["condition"] for name, one in judged.get("depends_on", {}).items()},
        "restart": judged.get("restart", "no"),
        "stop": milliseconds(judged["stop_grace_period"]) // 1000 if "stop_grace_period" in judged else 10,
        "test": check.get("test"),
        "interval": milliseconds(check["interval"]) if "interval" in check else None,
        "retries": check.get("retries"),
        "user": judged.get("user"),
        "memory": int(judged["mem_limit"]) >> 20 if "mem_limit" in judged else None,
        "shm_size": int(judged["shm_size"]) >> 20 if "shm_size" in judged else None,
        "network_mode": judged.get("network_mode"),
    }
