"""What a compose file says, typed; see tests/sandbox/components/compose for docker compose as the judge."""

import base64

import pytest

from components.compose import keys
from components.compose.interpolation import mark
from components.compose.model import Dependency, Healthcheck, Mount, Port, Upload
from tests.support.compose_files import IMAGE, problems, read, service

RECIPE = """\
version: "3"
services:
  web:
    image: IMAGE
    restart: always
    networks:
      - traefik
    labels:
      - traefik.enable=true
      - traefik.http.routers.blog.rule=Host(`blog.example.org`)
      - traefik.http.routers.blog.entrypoints=websecure
      - traefik.http.routers.blog.tls.certresolver=letsencrypt
networks:
  traefik:
    external: true
"""


def test_the_file_of_the_recipe_works_unchanged() -> None:
    project = read(RECIPE)
    web = project.services["web"]
    assert (project.name, web.is_stacks_own, web.is_swapped, web.restart) == ("blog", True, True, "always")
    assert web.labels["traefik.http.routers.blog.rule"] == "Host(`blog.example.org`)"
    assert [(one.name, one.is_external) for one in project.networks.values()] == [("traefik", True)]


@pytest.mark.parametrize(
    "image",
    [
        "IMAGE",
        "$IMAGE",
        "${IMAGE}",
        str(IMAGE),
        "registry.example.com/group/blog",
        "registry.example.com/group/blog:$CI_COMMIT_SHA",
        "${REGISTRY:-registry.example.com}/group/blog:latest",
    ],
)
def test_the_stacks_image_is_known_by_its_placeholder_or_repository(image: str) -> None:
    text = f"services:\n  web: {{image: '{image}'}}\n  other: {{image: postgres:17}}\n"
    assert {name: one.image for name, one in read(text).services.items()} == {"web": "", "other": "postgres:17"}


def test_ports_in_every_form() -> None:
    body = """\
ports:
  - "80:8080"
  - "127.0.0.1:5432:5432/tcp"
  - "[::1]:53:53/udp"
  - "9000"
  - "7000-7001:8000-8001"
  - {target: 80, published: "8081", host_ip: 0.0.0.0, protocol: tcp, mode: host}"""
    assert read(service(body)).services["web"].ports == (
        Port(internal=8080, external=80),
        Port(internal=5432, external=5432, address="127.0.0.1"),
        Port(internal=53, external=53, address="::1", protocol="udp"),
        Port(internal=9000),
        Port(internal=8000, external=7000),
        Port(internal=8001, external=7001),
        Port(internal=80, external=8081, address="0.0.0.0"),
    )


def test_volumes_in_every_form() -> None:
    body = """\
volumes:
  - data:/data
  - data:/again:ro,nocopy
  - /srv/media:/media:z
  - /cache
  - /var/run/docker.sock:/var/run/docker.sock
  - {type: volume, source: data, target: /long, read_only: true, volume: {subpath: a}}
  - {type: bind, source: /etc/localtime, target: /etc/localtime, bind: {propagation: rslave}}
  - {type: tmpfs, target: /scratch, tmpfs: {size: 64m}}
tmpfs: /run:size=1m"""
    web = read(service(body, rest="volumes:\n  data: {name: shop-data}\n")).services["web"]
    assert web.mounts == (
        Mount(target="/data", volume="data"),
        Mount(target="/again", volume="data", read_only=True, no_copy=True),
        Mount(target="/media", host_path="/srv/media", selinux="z"),
        Mount(target="/cache"),
        Mount(target="/var/run/docker.sock", host_path="/var/run/docker.sock"),
        Mount(target="/long", volume="data", read_only=True, subpath="a"),
        Mount(target="/etc/localtime", host_path="/etc/localtime", propagation="rslave"),
    )
    assert web.options["tmpfs"] == {"/run": "size=1m", "/scratch": "size=67108864"}


