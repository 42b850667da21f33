"""The number of a sandbox: no two sandboxes of a machine share addresses, interfaces or control groups."""

import fcntl
import ipaddress
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.machine.files import is_locked
from sandbox.machine.network import Network
from sandbox.machine.state import State
from sandbox.sandbox_error import SandboxError

CLAIMS = Path("/run")
"""Claims are links `gitlab-deploy-N` in it, to the folder of the sandbox that has the number; a reboot empties it."""
LIMIT = 256


def claim(folder: Path, preferred: int | None, claims: Path = CLAIMS) -> int:
    """Claim a number for the sandbox in `folder`: what it has, else `preferred`, else the lowest that is free.

    A number is free when nobody claims it, or the claimant does not run any more, and no route of the machine leads to
    its addresses. SandboxError if none is.
    """
    with _alone(claims):
        mine = held(folder, claims)
        if mine:
            return mine[0]
        taken = _routes()
        candidates = range(LIMIT) if preferred is None else (preferred, *range(LIMIT))
        for index in candidates:
            link = claims / f"gitlab-deploy-{index}"
            if _lives(link) or any(network.overlaps(range_) for network in taken for range_ in Network(index).ranges):
                continue
            link.unlink(missing_ok=True)
            link.symlink_to(folder)
            return index
    routes = ", ".join(sorted({str(network) for network in taken}))
    raise SandboxError(
        f"no range 10.213.N.0/24, 10.214.N.0/24, 10.215.N.0/24 is free on this machine, which has routes to {routes}: "
        "stop a sandbox (python -m sandbox --name NAME down) or remove the route in the way"
    )


def held(folder: Path, claims: Path = CLAIMS) -> list[int]:
    """The numbers that the sandbox in `folder` has claimed."""
    links = [link for link in claims.glob("gitlab-deploy-*") if link.is_symlink() and link.readlink() == folder]
    return sorted(int(link.name.rpartition("-")[2]) for link in links)


def release(folder: Path, claims: Path = CLAIMS) -> None:
    """Give up every number that the sandbox in `folder` has claimed."""
    with _alone(claims):
        for index in held(folder, claims):
            (claims / f"gitlab-deploy-{index}").unlink()


def _lives(link: Path) -> bool:
    """Whether the sandbox that the claim names runs, or is about to."""
    if not link.is_symlink():
        return link.exists()
    owner = link.readlink()
    return is_locked(owner) or any(State(owner / "state.json").recorded().values())


def _routes() -> list[ipaddress.IPv4Network]:
    """Every network that the machine has a route to, but for those that lead everywhere."""
    output = subprocess.run(
        ["ip", "-json", "-4", "route", "show", "table", "all"], capture_output=True, text=True, check=True
    ).stdout
    found = [ipaddress.IPv4Network(route["dst"]) for route in json.loads(output) if route["dst"] != "default"]
    # Halves of everything are how a VPN says "default" without taking the default route's place.
    return [network for network in found if network.prefixlen > 1]


@contextmanager
def _alone(claims: Path) -> Iterator[None]:
    handle = os.open(claims, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
