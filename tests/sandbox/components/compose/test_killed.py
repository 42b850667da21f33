"""An `up` of a compose file that is killed at any of its steps, and the documented recovery."""

from functools import partial
from pathlib import Path

from sandbox.machine.waiting import wait
from tests.sandbox.components.compose.composed import Composed
from tests.sandbox.components.docker_app.clone import ids, running_version
from tests.support.docker_sandbox import Sandbox
from tests.support.killed import killed_ups

FILE = """\
services:
  web:
    image: IMAGE
    restart: always
    networks: [web, default]
    depends_on: {database: {condition: service_healthy}}
    healthcheck: {test: [CMD, wget, -q, -O, /dev/null, "http://127.0.0.1:8080/healthz"], interval: 1s, retries: 2}
    stop_grace_period: 3s
    labels:
      - traefik.enable=true
      - traefik.docker.network=web
      - traefik.http.routers.shop.rule=Host(`blog.example.org`)
      - traefik.http.routers.shop.entrypoints=websecure
      - traefik.http.routers.shop.tls=true
  api:
    image: IMAGE
    restart: always
    ports: ["127.0.0.1:18081:8080"]
    stop_grace_period: 3s
  database:
    image: $OTHER
    restart: always
    volumes: [data:/data]
    healthcheck: {test: [CMD, wget, -q, -O, /dev/null, "http://127.0.0.1:8080/passwd"], interval: 1s}
networks: {web: {external: true}}
volumes: {data: }
"""


def test_after_a_kill_at_any_step_one_up_converges(docker: Sandbox, engine: dict[str, str], tmp_path: Path) -> None:
    mine = Composed(docker, tmp_path, engine, FILE)
    mine.up()
    database = mine.ids()["database"]
    for version, step in killed_ups(mine.project, mine.choose):
        if step:
            mine.up()
        found = mine.ids()
        assert ids(docker) == set(found.values()), step
        assert found["database"] == database
        assert {running_version(docker, found[service]) for service in ("web", "api")} == {version}, step
        assert wait(partial(docker.serves, version), 60), (step, docker.get())
        mine.preview("--expect-no-changes")
    mine.destroy()
