"""The pipelines are what GitLab's published schema of CI/CD files allows, with the inputs put in as GitLab does."""

import json
import os
import re
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.adversary.unit.test_pipelines import IN_FORK, runs
from tests.support import ci_templates
from tests.support.documents import Block, blocks
from tests.support.programs import program
from tests.support.project import ROOT, STACKS

TEMPLATES = sorted((ROOT / "templates").glob("*.yml"))
PIPELINES = [
    ROOT / ".gitlab-ci.yml",
    ROOT / ".ci" / "gitlab-ci.yml",
    *sorted((ROOT / "examples").rglob("*.gitlab-ci.yml")),
]
# GitLab's own, from app/assets/javascripts/editor/schema/ci.json, in the copy that check-jsonschema keeps up to date.
SCHEMA = files("check_jsonschema") / "builtin_schemas" / "vendor" / "gitlab-ci.json"


@pytest.fixture(scope="module")
def schema() -> Any:
    document = json.loads(SCHEMA.read_text())
    assert document["$id"] == "https://gitlab.com/.gitlab-ci.yml"
    return jsonschema.validators.validator_for(document)(document)


def problems(schema: Any, document: object) -> list[str]:
    return [f"{'.'.join(map(str, error.path))}: {error.message}" for error in schema.iter_errors(document)]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_is_valid_with_its_inputs_put_in(schema: Any, template: Path) -> None:
    header = next(yaml.safe_load_all(template.read_text()))
    # The schema of check-jsonschema is of a time before regexes, which GitLab 16.9 brought.
    assert problems(schema, header) == []
    assert problems(schema, ci_templates.render(template.stem)) == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_every_input_is_described_and_used(template: Path) -> None:
    inputs, body = ci_templates.parts(template.stem)
    assert {name for name, declared in inputs.items() if not declared.get("description")} == set()
    assert set(ci_templates.INPUT.findall(body)) == set(inputs)


@pytest.mark.parametrize("pipeline", PIPELINES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_pipeline_is_valid_and_gives_components_inputs_they_have(schema: Any, pipeline: Path) -> None:
    document = yaml.safe_load(pipeline.read_text())
    assert problems(schema, document) == []
    for name, inputs in includes(document):
        declared, _ = ci_templates.parts(name)
        assert {key for key, value in declared.items() if "default" not in value} <= set(inputs)
        assert problems(schema, ci_templates.render(name, **inputs)) == []


def includes(document: Any) -> list[tuple[str, dict[str, Any]]]:
    """Name and inputs of each component that a pipeline includes."""
    return [
        (include["component"].rpartition("@")[0].rpartition("/")[2], include.get("inputs", {}))
        for include in document.get("include", ())
    ]


@pytest.mark.parametrize("pipeline", PIPELINES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_component_is_included_where_its_stack_files_are_there(pipeline: Path) -> None:
    for name, inputs in includes(yaml.safe_load(pipeline.read_text())):
        declared, _ = ci_templates.parts(name)
        given = {
            key: inputs.get(key, declared[key].get("default")) for key in ("stack", "stacks", "base") if key in declared
        }
        for stack in " ".join(given.values()).split():
            assert (STACKS / f"Pulumi.{stack}.yaml").is_file(), name


@pytest.mark.parametrize("name", [".gitlab-ci.yml", "examples/program-deploys.gitlab-ci.yml"])
def test_a_fork_previews_in_the_image_of_the_project_that_it_was_forked_from(name: str) -> None:
    """A private one is not for forks, as docs/gitlab.md says."""
    document = yaml.safe_load((ROOT / name).read_text())
    (rule, *_) = [
        rule for rule in document["workflow"]["rules"] if runs([rule], IN_FORK | {"CI_MERGE_REQUEST_PROJECT_ID": "1"})
    ]
    assert rule["variables"]["PREVIEW_IMAGE"] == "$CI_REGISTRY/$CI_MERGE_REQUEST_PROJECT_PATH/runner:1"
    (inputs,) = [inputs for name, inputs in includes(document) if name == "preview"]
    assert inputs["runner_image"] == "$PREVIEW_IMAGE"


PIPELINES_OF_PAGES = [
    block for page in ("docs/gitlab.md", "README.md") for block in blocks(page) if "include:" in block.text
]


@pytest.mark.parametrize("block", PIPELINES_OF_PAGES, ids=lambda block: block.section)
def test_a_pipeline_of_the_documents_is_valid(schema: Any, block: Block) -> None:
    document = yaml.safe_load(block.text)
    assert problems(schema, document) == []
    assert includes(document)
    for name, inputs in includes(document):
        declared, _ = ci_templates.parts(name)
        assert {key for key, value in declared.items() if "default" not in value} <= set(inputs)
        assert problems(schema, ci_templates.render(name, **inputs)) == []


def test_the_page_of_status_is_published_by_schedules_of_drift_if_that_is_wanted() -> None:
    scheduled = {"CI_PIPELINE_SOURCE": "schedule"}
    for wanted in (True, False):
        job = ci_templates.render("drift", pages=wanted)["drift-page"]
        assert (runs(job["rules"], scheduled), job["pages"]) == (wanted, wanted)
        assert not runs(job["rules"], {"CI_PIPELINE_SOURCE": "push"})
        assert job["artifacts"]["paths"] == ["public"]
        assert '--drift --html "$CI_PROJECT_DIR/public/index.html"' in ci_templates.script(job)


def test_a_deploy_job_without_a_state_says_what_to_store_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "job.sh").touch()
    program(tmp_path, "pulumi", "echo pulumi; exit 1")
    (job,) = ci_templates.render("deploy").values()
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "CI_ENVIRONMENT_NAME": "production"}
    command = ["bash", "-eo", "pipefail", "-c", ci_templates.script(job)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        "PULUMI_BACKEND_URL is not set for the environment production; store it as docs/gitlab.md says\n",
    )


