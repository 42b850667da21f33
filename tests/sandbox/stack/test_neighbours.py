"""Stacks of two clones of the program, a container and a Deployment made by hand and a compose project, side by side.

NEIGHBOURS_OPERATIONS says how many random operations there are, and NEIGHBOURS_SEED repeats those of another run.
"""

import os
import secrets
import traceback
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any, cast

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from sandbox.instance import Instance
from sandbox.machine.waiting import wait
from tests.support.cluster import REPOSITORY, Stack
from tests.support.killed import up_killed_at
from tests.support.neighbours import Ground, OnCluster, OnDocker, Place, Thing, Watch

OPERATIONS = int(os.environ.get("NEIGHBOURS_OPERATIONS", "8"))
SEED = int(os.environ.get("NEIGHBOURS_SEED", str(secrets.randbits(32))))
CONTAINERS = {"hand": {}, "shop-web-1": {"com.docker.compose.project": "shop"}}
"""Containers that no stack has made, by name, with labels of theirs. The host of each has the same name."""
DEPLOYMENT = "till"
"""A Deployment that no stack has made."""

VERSIONS = st.sampled_from(("1.0.0", "2.0.0"))
PLACES = st.builds(
    Place,
    name=st.sampled_from(("web", "page", DEPLOYMENT)),
    host=st.sampled_from(tuple(f"{name}.example.org" for name in ("one", "two", *CONTAINERS))),
    port=st.sampled_from((18080, 18081)),
)
ROUTED, PUBLISHED, ON_CLUSTER = ("a/live", "b/live"), ("a/next", "b/next"), ("a/shop", "b/shop", "a/kiosk")
"""The stacks, as CLONE/STACK."""


def printed(operation: Callable[..., None]) -> Callable[..., None]:
    """Prints why an operation fails: Hypothesis runs a failed example once more, which cannot go the same way."""

    @wraps(operation)
    def run(*arguments: Any, **keys: Any) -> None:
        try:
            operation(*arguments, **keys)
        except Exception:
            traceback.print_exc()
            raise

    return run


