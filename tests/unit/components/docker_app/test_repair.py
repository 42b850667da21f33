import json

import pytest

from components.docker_app.remote_docker import ApiAnswer
from components.docker_app.repair import repair
from tests.support.docker_double import DockerDouble, done


def host(*states: dict[str, object]) -> DockerDouble:
    """A Docker host whose container has these states, one after the other."""
    left = list(states)

    def api(method: str, _path: str) -> ApiAnswer:
        if method != "GET":
            return ApiAnswer(status=304, body="")
        return ApiAnswer(status=200, body=json.dumps({"State": left.pop(0) if len(left) > 1 else left[0]}))

    shown = json.dumps({"Status": "running", "Health": {"Status": "unhealthy"}})
    return DockerDouble(api=api, answer=lambda *words: done(words, shown if words[0] == "inspect" else "0 canary\n"))


def state(health: str, *, paused: bool = False) -> dict[str, object]:
    return {"Paused": paused, "Health": {"Status": health}}


def test_container_is_waited_for_until_it_is_healthy_and_not_paused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.docker_app.repair._POLL_SECONDS", 0)
    remote = host(state("healthy", paused=True), state("starting"), state("healthy"))
    assert repair(remote, "own", 60, ()) == []
    assert [path for _, path in remote.requests][:2] == ["/containers/own/unpause", "/containers/own/start"]
    assert len(remote.requests) == 5


def test_container_that_stays_unhealthy_is_shown_without_its_secrets() -> None:
    lines = repair(host(state("unhealthy")), "own", -1, ("canary",))
    assert lines == ["Container own: running, unhealthy", "  log: [secret]"]


def test_container_that_is_gone_is_said_so() -> None:
    gone = ApiAnswer(status=404, body=json.dumps({"message": "No such container: own"}))
    assert repair(DockerDouble(api=lambda *_: gone), "own", 60, ()) == ["No such container: own"]
