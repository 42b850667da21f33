"""An `up` on a real Docker host that is killed at any of its steps, and the documented recovery."""

from functools import partial
from typing import Any

import pytest

from sandbox.machine.waiting import wait
from tests.sandbox.components.docker_app.clone import PUBLISHED, Make, ids, running_version
from tests.support.docker_sandbox import SITE, Sandbox
from tests.support.killed import killed_ups


@pytest.mark.parametrize("block", [{"host": SITE}, {"publish": PUBLISHED}], ids=["routed", "published"])
def test_after_a_kill_at_any_step_one_up_makes_exactly_one_version_serve(
    docker: Sandbox, clone: Make, block: dict[str, Any]
) -> None:
    mine = clone("a", **block)
    mine.up()
    for version, step in killed_ups(mine.project, mine.choose):
        if step:
            mine.up()
        container = mine.container()
        assert ids(docker) == {container}, step
        assert running_version(docker, container) == version, step
        if "host" in block:
            assert wait(partial(docker.serves, version), 60), (step, docker.get())
        mine.preview("--expect-no-changes")
