"""Stacks of two clones of the program, a container made by hand and a compose project side by side on one Docker host.

NEIGHBOURS_OPERATIONS says how many random operations there are, and NEIGHBOURS_SEED repeats those of another run.
"""

import os
import secrets
from functools import partial
from pathlib import Path
from typing import Any, cast

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from sandbox.machine.waiting import wait
from tests.sandbox.components.docker_app.clone import Clone, listing, running_version
from tests.sandbox.hosts.docker_sandbox import LABELS, Sandbox
from tests.support.background import Background
from tests.support.killed import up_killed_at

OPERATIONS = int(os.environ.get("NEIGHBOURS_OPERATIONS", "8"))
SEED = int(os.environ.get("NEIGHBOURS_SEED", str(secrets.randbits(32))))
ROUTER = "traefik.http.routers.{}.rule"
OTHERS = {"hand": {}, "shop-web-1": {"com.docker.compose.project": "shop"}}
"""Containers that no stack has made, by name, with labels of theirs. The host of each has the same name."""
HOSTS = tuple(f"{name}.example.org" for name in ("one", "two", *OTHERS))
PORTS = (18080, 18081)
NAMES = ("web", "page")

VERSIONS = st.sampled_from(("1.0.0", "2.0.0"))
PLACES = st.tuples(st.sampled_from(NAMES), st.sampled_from(HOSTS), st.sampled_from(PORTS))
STACKS = ("a/live", "b/live", "a/next", "b/next")
WHO = st.sampled_from(STACKS)


class Watch(Background):
    """Asks sites all the time, until the block ends; what was wrong is in `failed`."""

    def __init__(self, docker: Sandbox, sites: dict[str, set[str]]) -> None:
        self.failed: list[str] = []
        self._docker, self._sites = docker, sites
        super().__init__()

    def _run(self) -> None:
        while not self._end.wait(0.2):
            for host, versions in self._sites.items():
                status, body = self._docker.get(host)
                if status != 200 or body not in versions:
                    self.failed.append(f"{host}: {status} {body}, not {versions}")