def test_files_of_the_checkout_are_put_into_the_container() -> None:
    body = """\
volumes:
  - ./nginx.conf:/etc/nginx/nginx.conf
  - ./conf:/etc/conf.d:ro
configs:
  - plain
  - {source: inline, target: /etc/inline, mode: 0440, uid: "100", gid: "101"}
secrets: [password]"""
    rest = """\
configs:
  plain: {file: ./plain.bin}
  inline: {content: "password=${PASSWORD}"}
secrets:
  password: {environment: PASSWORD}"""
    files: dict[str, str | bytes] = {"nginx.conf": "a", "conf/one": "1", "conf/deep/two.sh": "2", "plain.bin": b"\xff"}
    web = read(service(body, rest=rest), files=files, secrets=["PASSWORD"]).services["web"]
    assert web.mounts == ()
    assert web.uploads == (
        Upload(target="/etc/nginx/nginx.conf", content="a"),
        Upload(target="/etc/conf.d/deep/two.sh", content="2", mode="0755"),
        Upload(target="/etc/conf.d/one", content="1"),
        Upload(target="/plain", base64=base64.b64encode(b"\xff").decode(), mode="0444"),
        Upload(target="/etc/inline", content=f"password={mark('PASSWORD')}", mode="0440", owner="100", group="101"),
        Upload(target="/run/secrets/password", content=mark("PASSWORD"), mode="0444", is_secret=True),
    )


def test_environment_is_of_files_then_of_the_file_itself() -> None:
    body = """\
env_file:
  - one.env
  - {path: two.env, required: true}
  - {path: none.env, required: false}
environment:
  B: mine
  PORT: 8080
  RATIO: 1.5
  WHOLE: 2.0
  DEBUG: true
  EMPTY: ""
  LEVEL:"""
    files = {"one.env": "A=1\nB=2\n", "two.env": "B=3\nC=$LEVEL\nLEVEL\n"}
    assert read(service(body), files=files, env={"LEVEL": "info"}).services["web"].environment == {
        "A": "1",
        "B": "mine",
        "C": "info",
        "LEVEL": "info",
        "PORT": "8080",
        "RATIO": "1.5",
        "WHOLE": "2",
        "DEBUG": "true",
        "EMPTY": "",
    }


def test_options_go_to_docker_under_the_names_of_its_provider() -> None:
    body = """\
user: 1000:1000
working_dir: /srv
hostname: web
cap_drop: [all]
cap_add: [NET_ADMIN]
security_opt: ["no-new-privileges:true"]
read_only: true
init: true
privileged: false
extra_hosts: ["db:10.0.0.1", "six=::1", "host.docker.internal:host-gateway"]
dns: 1.1.1.1
sysctls: {net.core.somaxconn: 1024}
ulimits: {nofile: {soft: 1024, hard: 2048}, nproc: 64}
shm_size: 64m
mem_limit: 512m
cpus: "0.50"
stop_signal: SIGINT
stop_grace_period: 1m30s
logging: {driver: json-file, options: {max-size: 10m}}
devices: ["/dev/ttyUSB0", "/dev/a:/dev/b:r"]
group_add: [video, 44]
deploy:
  resources: {limits: {memory: 1g}, reservations: {memory: 128m}}
  restart_policy: {condition: on-failure, max_attempts: 3}"""
    web = read(service(body)).services["web"]
    assert web.options == {
        "user": "1000:1000",
        "working_dir": "/srv",
        "hostname": "web",
        "capabilities": {"drops": ["ALL"], "adds": ["CAP_NET_ADMIN"]},
        "security_opts": ["no-new-privileges:true"],
        "read_only": True,
        "init": True,
        "privileged": False,
        "hosts": [
            {"host": "db", "ip": "10.0.0.1"},
            {"host": "host.docker.internal", "ip": "host-gateway"},
            {"host": "six", "ip": "::1"},
        ],
        "dns": ["1.1.1.1"],
        "sysctls": {"net.core.somaxconn": "1024"},
        "ulimits": [
            {"name": "nofile", "soft": 1024, "hard": 2048},
            {"name": "nproc", "soft": 64, "hard": 64},
        ],
        "shm_size": 64,
        "memory": 512,
        "memory_swap": 1024,
        "memory_reservation": 128,
        "cpus": "0.5",
        "stop_signal": "SIGINT",
        "stop_timeout": 90,
        "log_driver": "json-file",
        "log_opts": {"max-size": "10m"},
        "devices": [
            {"host_path": "/dev/ttyUSB0", "container_path": "/dev/ttyUSB0", "permissions": "rwm"},
            {"host_path": "/dev/a", "container_path": "/dev/b", "permissions": "r"},
        ],
        "group_adds": ["video", "44"],
    }
    assert (web.stop_seconds, web.restart, web.max_retries) == (90, "on-failure", 3)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("healthcheck: {test: curl -f http://localhost, interval: 90s}", ("CMD-SHELL", "curl -f http://localhost")),
        ("healthcheck: {test: [CMD, check, a b]}", ("CMD", "check", "a b")),
        ("healthcheck: {test: [NONE]}", ("NONE",)),
        ("healthcheck: {disable: true}", ("NONE",)),
        ("healthcheck: {interval: 5s}", None),
    ],
)
def test_health_checks_in_every_form(body: str, expected: tuple[str, ...] | None) -> None:
    check = read(service(body)).services["web"].healthcheck
    assert isinstance(check, Healthcheck)
    assert check.test == expected


