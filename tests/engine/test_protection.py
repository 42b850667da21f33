"""A protected stack is deleted not even in part, through the real engine."""

import json

import pytest

from tests.support.project import Project

PROGRAM = """\
import pulumi
from components.protection import Protection

config = pulumi.Config()
protect = config.require_bool("protect")


class Part(pulumi.ComponentResource):
    def __init__(self, name, above, protect=None):
        super().__init__("test:index:Part", name)
        options = pulumi.ResourceOptions(parent=self, protect=protect, depends_on=above)
        self.leaf = pulumi.Stash(f"{name}-leaf", input=name, opts=options)
        self.register_outputs({})


parts = []
if config.get_bool("access") is not False:
    parts.append(Part("namespace", [], protect))
parts += [Part("app", [part.leaf for part in parts]), Part("docker", [])]
if config.get_bool("access") is not False:
    Protection("access.protect", parts, protect=protect)
"""


@pytest.fixture
def project(small: Project) -> Project:
    (small.folder / "__main__.py").write_text(PROGRAM)
    small.init()
    small.configure({"protect": "true"})
    deployed = small.pulumi("up", "--yes", "--skip-preview")
    assert deployed.code == 0, deployed.text
    return small


def urns(project: Project) -> set[str]:
    return {item["urn"] for item in json.loads(project.export())["deployment"].get("resources") or []}


def test_destroy_of_a_protected_stack_deletes_nothing(project: Project) -> None:
    before = urns(project)
    for options in ((), ("--skip-preview",)):
        refused = project.pulumi("destroy", "--yes", *options)
        assert refused.code != 0, refused.text
        assert "Protection::access.protect" in refused.text
        assert "cannot be deleted" in " ".join(refused.text.split())
        assert urns(project) == before


def test_up_without_the_protected_part_deletes_nothing(project: Project) -> None:
    before = urns(project)
    project.configure({"protect": "true", "access": "false"})
    for command in (("preview",), ("up", "--yes"), ("up", "--yes", "--skip-preview")):
        refused = project.pulumi(*command)
        assert refused.code != 0, refused.text
        assert "Protection::access.protect" in refused.text
        assert urns(project) == before


def test_stack_that_is_not_protected_any_more_is_destroyed(project: Project) -> None:
    assert project.pulumi("preview", "--expect-no-changes").code == 0
    project.configure({"protect": "false"})
    deployed = project.pulumi("up", "--yes")
    assert deployed.code == 0, deployed.text
    destroyed = project.pulumi("destroy", "--yes", "--skip-preview")
    assert destroyed.code == 0, destroyed.text
    assert urns(project) == set()