def test_a_preview_of_stacks_in_an_organization_leaves_a_plan_for_each(tmp_path: Path) -> None:
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "job.sh").write_text("gitlab_deploy_temporary=$PWD\n")
    program(tmp_path, "pulumi", "echo '{}'")
    program(
        tmp_path, "python", 'for word; do case "$word" in *=*.json) cat "${word#*=}"; echo "${word%%=*}" ;; esac; done'
    )
    job = ci_templates.render("preview", stacks="acme/prod acme/blog/Shop_EU.v2")["preview"]
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PULUMI_BACKEND_URL": "s3://state"}
    command = ["bash", "-eo", "pipefail", "-c", ci_templates.script(job)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["{}", "acme/prod", "{}", "acme/blog/Shop_EU.v2"]


def test_the_schema_refuses_what_is_no_job(schema: Any) -> None:
    assert problems(schema, {"deploy": {"script": "true", "resourcegroup": "prod"}})


def test_the_runner_image_has_the_cli_of_the_sdk_and_every_requirement() -> None:
    containerfile = (ROOT / "Containerfile").read_text()
    sdk = re.search(r"^pulumi==(\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert sdk
    assert f"FROM docker.io/pulumi/pulumi-python:{sdk[1]}\n" in containerfile
    assert "--require-hashes -r /tmp/program/ops/requirements.lock" in containerfile


IMAGES = [
    (template.stem, name)
    for template in TEMPLATES
    for name, declared in ci_templates.parts(template.stem)[0].items()
    if name.endswith("_image") or (template.stem, name) == ("build", "name")
]


@pytest.mark.parametrize(("template", "name"), IMAGES)
def test_an_image_whose_name_has_capital_letters_is_refused(template: str, name: str) -> None:
    # A registry has no such name; GitLab writes CI_REGISTRY_IMAGE in small letters.
    for good in ("registry.example.com:5000/group/blog", "$CI_REGISTRY_IMAGE/runner", "${CI_REGISTRY_IMAGE}/a_b-c.d"):
        assert ci_templates.render(template, **{name: good})
    for bad in ("registry.example.com/Group/blog", "$CI_REGISTRY/group/Blog", "registry.example.com/GROUP/blog:1"):
        with pytest.raises(ci_templates.RefusedError, match=name):
            ci_templates.render(template, **{name: bad})


def test_the_file_of_a_stack_in_an_organization_has_the_name_of_the_stack_alone() -> None:
    for template in TEMPLATES:
        for name in re.findall(r"Pulumi\.(\S*?)\.yaml", ci_templates.text(template.stem)):
            # All of them, where they are copied.
            assert name == "*" or re.fullmatch(r"\$\{[a-z_]+##\*/\}", name), f"{template.name}: {name}"