def test_services_come_after_those_they_depend_on() -> None:
    text = """\
services:
  web:
    image: IMAGE
    depends_on:
      migration: {condition: service_completed_successfully}
      cache: {required: false, condition: service_started}
  migration: {image: IMAGE, depends_on: {db: {condition: service_healthy}}}
  db: {image: "postgres:17"}
  old: {image: IMAGE, links: [db]}
  cache: {image: "redis:8", profiles: [cache]}
"""
    project = read(text)
    assert list(project.services) == ["db", "migration", "web", "old"]
    assert project.completed == {"migration"}
    assert project.services["web"].depends_on == (
        Dependency(service="migration", condition="service_completed_successfully"),
    )
    assert project.services["old"].depends_on == (Dependency(service="db"),)


def test_names_of_networks_and_volumes_are_those_of_compose() -> None:
    text = """\
name: shop
services:
  web:
    image: IMAGE
    volumes: [data:/data, kept:/kept, other:/other]
    networks: {default: , back: {aliases: [site], ipv4_address: 10.9.0.2}, proxy: }
volumes:
  data:
  kept: {external: true, name: kept-data}
  other: {external: {name: old-form}}
  unused:
networks:
  back: {internal: true, driver: bridge, ipam: {config: [{subnet: 10.9.0.0/24}]}}
  proxy: {external: true}
"""
    project = read(text)
    assert {one.key: (one.name, one.is_external) for one in project.volumes.values()} == {
        "data": ("shop_data", False),
        "kept": ("kept-data", True),
        "other": ("old-form", True),
    }
    assert {one.key: (one.name, one.is_external) for one in project.networks.values()} == {
        "default": ("shop_default", False),
        "back": ("shop_back", False),
        "proxy": ("proxy", True),
    }
    assert project.networks["back"].options == {
        "driver": "bridge",
        "internal": True,
        "ipam_configs": [{"subnet": "10.9.0.0/24"}],
    }


def test_a_later_file_overrides_an_earlier_one_as_compose_does() -> None:
    base = """\
services:
  web:
    image: IMAGE
    command: [a, b]
    environment: [A=1, B=2]
    labels: {x: "1"}
    ports: ["80:80"]
    volumes: ["one:/data", "/srv:/srv"]
    depends_on: [db]
  db: {image: "postgres:16"}
volumes: {one: , two: }
"""
    override = """\
services:
  web:
    command: [c]
    environment: {B: 3}
    labels: [y=2]
    ports: ["81:81"]
    volumes: ["two:/data"]
    depends_on: {db: {condition: service_healthy}}
  db: {image: "postgres:17"}
"""
    project = read(base, override)
    web = project.services["web"]
    assert web.command == ("c",)
    assert web.environment == {"A": "1", "B": "3"}
    assert web.labels == {"x": "1", "y": "2"}
    assert [port.external for port in web.ports] == [80, 81]
    assert [(mount.volume or mount.host_path, mount.target) for mount in web.mounts] == [
        ("two", "/data"),
        ("/srv", "/srv"),
    ]
    assert web.depends_on == (Dependency(service="db", condition="service_healthy"),)
    assert project.services["db"].image == "postgres:17"


