import json

import pytest

from components.compose.trial import ServiceTrial, is_tried
from components.docker_app.remote_docker import ApiAnswer
from tests.support.compose_files import read, service
from tests.support.docker_double import DockerDouble, done


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("ports: ['80:80']", True),
        ("ports: ['80:80']\nuser: a\nulimits: {nofile: 1}\ncpus: 1", True),
        ("ports: ['80:80']\nvolumes: ['/var/run/docker.sock:/a.sock', '/srv:/srv:ro']", True),
        ("command: a", False),
        ("ports: ['80:80']\nvolumes: ['/srv:/srv']", False),
        ("ports: ['80:80']\nnetwork_mode: host", False),
        ("ports: ['80:80']\ndevices: ['/dev/kvm']", False),
    ],
)
def test_only_what_can_be_beside_the_old_one_is_tried(body: str, expected: bool) -> None:
    assert is_tried(read(service(body)).services["web"]) is expected


def test_a_trial_is_as_the_file_says_but_for_its_ports() -> None:
    body = """\
ports: ['80:80']
command: [serve, --key=$KEY]
environment: {KEY: $KEY}
user: "1000"
cap_drop: [ALL]
read_only: true
mem_limit: 64m
networks: [back]
volumes: ['data:/data:ro', '/srv:/srv:ro', /cache]
extra_hosts: ['db:10.0.0.1']
ulimits: {nofile: 9}
healthcheck: {test: [CMD, ask, $KEY], interval: 2s, retries: 4}"""
    project = read(service(body, rest="volumes: {data: }\nnetworks: {back: }"), secrets=["KEY"])

    def api(_: str, path: str) -> ApiAnswer:
        refused = ApiAnswer(status=400, body=json.dumps({"message": "no, says canary"}))
        return refused if "create" in path else ApiAnswer(status=200, body="[]")

    trial = ServiceTrial(
        beside="blog-web-1",
        owner="o",
        identity="own-id",
        image="sha256:2",
        seconds=1,
        networks=["blog_back"],
        secrets=("canary",),
        service=project.services["web"],
        project=project,
        values={"KEY": "canary"},
    )
    remote = DockerDouble(api=api, answer=lambda *arguments: done(arguments, stdout="sha256:1\n"))
    assert trial.problem(remote) == "no, says [secret]"
    assert json.loads(remote.bodies[-1]) == (
        {
            "Image": "sha256:2",
            "Env": ["KEY=canary"],
            "User": "1000",
            "WorkingDir": "",
            "Labels": {"gitlab-deploy.trial": "o", "gitlab-deploy.id": "own-id", "traefik.enable": "false"},
            "Volumes": {"/cache": {}},
            "Cmd": ["serve", "--key=canary"],
            "Healthcheck": {"Test": ["CMD", "ask", "canary"], "Interval": 2 * 10**9, "Retries": 4},
            "HostConfig": {
                "ReadonlyRootfs": True,
                "NetworkMode": "blog_back",
                "Binds": ["blog_data:/data:ro", "/srv:/srv:ro"],
                "CapDrop": ["ALL"],
                "ExtraHosts": ["db:10.0.0.1"],
                "Memory": 64 << 20,
                "Ulimits": [{"Name": "nofile", "Soft": 9, "Hard": 9}],
            },
        }
    )
