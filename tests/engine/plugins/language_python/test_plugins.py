"""The language host runs policy packs and component packages."""

import json
import sys
from pathlib import Path

import pytest

from tests.engine.plugins.language_python.conftest import Program

COMPONENT = """\
import pulumi
from pulumi.provider.experimental import component_provider_host

class GreetingArgs:
    text: pulumi.Input[str]

class Greeting(pulumi.ComponentResource):
    upper: pulumi.Output[str]
    def __init__(self, name: str, args: GreetingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("greetings:index:Greeting", name, {}, opts)
        self.upper = pulumi.Output.from_input(args["text"]).apply(str.upper)
        self.register_outputs({"upper": self.upper})

if __name__ == "__main__":
    component_provider_host(name="greetings", components=[Greeting])
"""
PACK = """\
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def check(args, report):
    if args.resource_type == "test:index:Thing" and args.props.get("port") != 8080:
        report(f"port {args.props.get('port')} is not the one we use")

PolicyPack(
    name="small",
    policies=[
        ResourceValidationPolicy(
            name="the-port-we-use",
            description="Everything listens on one port",
            enforcement_level=EnforcementLevel.MANDATORY,
            validate=check,
        )
    ],
)
"""
THING = """\
import pulumi
pulumi.ComponentResource("test:index:Thing", "thing", {{"port": {port}}})
"""


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = tmp_path / "pack"
    folder.mkdir()
    options = f"name: python\n  options: {{virtualenv: {sys.prefix}}}"
    (folder / "PulumiPolicy.yaml").write_text(f"description: small\nruntime:\n  {options}\n")
    (folder / "__main__.py").write_text(PACK)
    return folder


@pytest.mark.parametrize("command", [("preview",), ("up", "--yes", "--skip-preview")], ids=["preview", "up"])
def test_a_policy_pack_stops_what_violates_it_and_lets_the_rest_pass(
    program: Program, pack: Path, command: tuple[str, ...]
) -> None:
    program.write(THING.format(port=80))
    refused = program.pulumi(*command, "--policy-pack", str(pack))
    assert refused.code != 0
    assert "the-port-we-use" in refused.text
    assert "is not the one we use" in refused.text
    program.write(THING.format(port=8080))
    passed = program.pulumi(*command, "--policy-pack", str(pack))
    assert passed.code == 0, passed.text
    assert "small" in passed.text


def test_a_policy_pack_without_its_virtual_environment_is_refused_with_the_commands(
    program: Program, pack: Path
) -> None:
    (pack / "PulumiPolicy.yaml").write_text("runtime: python\n")
    program.write(THING.format(port=8080))
    refused = program.pulumi("preview", "--policy-pack", str(pack))
    assert refused.code != 0
    assert f'"{pack}/venv" doesn\'t exist' in refused.text
    assert "Traceback" not in refused.text


def test_a_component_package_gives_its_schema(program: Program, tmp_path: Path) -> None:
    folder = tmp_path / "greetings"
    folder.mkdir()
    options = f"name: python\n  options: {{virtualenv: {sys.prefix}}}"
    (folder / "PulumiPlugin.yaml").write_text(f"name: greetings\nruntime:\n  {options}\n")
    (folder / "__main__.py").write_text(COMPONENT)
    done = program.pulumi("package", "get-schema", str(folder))
    assert done.code == 0, done.text
    schema = json.loads(done.stdout)
    assert schema["resources"]["greetings:index:Greeting"]["requiredInputs"] == ["text"]
