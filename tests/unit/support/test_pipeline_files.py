from pathlib import Path

import pytest
import yaml

from tests.support.ci_templates import RefusedError
from tests.support.pipeline_files import merge, pipeline, recorded

VARIABLES = {"CI_SERVER_FQDN": "gitlab.example.com", "CI_PROJECT_PATH": "group/blog", "CI_COMMIT_SHA": "0123abcd"}
COMPONENT = """\
spec:
  inputs:
    job:
      default: deploy
    text:
      regex: '^[^;]*$'
    wanted:
      type: boolean
      default: false
---
"$[[ inputs.job ]]":
  script:
    - echo $[[ inputs.text ]]
  rules:
    - if: "$[[ inputs.wanted ]]"
"""


def rendered(include: str, main: str = "") -> dict[str, object]:
    asked = []

    def fetch(*where: str) -> str:
        asked.append(where)
        return COMPONENT

    document = pipeline(f"include:\n  - {include}\n{main}", fetch=fetch, variables=VARIABLES)
    assert asked == [("group/deploy", "main", "templates/one.yml")]
    return document


ONE = "component: $CI_SERVER_FQDN/group/deploy/one@main\n    inputs: "


def test_an_input_is_pasted_before_the_yaml_is_read() -> None:
    assert rendered(f"{ONE}{{text: 'a # b'}}") == {"deploy": {"script": ["echo a"], "rules": [{"if": "false"}]}}


def test_a_text_with_a_colon_is_no_text_to_yaml_any_more() -> None:
    assert rendered(f"{ONE}{{text: 'a: b'}}")["deploy"] == {"script": [{"echo a": "b"}], "rules": [{"if": "false"}]}


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ("{}", "text: required value has not been provided"),
        ("{text: a, more: b}", "unknown input arguments: more"),
        ("{text: 1}", "text: provided value is not a string"),
        ("{text: a, wanted: yes please}", "wanted: provided value is not a boolean"),
        ("{text: a;b}", "text: provided value does not match required RegEx pattern"),
    ],
)
def test_an_input_that_is_not_what_the_component_declares_is_refused(inputs: str, problem: str) -> None:
    with pytest.raises(RefusedError, match=problem):
        rendered(ONE + inputs)


def test_the_file_wins_over_its_includes_and_lists_are_replaced() -> None:
    document = rendered(f"{ONE}{{text: a}}", "deploy: {script: [b], stage: deploy}\n")
    assert document["deploy"] == {"script": ["b"], "stage": "deploy", "rules": [{"if": "false"}]}
    assert merge({"a": {"b": [1], "c": 1}}, {"a": {"b": [2]}}) == {"a": {"b": [2], "c": 1}}


def test_a_component_of_another_server_is_refused() -> None:
    text = "include:\n  - component: gitlab.com/group/deploy/one@main\n"
    with pytest.raises(RefusedError, match="no component of this GitLab"):
        pipeline(text, fetch=lambda *_: COMPONENT, variables=VARIABLES)


def test_a_component_of_the_project_itself_is_that_of_the_commit() -> None:
    asked = []

    def fetch(*where: str) -> str:
        asked.append(where)
        return COMPONENT

    address = "$CI_SERVER_FQDN/$CI_PROJECT_PATH/one@$CI_COMMIT_SHA"
    text = yaml.safe_dump({"include": [{"component": address, "inputs": {"text": "a"}}]})
    assert set(pipeline(text, fetch=fetch, variables=VARIABLES)) == {"deploy"}
    assert asked == [("group/blog", "0123abcd", "templates/one.yml")]


def test_a_job_that_triggers_writes_down_what_it_passes_on(tmp_path: Path) -> None:
    document = {
        "build": {"script": ["true"]},
        "deploy": {"needs": ["build"], "variables": {"IMAGE": "$IMAGE"}, "trigger": {"project": "group/deploy"}},
    }
    jobs = recorded(document, tmp_path)
    assert jobs["build"] == document["build"]
    assert set(jobs["deploy"]) == {"needs", "variables", "script"}
    assert str(tmp_path / "deploy") in jobs["deploy"]["script"][0]


def parsed(text: str) -> dict[str, object]:
    return pipeline(text, fetch=lambda *_: COMPONENT, variables=VARIABLES)


@pytest.mark.parametrize(
    ("text", "stage", "stages"),
    [
        ("stages: [check]\ndeploy: {stage: deploy, script: [a]}", "deploy", ".pre, check, .post"),
        ("deploy: {stage: release, script: [a]}", "release", ".pre, build, test, deploy, .post"),
        ("stages: [deploy]\ndeploy: {script: [a]}", "test", ".pre, deploy, .post"),
    ],
)
def test_a_job_of_a_stage_that_is_not_listed_is_refused(text: str, stage: str, stages: str) -> None:
    problem = f"deploy job: chosen stage {stage} does not exist; available stages are {stages}"
    with pytest.raises(RefusedError, match=f"^{problem}$"):
        parsed(text)


def test_hidden_jobs_and_keywords_have_no_stage() -> None:
    text = "stages: [check]\n.hidden: {script: [a]}\nvariables: {A: b}\njob: {stage: check, script: [a]}"
    assert set(parsed(text)) == {"stages", ".hidden", "variables", "job"}


@pytest.mark.parametrize("stage", [".pre", ".post"])
def test_the_first_and_the_last_stage_are_always_there(stage: str) -> None:
    assert parsed(f"stages: [check]\njob: {{stage: {stage}, script: [a]}}")
