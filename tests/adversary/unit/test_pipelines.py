"""What a pipeline's definition leaves to a branch, a fork and a pipeline variable."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import yaml
from gitlab.v4.objects import Project

from tests.support import ci_templates
from tests.support.gitlab_double import GitLabDouble
from tests.support.project import ROOT

TEMPLATES = sorted((ROOT / "templates").glob("*.yml"))
PIPELINES = [
    ROOT / ".gitlab-ci.yml",
    ROOT / ".ci" / "gitlab-ci.yml",
    *sorted((ROOT / "examples").rglob("*.gitlab-ci.yml")),
]


@pytest.mark.parametrize("name", [path.stem for path in TEMPLATES])
def test_no_job_takes_anything_from_a_cache(name: str) -> None:
    for job in ci_templates.render(name).values():
        assert "cache" not in job


OWN = {"CI_PIPELINE_SOURCE": "merge_request_event", "CI_PROJECT_ID": "1", "CI_MERGE_REQUEST_PROJECT_PATH": "group/blog"}


OWN |= {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "1", "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": "group/blog"}


OWN |= {"CI_DEFAULT_BRANCH": "main"}


FORKS = OWN | {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "2", "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": "fork/blog"}


IN_FORK = FORKS | {"CI_PROJECT_ID": "2"}


def runs(rules: list[dict[str, Any]], variables: dict[str, str]) -> bool:
    """Whether a job or pipeline with these rules exists; a condition is comparisons, or variables that are set."""

    def value(word: str) -> str:
        return word[1:-1] if word.startswith('"') else variables.get(word.removeprefix("$"), "")

    def true(part: str) -> bool:
        left, equal, right = part.strip().partition(" == ")
        left, unequal, other = left.partition(" != ") if not equal else (left, "", "")
        if unequal:
            return value(left) != value(other)
        return value(left) == value(right) if equal else value(left) != ""

    for rule in rules:
        if all(map(true, rule.get("if", '"" == ""').split("&&"))):
            return rule.get("when") != "never"
    return False


@pytest.mark.parametrize(
    ("name", "inputs", "forks_own"),
    [("build", {"merge_requests": True}, True), ("preview", {}, True), ("review", {}, False)],
)
def test_a_members_click_runs_no_job_of_a_forks_merge_request_with_our_variables(
    name: str, inputs: dict[str, Any], forks_own: bool
) -> None:
    jobs = ci_templates.render(name, **inputs).values()
    assert not any(runs(job["rules"], FORKS) for job in jobs)
    first = next(iter(jobs))
    assert runs(first["rules"], OWN)
    assert runs(first["rules"], IN_FORK) == forks_own


@pytest.mark.parametrize(
    "pipeline", [path for path in PIPELINES if "workflow" in path.read_text()], ids=lambda path: path.parent.name
)
def test_a_members_click_creates_no_pipeline_of_a_forks_merge_request(pipeline: Path) -> None:
    rules = yaml.safe_load(pipeline.read_text())["workflow"]["rules"]
    assert runs(rules, OWN)
    assert not runs(rules, FORKS)
    assert runs(rules, IN_FORK)
    assert runs(rules, {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main"})


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
    for line in ci_templates.text(template.stem).splitlines():
        if re.search(r"\b(?:clone|fetch|push) --quiet", line):
            assert re.search(r' -- "\$CI_SERVER_URL/', line), line


def test_the_call_in_the_documentation_closes_a_project(
    double: GitLabDouble, project: Project, maintainer: str
) -> None:
    text = (ROOT / "docs" / "gitlab.md").read_text().replace("\\\n", "")
    call = "glab api --method PUT $project --field ci_pipeline_variables_minimum_override_role="
    (line,) = [line for line in text.splitlines() if line.strip().startswith(call)]
    fields = dict(re.findall(r"--field (\w+)=(\S+)", line))
    assert len(fields) == 3
    headers = {"PRIVATE-TOKEN": maintainer, "Content-Type": "application/x-www-form-urlencoded"}
    path = f"/api/v4/projects/{quote(project.path_with_namespace, safe='')}"
    reply = double.request("PUT", path, urlencode(fields).encode(), headers)
    assert reply.status == 200
    shown = reply.json()
    assert {name: str(shown[name]).lower() for name in fields} == fields


def documented(option: str) -> list[str]:
    """The values of an option of `glab` in the documentation."""
    return re.findall(rf"--field {option}=(\S+)", (ROOT / "docs" / "gitlab.md").read_text())


def test_the_documented_rules_protect_what_jobs_and_the_site_run_in() -> None:
    inputs = [declared for path in TEMPLATES for declared in [ci_templates.parts(path.stem)[0]]]
    images = {declared["runner_image"]["default"] for declared in inputs if "runner_image" in declared}
    assert images == {"$CI_REGISTRY_IMAGE/runner:1"}
    assert documented("repository_path_pattern") == ["group/gitlab-deploy/runner", "group/blog/server"]
    assert set(documented("minimum_access_level_for_push")) == {"maintainer"}


def test_the_image_that_jobs_run_in_is_built_on_the_default_branch_alone() -> None:
    (build,) = [job for name, job in yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text()).items() if "build-" in name]
    pushed = {"CI_PIPELINE_SOURCE": "push", "CI_DEFAULT_BRANCH": "main"}
    assert runs(build["rules"], pushed | {"CI_COMMIT_BRANCH": "main"})
    assert not runs(build["rules"], pushed | {"CI_COMMIT_BRANCH": "feature"})
    assert not runs(build["rules"], OWN)


@pytest.mark.parametrize(
    "file", [*TEMPLATES, *PIPELINES, ROOT / "ops" / "job.sh"], ids=lambda file: str(file.relative_to(ROOT))
)
def test_no_job_logs_all_that_it_does(file: Path) -> None:
    assert not re.search(r"-v[= ]?\d|--logtostderr|TF_LOG|CI_DEBUG_TRACE|\bset -\w*x", file.read_text())