class Neighbours(RuleBasedStateMachine):
    """After each operation of a stack, whatever is not its own is as it was, and has served all the time."""

    def __init__(self, instance: Instance, folder: Path, namespace: str) -> None:
        super().__init__()
        self.instance, self.folder = instance, folder
        self.docker, self.cluster = OnDocker(instance=instance), OnCluster(instance=instance, namespace=namespace)
        published = OnDocker(instance=instance, published=True)
        self.grounds: dict[str, Ground] = {
            **dict.fromkeys(ROUTED, self.docker),
            **dict.fromkeys(PUBLISHED, published),
            **dict.fromkeys(ON_CLUSTER, self.cluster),
        }
        self.stacks: dict[str, Stack] = {}
        self.owners: dict[str, str] = {}
        """Whose each thing is, by its id."""
        self.sites: dict[str, tuple[Ground, str, set[str]]] = {}
        """Where each one's site is asked, and what it may answer."""
        self.places: dict[str, Place] = {}
        self.served: dict[str, Place] = {}
        """Where each stack was when its site was last asked."""
        self.killed: set[str] = set()
        self.operations: list[str] = []

    @initialize(run=st.binary(min_size=16, max_size=16))
    @printed
    def start(self, run: Any) -> None:
        # Hypothesis starts with the simplest example, in which each operation is the same.
        if not any(run):
            return
        self.docker.log_in()
        for name, labels in CONTAINERS.items():
            self.docker.by_hand(name, f"{name}.example.org", labels)
            self.sites[name] = (self.docker, f"{name}.example.org", {"1.0.0"})
        self.sites[DEPLOYMENT] = (self.cluster, self.cluster.by_hand(DEPLOYMENT), {"1.0.0"})
        self.owners = dict.fromkeys(self.things(), "by hand")
        for one in self.sites:
            assert wait(partial(self.serves, one), 300), one
        environment = os.environ | self.instance.environment()
        for who in self.grounds:
            clone, _, stack = who.partition("/")
            # Hypothesis starts anew if a run ends before its first operation.
            folder = self.folder / run.hex() / clone
            folder.mkdir(parents=True, exist_ok=True)
            self.stacks[who] = Stack(self.instance, folder, environment, stack, {})

    @precondition(lambda self: not self.stacks)
    @rule()
    def pass_(self) -> None:
        """Nothing is done in the simplest example."""

    # One rule, for Hypothesis leaves out some of the rules of a machine in each run.
    @precondition(lambda self: self.stacks)
    @rule(data=st.data(), operation=st.sampled_from(("up", "rename", "kill", "refresh", "destroy")))
    @printed
    def operate(self, data: Any, operation: str) -> None:
        if operation == "rename" or len(self.places) < 2:
            who = data.draw(st.sampled_from(sorted(self.grounds)))
            self.places[who] = data.draw(PLACES)
            self.deploy(who, data.draw(VERSIONS))
            return
        who = data.draw(st.sampled_from(sorted(self.places)))
        if operation == "up":
            self.deploy(who, data.draw(VERSIONS))
        elif operation == "kill":
            number = data.draw(st.integers(1, 18))
            self.deploy(who, data.draw(VERSIONS), None if self.in_the_way(who) else number)
        elif operation == "refresh":
            self.refresh(who)
        else:
            self.destroy(who)

    def refresh(self, who: str) -> None:
        """Changes nothing, whatever it finds."""
        before = set(self.things())
        with Watching(self, who):
            run = self.stacks[who].project.pulumi("refresh", "--yes", "--skip-preview", "--clear-pending-creates")
        self.log(f"refresh {who}")
        assert run.code == 0, run.text
        assert set(self.things()) == before

    def destroy(self, who: str) -> None:
        """Deletes what is the stack's own, all of it."""
        if who in self.killed:
            # As docs/operations.md has it: what a killed run left is known to the next `up`, and not to `destroy`.
            self.deploy(who, "1.0.0")
            if who in self.killed:
                return
        before, own = set(self.things()), self.own(who)
        with Watching(self, who):
            run = self.stacks[who].project.pulumi("destroy", "--yes", "--skip-preview")
        self.log(f"destroy {who}")
        assert run.code == 0, run.text
        assert before - set(self.things()) == set(own)
        self.sites.pop(who, None)
        del self.places[who]

    def deploy(self, who: str, version: str, killed_at: int | None = None) -> None:
        """Runs `up`, or kills it at a step, and looks at everybody."""
        # A stack is refused while what it would make is on its way out, as tests/unit shows.
        self.cluster.settle()
        stack, place, before = self.stacks[who], self.places[who], set(self.things())
        keys = {"gitlabUrl": self.instance.gitlab.url, "gitlabProject": "group/blog", "rollback": True}
        app = {"port": 8080, "memory": "64Mi", "health": {"path": "/healthz"}}
        blocks = self.grounds[who].blocks(place)
        stack.project.configure({**keys, "image": f"{REPOSITORY}:{version}", "app": app, **blocks})
        in_the_way = self.in_the_way(who)
        step = ""
        with Watching(self, who):
            if killed_at:
                step = up_killed_at(stack.project, killed_at) or ""
                self.log(f"kill {who} {version} {place} at {killed_at}: {step}")
                code, text = 0, ""
            else:
                run = stack.project.pulumi("up", "--yes", "--skip-preview")
                code, text = run.code, run.text
                self.log(f"up {who} {version} {place}: {code}, in the way: {in_the_way}")
        there = set(self.things())
        self.owners |= dict.fromkeys(there - before, who)
        assert {self.owners[gone] for gone in before - there} <= {who}
        if in_the_way:
            assert code
            assert "Nothing was changed" in text
            assert there == before
            return
        assert code == 0, text
        if step:
            self.killed.add(who)
        else:
            self.killed.discard(who)
            running = {self.grounds[who].version(thing) for thing in self.own(who).values()}
            assert running - {None} == {version}
        self.expect(who, version, whole=not step)

    def expect(self, who: str, version: str, *, whole: bool) -> None:
        """Notes where the site of a stack is, and waits until it serves."""
        ground, place = self.grounds[who], self.places[who]
        before, served = self.sites.pop(who, None), self.served.pop(who, None)
        site = ground.site(place)
        if site is None:
            return
        if whole:
            self.sites[who] = (ground, site, {version})
        elif before and served and ground.claims(served) == ground.claims(place):
            # What served before serves on, or its successor does.
            self.sites[who] = (ground, site, before[2] | {version})
        else:
            return
        self.served[who] = place
        assert wait(partial(self.serves, who), 60), ground.ask(site)

    def in_the_way(self, who: str) -> list[str]:
        """The names of what others have where the stack is to be."""
        ground, wanted = self.grounds[who], self.grounds[who].claims(self.places[who])
        return [
            thing.name for id_, thing in ground.things().items() if self.owners[id_] != who and thing.claims & wanted
        ]

    def things(self) -> dict[str, Thing]:
        """What there is on both."""
        return self.docker.things() | self.cluster.things()

    def own(self, who: str) -> dict[str, Thing]:
        """What there is of one."""
        return {id_: thing for id_, thing in self.things().items() if self.owners.get(id_) == who}

    def serves(self, who: str) -> bool:
        ground, site, versions = self.sites[who]
        answer = ground.ask(site)
        return answer.status == 200 and answer.body in versions

    def log(self, text: str) -> None:
        self.operations.append(text)
        print(f"{len(self.operations)}. {text}", flush=True)

    def teardown(self) -> None:
        if self.stacks:
            made_by_hand = {id_ for id_, owner in self.owners.items() if owner == "by hand"}
            assert made_by_hand <= set(self.things())
            for who in sorted(self.places):
                self.destroy_whole(who)
            self.docker.remove(*CONTAINERS)
            self.cluster.remove(DEPLOYMENT)

    def destroy_whole(self, who: str) -> None:
        """Removes what is left of a stack, so that the tests of other modules find none of it."""
        for command in ("refresh", "destroy"):
            pending = ["--clear-pending-creates"] if command == "refresh" else []
            self.stacks[who].project.pulumi(command, "--yes", "--skip-preview", *pending)
        names = [thing.name for id_, thing in self.docker.things().items() if self.owners.get(id_) == who]
        if names:
            self.docker.remove(*names)


