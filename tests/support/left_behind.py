"""What the tests of a module leave on the sandbox that all modules share: removed, so that no other module meets it."""

import json
import os
import warnings
from collections.abc import Iterator
from contextlib import closing

import pytest

from sandbox.gitlab.records import DeployToken, Project, Variable
from sandbox.gitlab.store import Store
from sandbox.instance import Instance
from tests.support.cluster import kubectl
from tests.support.project import run

DOCKER = {"container": ("ps", "--all", "--quiet"), "volume": ("volume", "ls", "--quiet")}
"""How the objects of a kind on the Docker host are listed."""


class Shared:
    """What a sandbox holds by now."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.namespaces = self._namespaces()
        self.docker = {kind: self._docker(*listed) for kind, listed in DOCKER.items()}
        with closing(Store(instance.gitlab.data)) as store:
            self.records = set(_records(store))

    def clear(self) -> list[str]:
        """Removes what came since, and says what it was; a volume is meant to outlive its stack."""
        left = []
        for name in sorted(self._namespaces() - self.namespaces):
            left.append(f"namespace {name}")
            kubectl(self.instance, "delete", "namespace", name)
        for kind, listed in DOCKER.items():
            for name in sorted(self._docker(*listed) - self.docker[kind]):
                left += [f"{kind} {name}"] if kind != "volume" else []
                self._docker(kind, "rm", "--force", name)
        with closing(Store(self.instance.gitlab.data)) as store:
            for record in sorted(set(_records(store)) - self.records, key=lambda record: (record.table, record.id)):
                (project,) = store.find(Project, id=record.project_id)
                name = f"{record.key} of {record.environment_scope}" if isinstance(record, Variable) else record.name
                left.append(f"{project.path}: {record.table} {name}")
                store.remove(record)
        return left

    def _namespaces(self) -> set[str]:
        """Those that nobody has deleted."""
        items = json.loads(kubectl(self.instance, "get", "namespaces", "-o", "json"))["items"]
        return {item["metadata"]["name"] for item in items if item["status"]["phase"] == "Active"}

    def _docker(self, *arguments: str) -> set[str]:
        done = run("docker", *arguments, cwd=self.instance.folder, env=os.environ | self.instance.environment())
        assert done.code == 0, done.text
        return set(done.stdout.split())


def _records(store: Store) -> Iterator[Variable | DeployToken]:
    yield from store.find(Variable)
    yield from store.find(DeployToken)


@pytest.fixture(scope="module", autouse=True)
def leaves_the_sandbox_as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    """For each module whose tests use the sandbox of the session."""
    tests = [item for item in request.session.items if item.getparent(pytest.Module) is request.node]
    if not any("instance" in item.fixturenames for item in tests if isinstance(item, pytest.Function)):
        yield
        return
    shared = Shared(request.getfixturevalue("instance"))
    yield
    if left := shared.clear():
        warnings.warn(f"{request.node.name} left {', '.join(left)}", stacklevel=1)
