"""The pipelines are what GitLab's published schema of CI/CD files allows, with the inputs put in as GitLab does."""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.support.project import ROOT

TEMPLATES = sorted((ROOT / "templates").glob("*.yml"))
PIPELINES = [ROOT / ".gitlab-ci.yml", *sorted((ROOT / "examples").rglob("*.gitlab-ci.yml"))]
INPUT = re.compile(r"\$\[\[ inputs\.([a-z_]+) \]\]")
# What an include gives for an input that has no default.
GIVEN = {"stack": "prod", "stacks": "prod", "url": "https://blog.example.org", "domain": "review.example.org"}
# GitLab's own, from app/assets/javascripts/editor/schema/ci.json, in the copy that check-jsonschema keeps up to date.
SCHEMA = files("check_jsonschema") / "builtin_schemas" / "vendor" / "gitlab-ci.json"


@pytest.fixture(scope="module")
def schema() -> Any:
    document = json.loads(SCHEMA.read_text())
    assert document["$id"] == "https://gitlab.com/.gitlab-ci.yml"
    return jsonschema.validators.validator_for(document)(document)


def problems(schema: Any, document: object) -> list[str]:
    return [f"{'.'.join(map(str, error.path))}: {error.message}" for error in schema.iter_errors(document)]


def parts(template: Path) -> tuple[Any, str]:
    """The header with the inputs, and the text of what they are put into."""
    header, separator, body = template.read_text().partition("\n---\n")
    assert separator
    return yaml.safe_load(header), body


def values(inputs: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, declared in inputs.items():
        default = declared.get("default", GIVEN.get(name))
        assert default is not None, f"{name} has no default, and no value here"
        yield name, str(default).lower() if isinstance(default, bool) else str(default)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_is_valid_with_its_inputs_put_in(schema: Any, template: Path) -> None:
    header, body = parts(template)
    assert problems(schema, header) == []
    chosen = dict(values(header["spec"]["inputs"]))
    assert problems(schema, yaml.safe_load(INPUT.sub(lambda found: chosen[found[1]], body))) == []


# GitLab pastes an input's text before it reads the YAML: a word that YAML knows, a number, a comment, a second key.
AWKWARD = ("on", "1.10", "null", "a #b", "a: b", "it's", "@x", "[a]")
# What a path or an option of a command may hold beside these.
QUOTED = ('a"b', "a\\b", "'a' \"b\"")
COMMAND_WORDS = {"build_args", "containerfile", "context"}


def rendered(body: str, chosen: dict[str, str]) -> Any:
    """The YAML with these inputs pasted, as GitLab does."""
    return yaml.safe_load(INPUT.sub(lambda found: chosen[found[1]], body))


def replaced(document: Any, old: str, new: str) -> Any:
    """The document with a text replaced in all of its texts."""
    if isinstance(document, dict):
        return {replaced(key, old, new): replaced(value, old, new) for key, value in document.items()}
    if isinstance(document, list):
        return [replaced(item, old, new) for item in document]
    return document.replace(old, new) if isinstance(document, str) else document


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_an_inputs_text_stays_that_text_wherever_it_is_pasted(template: Path) -> None:
    header, body = parts(template)
    inputs = header["spec"]["inputs"]
    for name in (name for name, declared in inputs.items() if declared.get("type", "string") == "string"):
        plain = rendered(body, dict(values(inputs)) | {name: "MARK"})
        for text in (*AWKWARD, *(QUOTED if name in COMMAND_WORDS else ())):
            pasted = rendered(body, dict(values(inputs)) | {name: text})
            assert pasted == replaced(plain, "MARK", text), (name, text)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_every_input_is_described_and_used(template: Path) -> None:
    header, body = parts(template)
    inputs = header["spec"]["inputs"]
    assert {name for name, declared in inputs.items() if not declared.get("description")} == set()
    assert set(INPUT.findall(body)) == set(inputs)


@pytest.mark.parametrize("pipeline", PIPELINES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_pipeline_is_valid_and_gives_components_inputs_they_have(schema: Any, pipeline: Path) -> None:
    document = yaml.safe_load(pipeline.read_text())
    assert problems(schema, document) == []
    for include in document.get("include", ()):
        name = include["component"].rpartition("@")[0].rpartition("/")[2]
        declared = parts(ROOT / "templates" / f"{name}.yml")[0]["spec"]["inputs"]
        needed = {key for key, value in declared.items() if "default" not in value}
        assert needed <= set(include.get("inputs", {})) <= set(declared)


def test_the_schema_refuses_what_is_no_job(schema: Any) -> None:
    assert problems(schema, {"deploy": {"script": "true", "resourcegroup": "prod"}})


def test_nothing_of_pulumi_home_but_its_plugins_is_cached() -> None:
    for template in TEMPLATES:
        for job in yaml.safe_load(parts(template)[1]).values():
            assert job.get("cache", {}).get("paths", [".gitlab-deploy-cache/"]) == [".gitlab-deploy-cache/"]
    script = (ROOT / "ops" / "job.sh").read_text()
    assert re.findall(r'ln -sfn \S+ "(\$PULUMI_HOME\S*)"', script.replace('$(realpath "$1/plugins")', "plugins")) == [
        "$PULUMI_HOME/plugins"
    ]


def test_the_runner_image_has_the_cli_of_the_sdk_and_every_requirement() -> None:
    containerfile = (ROOT / "Containerfile").read_text()
    sdk = re.search(r"^pulumi==(\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert sdk
    assert f"FROM docker.io/pulumi/pulumi-python:{sdk[1]}\n" in containerfile
    assert "-r requirements.txt -r ops/requirements.txt" in containerfile


OF_PULUMI = re.compile(r"pulumi (?:config set|stack (?:select|rm))\b[^\n`&#]*")


@pytest.mark.parametrize(
    "file",
    [*TEMPLATES, ROOT / "Makefile", ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))],
    ids=lambda file: str(file.relative_to(ROOT)),
)
def test_a_variable_that_pulumi_gets_is_never_an_option(file: Path) -> None:
    for command in OF_PULUMI.findall(file.read_text()):
        options, _, arguments = command.partition(" -- ")
        assert "$" not in options, command
        assert arguments or "$" not in command


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_an_address_that_git_gets_is_never_an_option(template: Path) -> None:
    for line in parts(template)[1].splitlines():
        if re.search(r"\b(?:clone|push) --quiet", line):
            assert re.search(r' -- "\$CI_SERVER_URL/', line), line


def test_the_file_of_a_stack_in_an_organization_has_the_name_of_the_stack_alone() -> None:
    for template in TEMPLATES:
        for name in re.findall(r"Pulumi\.(\S*?)\.yaml", parts(template)[1]):
            assert re.fullmatch(r"\$\{[A-Z_]+##\*/\}", name), f"{template.name}: {name}"