class Watching:
    """An operation of one of them, during which all others serve and nothing of theirs changes."""

    def __init__(self, machine: Neighbours, who: str) -> None:
        self._machine, self._who = machine, who
        sites = {(ground, site): versions for one, (ground, site, versions) in machine.sites.items() if one != who}
        self._watch = Watch(sites)
        self._before = self._states()

    def __enter__(self) -> None:
        self._watch.__enter__()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._watch.__exit__(None, None, None)
        if kind is None:
            assert self._watch.failed == []
            assert self._states() == self._before

    def _states(self) -> dict[str, str]:
        """Of what others have."""
        owners = self._machine.owners
        things = self._machine.things()
        # A container that a killed run had begun to stop may end now.
        grounds = self._machine.grounds
        killed = {who for who in self._machine.killed if isinstance(grounds[who], OnDocker)}
        return {
            id_: thing.name if owners[id_] in killed else thing.state
            for id_, thing in things.items()
            if owners.get(id_, self._who) != self._who
        }


def test_nobody_goes_down_or_is_deleted_through_somebody_elses_run(
    instance: Instance, images: dict[str, str], namespace: str, tmp_path: Path
) -> None:
    assert set(images) == {"1.0.0", "2.0.0"}
    print(f"NEIGHBOURS_SEED={SEED}")
    machines: list[Neighbours] = []

    @seed(SEED)
    def machine() -> Neighbours:
        machines.append(Neighbours(instance, tmp_path, namespace))
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
