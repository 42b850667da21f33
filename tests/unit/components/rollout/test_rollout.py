import asyncio
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from components.rollout.reasons import CAUSE, is_complete, reasons
from components.rollout.rollout import BrokenError, Rollout, RolloutError
from components.rollout.workload import Workload
from tests.support.kubernetes_objects import BACK_OFF, BEFORE, IMAGE, PULL, UNREADY, cluster, pod

LABELS = {"app": "web"}
WEB = Workload(name="web", images={"app": IMAGE}, generation=7, services=("web",))

waited_for = Rollout.wait
"""Before a fixture takes it away."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The time, which only sleeping moves."""
    now = [0.0]

    async def sleep(seconds: float) -> None:
        now[0] += seconds

    with monkeypatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: now[0])
        patch.setattr("components.rollout.rollout.asyncio.sleep", sleep)
        yield now


def answering(at: Callable[[], list[dict[str, Any]]]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """kubectl on a cluster that is as `at` says."""
    event = {"message": "Readiness probe failed: 503", "lastTimestamp": "2026-11-24T11:00:00Z"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        answers = {"get": {"items": at()}, "events": {"items": [event]}}
        text = (
            "first\n\x1b[31msection_start:1:fake\r\x1b[0Klast line\n"
            if arguments[0] == "logs"
            else json.dumps(answers.get(arguments[1], answers["get"]))
        )
        return subprocess.CompletedProcess(arguments, 0, stdout=text, stderr="")

    return run


def wait(
    at: Callable[[], list[dict[str, Any]]], seconds: int = 60, inform: Callable[[str], object] = print
) -> list[str]:
    """Waits for the rollout, and gives what was reported meanwhile."""
    warnings: list[str] = []
    rollout = Rollout(
        namespace="example",
        title=f"example/web to {IMAGE}",
        workloads=[WEB],
        selector=LABELS,
        seconds=seconds,
        grace=16,
        run=answering(at),
    )
    asyncio.run(waited_for(rollout, warnings.append, inform))
    return warnings


def test_wait_ends_when_the_rollout_is_complete(clock: list[float]) -> None:
    assert wait(lambda: cluster() if clock[0] > 5 else cluster(pod("a", container=UNREADY), availableReplicas=0)) == []
    assert clock[0] == 6


def test_what_has_no_readiness_probe_has_to_stay_complete(clock: list[float]) -> None:
    def at() -> list[dict[str, Any]]:
        # Its container has been started at 1, and has ended at 3.
        is_up = 1 <= clock[0] < 3 or clock[0] >= 10
        objects = cluster() if is_up else cluster(pod("a", container=UNREADY), availableReplicas=0)
        (deployment,) = (item for item in objects if item["kind"] == "Deployment")
        del deployment["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]
        return objects

    wait(at)
    assert clock[0] == 13
    # What is complete at first was not changed.
    wait(at)
    assert clock[0] == 13


def test_wait_that_is_over_says_nothing_more(clock: list[float]) -> None:
    informed: list[str] = []
    at = lambda: cluster() if clock[0] > 5 else cluster(pod("a", container=UNREADY), availableReplicas=0)  # noqa: E731
    wait(at, inform=informed.append)
    assert informed
    assert "" not in informed


def test_broken_rollout_ends_the_wait_with_reason_events_and_log(clock: list[float]) -> None:
    with pytest.raises(BrokenError) as broken:
        # The kubelet reports the two in turn.
        wait(lambda: cluster(pod("x", container=PULL if clock[0] % 2 else BACK_OFF), availableReplicas=0))
    assert str(broken.value).splitlines() == [
        "The rollout of example/web to blog:2.0.0 failed after 16 s:",
        "  Pod x: its image cannot be pulled: Back-off pulling",
        "    event: Readiness probe failed: 503",
        "    log: first",
        "    log: last line",
    ]


def test_an_image_that_does_not_exist_is_reported_at_once(clock: list[float]) -> None:
    message = "rpc error: code = NotFound desc = failed to pull and unpack image: not found"
    gone = {**PULL, "state": {"waiting": {"reason": "ErrImagePull", "message": message}}}
    with pytest.raises(BrokenError, match="Pod x: its image cannot be pulled: rpc error: code = NotFound"):
        wait(lambda: cluster(pod("x", container=gone), availableReplicas=0))
    assert clock == [0]


def test_reason_that_goes_away_is_forgotten(clock: list[float]) -> None:
    def at() -> list[dict[str, Any]]:
        container = PULL if clock[0] in {0, 1, 2, 3, 10, 11, 12, 13} else UNREADY
        return cluster() if clock[0] > 16 else cluster(pod("x", container=container), availableReplicas=0)

    wait(at)
    assert clock[0] == 17


def test_reason_that_may_pass_is_reported_once_and_ends_the_wait_at_its_limit(clock: list[float]) -> None:
    warnings: list[str] = []
    at = answering(lambda: cluster(pod("x", container=UNREADY), availableReplicas=0))
    rollout = Rollout(
        namespace="example",
        title=f"example/web to {IMAGE}",
        workloads=[WEB],
        selector=LABELS,
        seconds=30,
        grace=16,
        run=at,
    )
    with pytest.raises(RolloutError, match=r"(?s)failed after 30 s:\n  Pod x: its container runs and is not ready"):
        asyncio.run(waited_for(rollout, warnings.append, print))
    assert warnings == ["Pod x: its container runs and is not ready; waiting for 30 s at most"]
    assert clock[0] == 30


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([], "after 16 s:\n  The Deployment does not exist; 'pulumi up --refresh' creates it again"),
        (
            cluster(image=BEFORE),
            "after 16 s:\n  The Deployment was given the image blog:1.0.0 by hand; 'pulumi up --ref",
        ),
        (cluster(availableReplicas=1), "after 30 s:\n  Some of its Pods do not exist yet; see 'kubectl describe pods'"),
    ],
)
def test_rollout_without_broken_pods_says_why_it_failed(
    clock: list[float], objects: list[dict[str, Any]], expected: str
) -> None:
    with pytest.raises(RolloutError) as broken:
        wait(lambda: objects, seconds=30)
    assert expected in str(broken.value)
    # What was changed by hand is not for us to roll back.
    assert isinstance(broken.value, BrokenError) is (clock == [30])


def test_cluster_that_does_not_answer_for_a_moment_is_asked_again(clock: list[float]) -> None:
    there = answering(cluster)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        if clock[0] in {0, 1, 2}:
            return subprocess.CompletedProcess(arguments, 1, stdout="", stderr="connection refused")
        return there(*arguments)

    asyncio.run(
        waited_for(
            Rollout(
                namespace="example",
                title=f"example/web to {IMAGE}",
                workloads=[WEB],
                selector=LABELS,
                seconds=60,
                grace=16,
                run=run,
            ),
            print,
            print,
        )
    )
    assert clock == [3]


def test_cluster_that_refuses_is_one_sentence(clock: list[float]) -> None:
    def refuse(*arguments: str) -> subprocess.CompletedProcess[str]:
        said = "Error from server (Forbidden): pods\nWarning: v1 Endpoints is deprecated in v1.33+\n"
        return subprocess.CompletedProcess(arguments, 1, stdout="", stderr=said)

    rollout = Rollout(
        namespace="example",
        title=f"example/web to {IMAGE}",
        workloads=[WEB],
        selector=LABELS,
        seconds=5,
        grace=16,
        run=refuse,
    )
    with pytest.raises(
        RolloutError, match=r"example/web to blog:2.0.0 cannot be watched: Error from server \(Forbidden\): pods; check"
    ):
        asyncio.run(waited_for(rollout, print, print))
    assert clock == [16]


def commands(failing: str = "") -> tuple[Rollout, list[tuple[str, ...]]]:
    """A rollout, and the commands that kubectl gets; the command `failing` fails."""
    given: list[tuple[str, ...]] = []

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        given.append(arguments)
        failed = failing in arguments
        return subprocess.CompletedProcess(
            arguments, int(failed), stdout="", stderr="error: no rollout history found\n"
        )

    return Rollout(
        namespace="example",
        title=f"example/web to {IMAGE}",
        workloads=[WEB],
        selector=LABELS,
        seconds=30,
        grace=16,
        run=run,
    ), given


def test_rollback_goes_one_revision_back_and_notes_its_cause() -> None:
    rollout, given = commands()
    assert asyncio.run(rollout.roll_back()) == "The Deployment was rolled back one revision"
    why = "rolled back after the rollout of blog:2.0.0 (generation 7) had failed"
    assert given == [
        ("rollout", "undo", "deployment/web", "--namespace", "example"),
        ("annotate", "--overwrite", "deployment/web", "--namespace", "example", f"{CAUSE}={why}"),
        ("rollout", "status", "deployment/web", "--namespace", "example", "--timeout=30s"),
    ]
    # Settings and secrets break a rollout too, and then the image is the same.
    for runs in (BEFORE, IMAGE):
        objects = cluster(image=runs)
        objects[0]["metadata"]["annotations"][CAUSE] = why
        [reason] = reasons(objects, WEB)
        assert reason.text == (
            f"The Deployment runs {runs}, {why}; change what broke it, or try again with 'pulumi up --refresh'"
        )
        assert not is_complete(objects, WEB)


def test_what_is_declared_after_a_rollback_is_complete_again() -> None:
    rollout, given = commands()
    asyncio.run(rollout.roll_back())
    objects = cluster()
    objects[0]["metadata"]["annotations"][CAUSE] = given[1][-1].partition("=")[2]
    assert is_complete(objects, replace(WEB, generation=9))


def test_missing_revision_is_reported() -> None:
    rollout, given = commands(failing="undo")
    assert asyncio.run(rollout.roll_back()) == "The Deployment could not be rolled back: no rollout history found"
    assert len(given) == 1