def test_anchors_and_extensions_are_read() -> None:
    text = """\
x-common: &common
  restart: always
  environment: {A: "${UNSET_AND_UNUSED:-1}"}
services:
  web: {<<: *common, image: IMAGE, x-note: anything}
"""
    web = read(text).services["web"]
    assert (web.restart, web.environment) == ("always", {"A": "1"})


def test_a_secret_stays_a_mark_wherever_it_may_be() -> None:
    body = """\
environment: {URL: "postgres://app:${PASSWORD}@db"}
command: run --password ${PASSWORD}
labels: {a: "$PASSWORD"}"""
    web = read(service(body), secrets=["PASSWORD"]).services["web"]
    assert web.environment == {"URL": f"postgres://app:{mark('PASSWORD')}@db"}
    assert web.command == ("run", "--password", mark("PASSWORD"))
    assert web.labels == {"a": mark("PASSWORD")}


@pytest.mark.parametrize(
    ("body", "swapped"),
    [
        ("labels: {traefik.enable: true}", True),
        ("labels: {traefik.http.routers.a.rule: PathPrefix(`/`)}", True),
        ("labels: {traefik.http.routers.a.rule: PathPrefix(`/`), traefik.enable: false}", False),
        ("labels: {traefik.enable: true}\nports: ['80:80']", False),
        ("labels: {traefik.enable: true}\nports: ['80']", True),
        ("labels: {traefik.enable: true}\nvolumes: ['/srv:/srv']", False),
        ("labels: {traefik.enable: true}\nvolumes: ['/srv:/srv:ro']", True),
        ("labels: {traefik.enable: true}\nvolumes: ['/var/run/docker.sock:/var/run/docker.sock']", True),
        ("labels: {traefik.enable: true}\nnetwork_mode: host", False),
        ("labels: {traefik.enable: true, traefik.tcp.routers.a.rule: HostSNI(`*`)}", False),
        ("labels: {traefik.enable: true, Traefik.UDP.services.a.loadbalancer.server.port: 53}", False),
        ("labels: {traefik.http.routers.a.rule: PathPrefix(`/`), traefik.tcp.routers.b.rule: HostSNI(`*`)}", False),
        ("labels: {traefik.enable: true, traefik.tcpish: a}", True),
        ("ports: ['80:80']", False),
    ],
)
def test_a_service_with_a_route_is_swapped_unless_only_one_can_be(body: str, swapped: bool) -> None:
    assert read(service(body)).services["web"].is_swapped is swapped


