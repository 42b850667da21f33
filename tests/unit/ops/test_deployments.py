"""The runs of a stack, as Pulumi's history has them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ops import deployments

JOB = "https://gitlab.example.com/group/blog/-/jobs/5"


def entry(image: str | None, hour: int, **more: Any) -> dict[str, Any]:
    config: dict[str, Any] = {"gitlab-deploy:gitlabToken": {"secret": True, "value": "glpat-canary"}}
    if image:
        config["gitlab-deploy:image"] = {"value": image, "secret": False}
    return {
        "kind": "update",
        "startTime": f"2026-11-26T{hour:02}:00:00.000Z",
        "endTime": f"2026-11-26T{hour:02}:00:14.000Z",
        "result": "succeeded",
        "config": config,
        "environment": {"ci.build.url": JOB, "ci.build.number": "12", "git.head": "abcdef0"},
        "resourceChanges": {"same": 3, "update": 2},
    } | more


def read(*entries: dict[str, Any]) -> tuple[deployments.Deployment, ...]:
    return deployments.read(json.dumps(entries))


def test_a_run_has_its_time_image_commit_and_job_and_no_other_value() -> None:
    (found,) = read(entry("blog:1", 8))
    assert found.json() == {
        "begun": "2026-11-26T08:00:00+00:00",
        "seconds": 14,
        "kind": "update",
        "succeeded": True,
        "image": "blog:1",
        "commit": "abcdef0",
        "url": JOB,
        "pipeline": "12",
        "changes": {"update": 2},
    }
    assert "canary" not in json.dumps(found.json())


def test_an_image_that_is_a_secret_and_a_run_that_goes_on_are_left_out() -> None:
    sealed = entry(None, 8, config={"gitlab-deploy:image": {"secret": True, "value": "canary"}})
    (found,) = read(entry("blog:2", 9, result="in-progress"), sealed)
    assert found.image is None
    assert deployments.read("") == ()


def test_an_image_runs_since_the_end_of_the_run_that_first_named_it() -> None:
    runs = read(
        entry(None, 12),
        entry("blog:2", 11, result="failed"),
        entry("blog:2", 10),
        entry(None, 9, kind="refresh"),
        entry("blog:2", 8),
        entry("blog:1", 7),
    )
    pinned = f"blog:2@sha256:{'a' * 64}"
    assert deployments.since(runs, pinned) == datetime(2026, 11, 26, 8, 0, 14, tzinfo=UTC)


def test_since_when_an_image_runs_that_no_run_named_is_not_known() -> None:
    assert deployments.since(read(entry("blog:1", 8)), "blog:2") is None
    assert deployments.since(read(entry("blog:1", 8)), None) is None
    assert deployments.since((), "blog:2") is None


@pytest.mark.parametrize(
    "text", ["javascript:alert(1)", "data:text/html,x", "//evil", "", None, "https://user:word@host/", "http://[bad"]
)
def test_what_is_no_plain_address_of_the_web_is_no_link(text: str | None) -> None:
    assert deployments.web_address(text) is None
    assert deployments.web_address(JOB) == JOB
