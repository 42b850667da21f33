"""What one service says, where compose has a rule of its own; the rest is in test_reader."""

import pytest

from components.compose.model import Attachment, Service
from tests.support.compose_files import problems, read, service


def web(body: str, **others: object) -> Service:
    return read(service(body), **others).services["web"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "command", "entrypoint"),
    [
        ("command: [a, b]\nentrypoint: [c]", ("a", "b"), ("c",)),
        ("command: [a, '', b]\nentrypoint: [c]", None, ("c", "a", "", "b")),
        ("command: a b\nentrypoint: []", None, ("a", "b")),
        ("command: a b\nentrypoint: ''", None, ("a", "b")),
        ("command: []", (), None),
        ("command: a b\nentrypoint: ['']", None, ("a", "b")),
    ],
)
def test_words_that_the_provider_cannot_send_are_given_as_the_entrypoint(
    body: str, command: tuple[str, ...] | None, entrypoint: tuple[str, ...] | None
) -> None:
    assert (web(body).command, web(body).entrypoint) == (command, entrypoint)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("command: redis-server --save '' --appendonly no", "command has an empty word, which Docker's provider ref"),
        ("entrypoint: []", "entrypoint is empty, which Docker's provider takes for the image's own; write the program"),
        ("command: a && b", "command has '&', which means something to a shell, and no shell reads it; write it as a"),
        ("restart: on-failure:²", "restart is 'on-failure:²'; use no, always"),
        ("tty: perhaps", "tty is neither true nor false"),
        ("init: [a]", "init is neither true nor false"),
        ("blkio_config: {weight: 1}", "blkio_config is nothing that is tried here"),
        (f"env_file: {'a' * 300}", f"env_file.0 names '{'a' * 200}', which cannot be read (File name too long); che"),
        (f"volumes: ['./{'a' * 300}:/a']", f"volumes.0 names './{'a' * 198}', which cannot be read (File name too"),
        ("security_opt: ['seccomp:./no.json']", "security_opt names './no.json', which is no file of the checkout"),
        ("security_opt: ['seccomp:./bad.json']", "security_opt names './bad.json', which is no JSON; correct the"),
    ],
)
def test_what_cannot_be_meant_says_so_with_the_way_out(body: str, expected: str) -> None:
    [problem] = problems(service(body), files={"bad.json": "{"})
    assert f"services.web.{expected}" in problem


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("restart: always\ndeploy: {restart_policy: {condition: on-failure, max_attempts: 3}}", ("on-failure", 3)),
        ("restart: always\ndeploy: {restart_policy: {condition: none}}", ("no", None)),
        ("restart: unless-stopped\ndeploy: {restart_policy: {delay: 5s}}", ("unless-stopped", None)),
        ("deploy: {restart_policy: {max_attempts: 3}}", ("always", None)),
        ("restart: on-failure:5", ("on-failure", 5)),
    ],
)
def test_the_restart_policy_of_deploy_comes_first(body: str, expected: tuple[str, int | None]) -> None:
    assert (web(body).restart, web(body).max_retries) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("yes", True), ("On", True), ("'y'", True), ("no", False), ("off", False)]
)
def test_booleans_may_be_written_as_yaml_had_them_before(text: str, *, expected: bool) -> None:
    assert web(f"tty: {text}").options == {"tty": expected}


def test_options_of_the_log_leave_its_driver_to_the_host() -> None:
    assert web("logging: {options: {tag: web}}").options == {"log_opts": {"tag": "web"}}


@pytest.mark.parametrize("given", ["[]", "{}", ""])
def test_a_service_with_no_network_is_on_the_default_one(given: str) -> None:
    assert web(f"networks: {given}").networks == (Attachment(network="default"),)


def test_a_restart_with_another_service_is_noted() -> None:
    body = "depends_on: {db: {condition: service_started, restart: true}}"
    project = read(f"{service(body)}  db: {{image: 'postgres:17'}}\n")
    assert [note.partition(" ")[2] for note in project.notes] == [
        "depends_on.restart has no effect; a container that did not change is left alone"
    ]


RULE = "traefik.http.routers.r.rule=Host(`a.example.org`)"


@pytest.mark.parametrize(
    ("body", "is_noted"),
    [
        (f"labels: ['{RULE}']", True),
        ("environment: {VIRTUAL_HOST: a}", True),
        (f"labels: ['{RULE}', 'traefik.http.services.a.loadbalancer.server.port=80']", False),
        ("labels: ['traefik.enable=false']", False),
    ],
)
def test_a_port_that_no_proxy_finds_is_noted(body: str, *, is_noted: bool) -> None:
    notes = read(service(f"expose: [3000]\n{body}")).notes
    said = "compose.0.yml:4 expose has no effect, and a proxy goes by what the image exposes"
    assert [note.partition(":")[0] + ":" + note.split(":")[1] for note in notes] == [said] * is_noted


@pytest.mark.parametrize("given", ["1e6", "1000000", "'1000000'", "1000000.0"])
def test_a_whole_number_may_be_written_with_an_exponent(given: str) -> None:
    assert web(f"cpu_shares: {given}").options == {"cpu_shares": 1000000}


def test_a_profile_for_seccomp_is_sent_as_its_content() -> None:
    body = "security_opt: ['seccomp:./own.json', 'seccomp=unconfined', 'apparmor=a']"
    found = web(body, files={"own.json": '{ "a": [1, 2] }'}).options
    assert found == {"security_opts": ['seccomp={"a":[1,2]}', "seccomp=unconfined", "apparmor=a"]}


def test_configs_and_secrets_that_nothing_uses_are_not_looked_for() -> None:
    rest = """\
  debug: {image: 'a:1', profiles: [debug], secrets: [dev]}
secrets: {dev: {file: ./dev.txt}, swarm: {external: true}, used: {file: ./used.txt}}
configs: {none: {external: true}}
"""
    project = read(f"{service('secrets: [used]')}{rest}", files={"used.txt": "a"})
    assert [one.target for one in project.services["web"].uploads] == ["/run/secrets/used"]
    [problem] = problems(f"{service('secrets: [used]')}{rest}")
    assert "secrets.used names './used.txt', which is not in the checkout; set its content as app.secrets" in problem


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        (
            "volumes: {data: {driver: local, driver_opts: {type: none, o: bind, device: ./data}}}",
            "volumes.data.driver_opts has the device './data', which the Docker host does not have; name an absolute",
        ),
        (
            "volumes: {data: }\nnetworks: {default: {enable_ipv4: false}}",
            "networks.default.enable_ipv4 is false, which",
        ),
    ],
)
def test_what_docker_is_not_given_is_refused(rest: str, expected: str) -> None:
    [problem] = problems(service("volumes: ['data:/data']", rest=rest))
    assert expected in problem