@pytest.mark.parametrize(
    ("body", "line", "expected"),
    [
        ("pull_policy: always", 4, "services.web.pull_policy is 'always', and an image changes here only if"),
        ("extends: {service: other}", 4, "services.web.extends is not followed; write the keys out"),
        ("volumes_from: [db]", 4, "services.web.volumes_from ties two containers together; name the volumes"),
        ("network_mode: service:db", 4, "services.web.network_mode ties two containers together"),
        ("restart: sometimes", 4, "services.web.restart is 'sometimes'; use no, always"),
        ("ports: ['http']", 4, "services.web.ports.0 is 'http', which is no port"),
        ("ports: ['80-81:80']", 4, "services.web.ports.0 maps 2 ports of the host to 1 of the container"),
        ("volumes: ['data:/data']", 4, "services.web.volumes.0 mounts the volume 'data', which is not declared"),
        ("volumes: ['./data:/data']", 4, "services.web.volumes.0 mounts './data', which is not in the checkout; use"),
        ("volumes: ['./made:/data']", 4, "services.web.volumes.0 mounts the folder './made' of the checkout to be"),
        ("volumes: ['../up:/data:ro']", 4, "services.web.volumes.0 names '../up', which leads out of the checkout"),
        ("volumes: ['~/a:/data']", 4, "services.web.volumes.0 mounts '~/a' of somebody's home; use a named volume"),
        ("env_file: .env", 4, "services.web.env_file.0 names '.env', which is not in the checkout; set its variables"),
        ("environment: [A]", 4, "services.web.environment names A with no value, and it is not set; set"),
        (
            "environment: {A: $B}",
            4,
            "services.web.environment.A takes $B, which is not set; set gitlab-deploy:app.env.B",
        ),
        ("ports: ['$SECRET:80']", 4, "services.web.ports.0 takes SECRET, which is encrypted, and this is no place"),
        ("mem_limit: 100k", 4, "services.web.mem_limit is no whole number of MiB"),
        ("cpus: half", 4, "services.web.cpus is 'half', which is no number; write such as 0.5"),
        ("healthcheck: {test: [curl]}", 4, "services.web.healthcheck.test does not start with NONE, CMD or CMD-SHELL"),
        ("healthcheck: {interval: 10}", 4, "services.web.healthcheck.interval is no duration such as 1m30s"),
        ("deploy: {replicas: 3}", 4, "services.web.deploy.replicas is not 1; write a service for each container"),
        ("depends_on: [db]", 4, "services.web.depends_on names 'db', which is no service here"),
        ("networks: [back]", 4, "services.web.networks names 'back', which is not declared"),
        ("comand: a", 4, "services.web.comand is no key of a service; correct it"),
        ("\nrestart: always\npids_limit: 5", 6, "services.web.pids_limit is nothing that Docker's provider sets"),
        ("read_only: true\nvolumes: ['./one:/one']", 4, "services.web.read_only is set, and Docker puts no file into"),
    ],
)
def test_what_cannot_be_meant_here_is_refused_with_its_line(body: str, line: int, expected: str) -> None:
    files = {"one": "1", "made/one": "1"}
    found = problems(service(body), files=files, secrets=["SECRET"])
    assert len(found) == 1, found
    assert found[0].startswith(f"compose.0.yml:{line} {expected}")
    assert "; " in found[0]


def test_every_problem_is_found_at_once() -> None:
    assert len(problems(service("pull_policy: always\nextends: a\nenvironment: {A: $B, C: $D}"))) == 2
    assert len(problems(service("pull_policy: always\nextends: a\nrestart: x"))) == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("services: {}", "compose.0.yml:1 services is missing or no mapping; declare a service"),
        ("services: {web: {image: 'a:1'}}", "services has no service with the stack's image; write 'image: IMAGE'"),
        ("services: {web: {build: .}}", "services.web is built, and nothing is built on the Docker host; add 'image"),
        ("include: [a.yml]\nservices: {web: {image: IMAGE}}", "include is not followed; name the files in"),
        ("name: Shop\nservices: {web: {image: IMAGE}}", "name is 'Shop'; use small letters"),
        (
            "services: {a: {image: IMAGE, depends_on: [b]}, b: {image: IMAGE, depends_on: [a]}}",
            "services.a.depends_on goes in a circle: a > b > a; cut it",
        ),
        ("- a", "compose.0.yml:1 is no mapping; write a compose file"),
    ],
)
def test_a_file_that_is_no_project_says_why(text: str, expected: str) -> None:
    (found,) = problems(text)
    assert expected in found


def test_build_beside_the_stacks_image_may_stay_and_is_noted() -> None:
    project = read(service("build: {context: ., args: {A: $UNSET}}"))
    assert project.services["web"].is_stacks_own
    assert project.notes == ("compose.0.yml:4 build has no effect; it is for `docker compose build` on your machine",)


def test_every_key_of_the_specification_is_in_one_list() -> None:
    lists = [set(keys.WORKS), set(keys.NO_EFFECT), set(keys.REFUSED)]
    assert sum(map(len, lists)) == len(set().union(*lists))
