"""A later compose file over an earlier one, as compose-go merges them (override/merge.go, override/uncity.go)."""

import pytest

from components.compose.model import Attachment, Dependency, Mount, Service
from tests.support.compose_files import problems, read

WEB = "services:\n  web:\n    image: IMAGE\n"


def over(first: str, later: str, rest: tuple[str, str] = ("", ""), **others: object) -> Service:
    """The service web of two files that give it these keys, in flow style, and these at the top."""
    texts = [
        f"services:\n  web: {{{'image: IMAGE, ' if not number else ''}{keys}}}\n{top}"
        for number, (keys, top) in enumerate(zip((first, later), rest, strict=True))
    ]
    return read(*texts, **others).services["web"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "field", "expected"),
    [
        ("environment: {A: '1'}", "environment", {"A": "1"}),
        ("labels: [a=1]", "labels", {"a": "1"}),
        ("restart: always", "restart", "always"),
        ("volumes: ['/srv/data:/data']", "mounts", (Mount(host_path="/srv/data", target="/data"),)),
        ("command: a b", "command", None),
        ("entrypoint: a b", "entrypoint", None),
    ],
)
def test_a_key_with_nothing_behind_it_takes_nothing_away_but_a_command(key: str, field: str, expected: object) -> None:
    assert getattr(over(key, f"{key.partition(':')[0]}: "), field) == expected


def test_a_network_or_volume_with_nothing_behind_it_stays_what_it_is() -> None:
    first = f"{WEB}    volumes: ['data:/data']\n    networks: [proxy]\n"
    first += "volumes: {data: {external: true, name: pgdata}}\nnetworks: {proxy: {external: true}}\n"
    project = read(first, "services:\n  web:\nvolumes:\n  data:\nnetworks:\n  proxy:\n")
    assert [(one.name, one.is_external) for one in project.volumes.values()] == [("pgdata", True)]
    assert [(one.name, one.is_external) for one in project.networks.values()] == [("proxy", True)]


def test_a_variable_with_no_value_is_taken_from_the_stack_again() -> None:
    assert over("environment: {A: '1'}", "environment: [A]", env={"A": "2"}).environment == {"A": "2"}


def test_names_alone_keep_what_the_earlier_file_says_of_a_network() -> None:
    nets = ("networks: {back: {}}\n", "")
    web = over("networks: {back: {aliases: [api], ipv4_address: 10.0.0.9}}", "networks: [back]", nets)
    assert web.networks == (Attachment(network="back", aliases=("api",), options={"ipv4_address": "10.0.0.9"}),)


def test_names_alone_say_how_to_wait_for_a_service() -> None:
    more = "  db: {image: postgres:17}\n"
    later = "services:\n  web: {depends_on: [db]}\n"
    web = read(f"{WEB}    depends_on: {{db: {{condition: service_healthy}}}}\n{more}", later).services["web"]
    assert web.depends_on == (Dependency(service="db"),)


@pytest.mark.parametrize(
    ("first", "later", "options"),
    [
        (
            "logging: {driver: json-file, options: {max-size: 10m}}",
            "logging: {driver: syslog, options: {tag: web}}",
            {"log_driver": "syslog", "log_opts": {"tag": "web"}},
        ),
        (
            "logging: {driver: json-file, options: {max-size: 10m}}",
            "logging: {options: {max-file: '3'}}",
            {"log_driver": "json-file", "log_opts": {"max-size": "10m", "max-file": "3"}},
        ),
        (
            "ulimits: {nofile: {soft: 1, hard: 2}}",
            "ulimits: {nofile: 5}",
            {"ulimits": [{"name": "nofile", "soft": 5, "hard": 5}]},
        ),
        (
            "devices: ['/dev/a:/dev/x:r']",
            "devices: ['/dev/b:/dev/x']",
            {"devices": [{"host_path": "/dev/b", "container_path": "/dev/x", "permissions": "rwm"}]},
        ),
        ("tmpfs: ['/run']", "tmpfs: ['/run', /tmp]", {"tmpfs": {"/run": "", "/tmp": ""}}),
    ],
)
def test_what_stands_for_the_same_thing_is_there_once(first: str, later: str, options: dict[str, object]) -> None:
    assert over(first, later).options == options


@pytest.mark.parametrize(
    "first", ["/srv/a:/data/", "${DATA:-/srv/a}:/data", "{type: bind, source: /srv/a, target: /data}"]
)
def test_a_mount_is_known_by_its_target(first: str) -> None:
    quoted = first if first.startswith("{") else f"'{first}'"
    web = over(f"volumes: [{quoted}]", "volumes: ['/srv/b:/data']")
    assert web.mounts == (Mount(host_path="/srv/b", target="/data"),)


def test_labels_of_a_volume_are_merged_in_both_forms() -> None:
    rest = ("volumes: {data: {labels: [a=1]}}\n", "volumes: {data: {labels: {b: '2'}}}\n")
    texts = [f"{WEB}    volumes: ['data:/data']\n{rest[0]}", f"services: {{}}\n{rest[1]}"]
    assert read(*texts).volumes["data"].options == {"labels": {"a": "1", "b": "2"}}


def test_a_file_can_take_away_or_replace_what_another_says() -> None:
    first = f"{WEB}    ports: ['80:80', '443:443']\n    environment: {{A: '1', B: '2'}}\n    labels: [a=1]\n"
    taken = "    labels: !reset null\n    environment: {A: !reset null}\n"
    later = f"services:\n  web:\n    ports: !override ['8080:80']\n{taken}"
    web = read(first, later).services["web"]
    assert ([port.external for port in web.ports], web.environment, web.labels) == ([8080], {"B": "2"}, {})


def test_what_is_taken_away_in_the_only_file_is_not_there() -> None:
    web = read(f"{WEB}    ports: !reset ['80:80']\n    user: !override '1000'\n").services["web"]
    assert (web.ports, web.options) == ((), {"user": "1000"})


def test_another_tag_is_refused() -> None:
    [problem] = problems(f"{WEB}    ports: !mine []\n")
    assert "has the tag !mine" in problem


def test_what_is_taken_away_is_that_of_files_before_and_items_may_be() -> None:
    first = f"x-b: &b {{ports: !reset []}}\n{WEB}    <<: *b\n    ports: ['80:80']\n    expose: [!reset 1, 2]\n"
    assert [port.external for port in read(first).services["web"].ports] == [80]
    taken = f"{WEB}    ports: [!reset '80:80', '81:81']\n"
    assert [port.external for port in read(taken).services["web"].ports] == [81]


@pytest.mark.parametrize("name", ["args", "options", "labels", "environment", "networks", "command", "test", "volumes"])
@pytest.mark.parametrize("key", ["environment", "labels"])
def test_a_variable_or_label_may_have_the_name_of_a_key(key: str, name: str) -> None:
    web = over(f"{key}: {{{name}: a}}", f"{key}: {{{name}: b, c: d}}")
    assert getattr(web, key) == {name: "b", "c": "d"}
    assert over(f"labels: {{{name}: }}", f"labels: {{{name}: , c: }}").labels == {name: "", "c": ""}


def test_a_driver_of_the_log_that_is_no_text_is_refused() -> None:
    [problem] = problems(f"{WEB}    logging: {{driver: [a]}}\n", "services: {web: {logging: {options: {a: b}}}}\n")
    assert "services.web.logging.driver is no text" in problem
    assert over("logging: {driver: [a]}", "logging: {driver: b}").options == {"log_driver": "b", "log_opts": {}}