class Neighbours(RuleBasedStateMachine):
    """After each operation of a stack, whatever is not its own is as it was, and has served all the time."""

    def __init__(self, docker: Sandbox, folder: Path, engine: dict[str, str]) -> None:
        super().__init__()
        self.docker, self.folder, self.engine = docker, folder, engine
        self.stacks: dict[str, Clone] = {}
        self.owners: dict[str, str] = {}
        """Whose each container is, by its id."""
        self.sites: dict[str, tuple[str, set[str]]] = {}
        """What each one's site may answer, and at which host."""
        self.places: dict[str, dict[str, Any]] = {}
        """Of each stack, as its stack file has it."""
        self.killed: set[str] = set()
        self.operations: list[str] = []

    @initialize(run=st.uuids())
    def start(self, run: Any) -> None:
        # Hypothesis starts with the simplest example, in which each operation is the same.
        if not run.int:
            return
        for name, labels in OTHERS.items():
            host = f"{name}.example.org"
            rules = {
                key.replace(".blog", f".{name}"): text.replace("blog-", f"{name}-") for key, text in LABELS.items()
            }
            self.docker.run(name, "1.0.0", labels=rules | labels | {ROUTER.format(name): f"Host(`{host}`)"})
            self.sites[name] = (host, {"1.0.0"})
        for name, (host, versions) in self.sites.items():
            assert wait(partial(self.serves, host, versions), 60), host
            self.owners |= {item["Id"]: name for item in listing(self.docker) if f"/{name}" in item["Names"]}
        for who in STACKS:
            clone, _, stack = who.partition("/")
            self.stacks[who] = Clone(self.docker, self.folder / run.hex / clone, self.engine, stack)

    @precondition(lambda self: not self.stacks)
    @rule()
    def pass_(self) -> None:
        """Nothing is done in the simplest example."""

    @precondition(lambda self: self.stacks)
    @rule(who=WHO, version=VERSIONS, place=PLACES)
    def rename_and_up(self, who: str, version: str, place: tuple[str, str, int]) -> None:
        name, host, port = place
        published = {"name": name, "publish": {"address": "127.0.0.1", "port": port}}
        self.places[who] = {"name": name, "host": host} if who.endswith("live") else published
        self.deploy(who, version)

    @precondition(lambda self: self.places)
    @rule(data=st.data(), version=VERSIONS)
    def up(self, data: Any, version: str) -> None:
        self.deploy(data.draw(st.sampled_from(sorted(self.places))), version)

    @precondition(lambda self: self.places)
    @rule(data=st.data(), version=VERSIONS, number=st.integers(1, 14))
    def kill(self, data: Any, version: str, number: int) -> None:
        who = data.draw(st.sampled_from(sorted(self.places)))
        if not self.in_the_way(who):
            self.deploy(who, version, number)

    @precondition(lambda self: self.places)
    @rule(data=st.data())
    def refresh(self, data: Any) -> None:
        who = data.draw(st.sampled_from(sorted(self.places)))
        before = self.ids()
        with self.watch(who):
            run = self.stacks[who].project.pulumi("refresh", "--yes", "--skip-preview", "--clear-pending-creates")
        self.log(f"refresh {who}")
        assert run.code == 0, run.text
        assert self.ids() == before

    @precondition(lambda self: self.places)
    @rule(data=st.data())
    def destroy(self, data: Any) -> None:
        who = data.draw(st.sampled_from(sorted(self.places)))
        if who in self.killed:
            # As docs/operations.md has it: what a killed run left is known to the next `up`, and not to `destroy`.
            self.deploy(who, "1.0.0")
            if who in self.killed:
                return
        before, own = self.ids(), self.own(who)
        with self.watch(who):
            run = self.stacks[who].project.pulumi("destroy", "--yes", "--skip-preview")
        self.log(f"destroy {who}")
        assert run.code == 0, run.text
        assert before - self.ids() == own
        self.forget(who)
        del self.places[who]

    def deploy(self, who: str, version: str, killed_at: int | None = None) -> None:
        """Runs `up`, or kills it at a step, and looks at everybody."""
        stack, before = self.stacks[who], self.ids()
        stack.choose(version, **self.places[who])
        in_the_way = self.in_the_way(who)
        step = ""
        with self.watch(who):
            if killed_at:
                step = up_killed_at(stack.project, killed_at) or ""
                self.log(f"kill {who} {version} at {killed_at}: {step}")
                code, text = 0, ""
            else:
                run = stack.project.pulumi("up", "--yes", "--skip-preview")
                code, text = run.code, run.text
                self.log(f"up {who} {version} {self.places[who]}: {code}, in the way: {in_the_way}")
        made = self.ids() - before
        self.owners |= dict.fromkeys(made, who)
        assert all(self.owners[gone] == who for gone in before - self.ids())
        if in_the_way:
            assert code
            assert "Nothing was changed" in text
            assert self.ids() == before
        elif step:
            self.killed.add(who)
            host, versions = self.sites.pop(who, ("", set()))
            if host == self.places[who].get("host") and self.own(who):
                # What served before serves on, or its successor does.
                self.sites[who] = (host, versions | {version})
                assert wait(partial(self.serves, *self.sites[who]), 60), self.docker.get(host)
        else:
            assert code == 0, text
            self.killed.discard(who)
            [own] = self.own(who)
            assert running_version(self.docker, own) == version
            self.sites.pop(who, None)
            if "host" in self.places[who]:
                host = self.places[who]["host"]
                self.sites[who] = (host, {version})
                assert wait(partial(self.serves, *self.sites[who]), 60), self.docker.get(host)

    def watch(self, who: str) -> "Watching":
        return Watching(self, who)

    def in_the_way(self, who: str) -> list[str]:
        """The names of what others have where the stack is to be."""
        place, found = self.places[who], []
        for item in listing(self.docker):
            if self.owners[item["Id"]] == who:
                continue
            rules = {text for label, text in item["Labels"].items() if label.endswith(".rule")}
            ports = {port.get("PublicPort") for port in item["Ports"]}
            published = place.get("publish", {"port": 0})["port"]
            if (
                f"Host(`{place.get('host')}`)" in rules
                or published in ports
                or (published and f"/{place['name']}" in item["Names"])
            ):
                found += item["Names"]
        return found

    def ids(self) -> set[str]:
        return {item["Id"] for item in listing(self.docker)}

    def own(self, who: str) -> set[str]:
        """The containers of one that are there."""
        return {one for one in self.ids() if self.owners[one] == who}

    def forget(self, who: str) -> None:
        self.sites.pop(who, None)
        self.killed.discard(who)

    def serves(self, host: str, versions: set[str]) -> bool:
        status, body = self.docker.get(host)
        return status == 200 and body in versions

    def log(self, text: str) -> None:
        self.operations.append(text)
        print(f"{len(self.operations)}. {text}", flush=True)

    def teardown(self) -> None:
        if self.stacks:
            assert {one for one in OTHERS if self.own(one)} == set(OTHERS)
        self.docker.remove_all()


class Watching:
    """An operation of one of them, during which all others serve and none of their containers changes."""

    def __init__(self, machine: Neighbours, who: str) -> None:
        self._machine, self._who = machine, who
        sites = {host: versions for one, (host, versions) in machine.sites.items() if one != who}
        self._watch = Watch(machine.docker, sites)
        self._before = self._states()

    def __enter__(self) -> None:
        self._watch.__enter__()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._watch.__exit__(None, None, None)
        if kind is None:
            assert self._watch.failed == []
            assert self._states() == self._before

    def _states(self) -> dict[str, tuple[str, str]]:
        """Name and state of the containers of all others."""
        owners = self._machine.owners
        return {
            item["Id"]: (item["Names"][0], item["State"])
            for item in listing(self._machine.docker)
            if owners.get(item["Id"], self._who) != self._who
        }


def test_nobody_goes_down_or_is_deleted_through_somebody_elses_run(
    docker: Sandbox, tmp_path: Path, engine: dict[str, str]
) -> None:
    print(f"NEIGHBOURS_SEED={SEED}")
    machines: list[Neighbours] = []

    @seed(SEED)
    def machine() -> Neighbours:
        machines.append(Neighbours(docker, tmp_path, engine))
        return machines[-1]

    run_state_machine_as_test(
        # A function that makes it is as good as the class.
        cast("Any", machine),
        settings=settings(
            # The simplest one, and a random one.
            max_examples=2,
            stateful_step_count=OPERATIONS + 1,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert max(len(made.operations) for made in machines) > OPERATIONS // 2
