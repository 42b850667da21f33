import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from components.rollout import watch
from components.rollout.watch import Watch, event, may_be_complete, path
from components.rollout.workload import Workload
from tests.support.kubernetes_objects import IMAGE, cluster

WEB = Workload(name="web", images={"app": IMAGE})
JOB = Workload(kind="Job", name="migrate", images={"app": IMAGE})
DEPLOYMENT: Any = next(item for item in cluster() if item["kind"] == "Deployment")


def line(**status: int) -> str:
    return json.dumps({"type": "MODIFIED", "object": {**DEPLOYMENT, "status": {**DEPLOYMENT["status"], **status}}})


LOCAL = """\
#!/bin/sh
case "$*" in
*" config view "*) echo "SERVER"; exit ;;
*" version "*) echo '{"clientVersion": {"major": "1", "minor": "33"}}'; exit ;;
esac
echo "$*" >>"STARTED"
"""


def kubectl(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    *said: str,
    then: str = "exec sleep 60",
    server: str = "https://here:6443",
) -> Path:
    """A kubectl that says these lines to a watch, and goes on; the file has a line for each watch that was started."""
    started = tmp_path / "started"
    started.touch()
    program = tmp_path / "kubectl"
    printed = "".join(f"cat <<'END'\n{text}\nEND\n" for text in said)
    program.write_text(f"{LOCAL.replace('SERVER', server).replace('STARTED', str(started))}{printed}{then}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return started


def pause(seconds: float, *workloads: Workload, times: int = 1) -> float:
    """How long as many pauses last, of so many seconds each, that the watch may end."""

    async def run() -> float:
        begun = time.monotonic()
        watching = Watch("example", workloads or [WEB], 60)
        try:
            for _ in range(times):
                await watching.changed(seconds)
        finally:
            watching.close()
        return time.monotonic() - begun

    return asyncio.run(run())


def until(started: Path, count: int, *workloads: Workload, seconds: int = 60) -> list[str]:
    """The requests for watches, once there are so many."""

    async def run() -> None:
        watching = Watch("example", workloads or [WEB], seconds)
        try:
            async with asyncio.timeout(60):
                while len(requests(started)) < count:
                    await watching.changed(0.05)
        finally:
            watching.close()

    asyncio.run(run())
    return requests(started)


def requests(started: Path) -> list[str]:
    return started.read_text().splitlines()


def test_a_workload_that_may_be_complete_ends_the_pause(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started = kubectl(monkeypatch, tmp_path, line(availableReplicas=0), line())
    # Were it not ended, the test would last for an hour.
    pause(3600)
    (asked,) = started.read_text().splitlines()
    found, _, seconds = asked.partition("&timeoutSeconds=")
    assert found == f"get --raw {path('Deployment', 'example', ['web'])}"
    assert 0 < int(seconds) <= 60


def test_other_changes_and_other_workloads_end_no_pause(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kubectl(monkeypatch, tmp_path, line(availableReplicas=0), line(), "no JSON")
    soon: list[float] = []
    monkeypatch.setattr(watch, "_SOON_TIMES", 0)
    other = Workload(name="other", images={"app": IMAGE})
    monkeypatch.setattr(asyncio, "wait_for", _noting(soon))
    pause(0.5, other)
    assert soon == [0.5]


def test_after_an_end_the_next_pauses_are_short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kubectl(monkeypatch, tmp_path, line())
    asked: list[float] = []
    monkeypatch.setattr(asyncio, "wait_for", _noting(asked))
    pause(60, times=3)
    assert asked == [60, 0.25, 0.25]


def test_one_process_watches_all_workloads_of_a_kind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started = kubectl(monkeypatch, tmp_path, line())
    found = sorted(until(started, 2, WEB, Workload(name="api", images={"app": IMAGE}), JOB))
    assert [one.split("?")[0].rpartition("/")[2] for one in found] == ["deployments", "jobs"]
    assert "fieldSelector" not in found[0]
    assert "fieldSelector=metadata.name%3Dmigrate" in found[1]


@pytest.mark.parametrize("said", [line(), "Error from server (Forbidden): deployments.apps is forbidden"])
def test_a_watch_that_ends_is_begun_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str) -> None:
    monkeypatch.setattr(watch, "_AGAIN_SECONDS", 0.01)
    started = kubectl(monkeypatch, tmp_path, said, then="exit 0")
    assert len(until(started, 3)) >= 3


def test_no_request_lasts_longer_than_servers_let_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (asked,) = until(kubectl(monkeypatch, tmp_path), 1, seconds=3600)
    assert asked.endswith("&timeoutSeconds=300")


def test_a_watch_that_is_closed_leaves_no_thread_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(watch, "_AGAIN_SECONDS", 3600)
    until(kubectl(monkeypatch, tmp_path), 1)
    until(kubectl(monkeypatch, tmp_path, then="exit 0"), 2, WEB, JOB)
    for thread in threading.enumerate():
        if thread.name.startswith("watch-"):
            thread.join(60)
            assert not thread.is_alive()


def test_a_watch_is_below_the_path_of_the_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started = kubectl(monkeypatch, tmp_path, server="https://rancher.example.org/k8s/clusters/c-abc")
    (asked,) = until(started, 1)
    assert asked.startswith("get --raw /k8s/clusters/c-abc/apis/apps/v1/namespaces/example/deployments?watch=true&")


def test_without_kubectl_the_time_ends_the_pause(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    asked: list[float] = []
    monkeypatch.setattr(asyncio, "wait_for", _noting(asked))
    pause(0.1)
    assert asked == [0.1]


@pytest.mark.parametrize(
    ("kind", "found", "expected"),
    [
        ("Deployment", {}, True),
        ("Deployment", {"observedGeneration": 1}, False),
        ("Deployment", {"replicas": 3}, False),
        ("Deployment", {"updatedReplicas": 1}, False),
        ("StatefulSet", {}, True),
        ("DaemonSet", {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2}, True),
        ("DaemonSet", {"desiredNumberScheduled": 2, "updatedNumberScheduled": 1, "numberAvailable": 2}, False),
        ("Job", {}, False),
        ("Job", {"conditions": [{"type": "Complete", "status": "True"}]}, True),
        ("Job", {"conditions": [{"type": "Failed", "status": "True"}]}, True),
    ],
)
def test_a_workload_says_of_itself_whether_it_may_be_complete(kind: str, found: dict[str, Any], expected: bool) -> None:
    assert may_be_complete(kind, {**DEPLOYMENT, "status": {**DEPLOYMENT["status"], **found}}) is expected


def test_a_line_without_an_object_is_no_event() -> None:
    assert event("Error from server (Forbidden): deployments.apps is forbidden") is None
    assert event(json.dumps({"type": "ERROR", "object": {"kind": "Status", "metadata": {}}})) is None
    assert event(line()) == json.loads(line())["object"]


def _noting(asked: list[float]) -> Any:
    real = asyncio.wait_for

    async def wait_for(awaited: Any, seconds: float) -> Any:
        asked.append(seconds)
        return await real(awaited, seconds)

    return wait_for
