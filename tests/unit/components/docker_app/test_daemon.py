from typing import Any

import pytest

from components.docker_app import daemon
from components.settings.docker_host import DockerHost
from components.settings.registry import Registry
from tests.support.docker_double import HOST_KEY
from tests.support.recorder import deploy

TARGET = DockerHost(address="ssh://deploy@host", host_key=HOST_KEY, identity_file="~/.ssh/deploy")
KEPT = {"address": "ssh://deploy@host", "hostKey": HOST_KEY, "identityFile": "~/.ssh/deploy"}


@pytest.mark.parametrize("block", ["compose", "dockerHost"])
def test_provider_is_kept_if_the_last_run_got_to_the_same_host_in_the_same_way(block: str) -> None:
    def is_kept(**changes: str | None) -> bool:
        previous: Any = {block: KEPT | changes}
        return daemon.is_kept(TARGET, previous)

    assert is_kept()
    assert not is_kept(address="ssh://deploy@other")
    assert not is_kept(hostKey=f"{HOST_KEY} another")
    assert not is_kept(identityFile=None)
    assert not daemon.is_kept(TARGET, {})


def test_login_is_known_if_the_block_says_it() -> None:
    assert daemon.own_login(None) is None
    assert daemon.own_login(Registry(server="registry.example.com", project="group/blog")) is None
    found: list[Any] = []
    own = Registry(server="registry.example.com", username="robot", password="word")
    deploy(lambda: found.extend(daemon.own_login(own) or ()))
    assert [(one["address"], one["username"]) for one in found] == [("registry.example.com", "robot")]
