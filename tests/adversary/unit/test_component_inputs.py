"""An input is text wherever GitLab pastes it, and what a job runs does not depend on a pipeline variable."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import ci_templates
from tests.support.project import ROOT

NAMES = sorted(path.stem for path in (ROOT / "templates").glob("*.yml"))
TEXTS = [(name, key) for name in NAMES for key, value in ci_templates.parts(name)[0].items() if "type" not in value]
HOSTILE = [
    *(
        "123",
        "1.10",
        "0x1f",
        "on",
        "no",
        "null",
        "~",
        "yes: no",
        "2026-11-25",
        "- a",
        "[a]",
        "{a: b}",
        "&a",
        "*a",
        "!a",
    ),
    *(
        "a #b",
        "a: b",
        "it's",
        "@x",
        'a"b',
        "'a' \"b\"",
        "a\\b",
        "sub\\dir",
        "\\",
        "a\tb",
        "a\nb",
        "a\n  script: [touch pwned]",
        "a\r\nb",
    ),
    *("a\u2028b: c", "a\x85b: c", "", " ", " a", "a ", "--help", "-rf", "$[[ inputs.job ]]"),
    *("$(touch pwned)", "`touch pwned`", "a; touch pwned", "a && touch pwned", "a | touch pwned", "a\ntouch pwned"),
    *('"; touch pwned; "', "'; touch pwned; '", ") ; touch pwned; (", "a) touch pwned", "<(touch pwned)", "a>pwned"),
    *(
        "${IFS:-$(touch pwned)}",
        "${a@P}",
        "$((a[$(touch pwned)]))",
        '"$(touch pwned)"',
        '--build-arg=A="`touch pwned`"',
    ),
    *('--build-arg=A="\\$(touch pwned)"', "*", "?", "{a,b}", "~root", "!!", "https://blog.example.org/ #x"),
]
STUB = """\
#!/bin/bash
printf '%s|' "${0##*/}" "$@" >>"$STUB_LOG"
echo >>"$STUB_LOG"
case "${0##*/} $*" in
  git*clone*) mkdir -p .gitlab-deploy/ops && cp ops/job.sh .gitlab-deploy/ops/ ;;
  git*diff*) exit 1 ;;
  buildah*password-stdin*) cat >/dev/null ;;
  buildah*digestfile*) echo sha256:1 >image.digest ;;
esac
"""
JOB = 'gitlab_deploy_temporary=$PWD; echo "in ${PWD##*/}" >>"$STUB_LOG"\n'
CI = {
    "CI_SERVER_URL": "https://gitlab.example.com",
    "CI_PROJECT_PATH": "group/blog",
    "CI_MERGE_REQUEST_IID": "12",
    "CI_MERGE_REQUEST_DIFF_BASE_SHA": "1234",
    "CI_COMMIT_BRANCH": "main",
    "CI_DEFAULT_BRANCH": "main",
    "CI_REGISTRY": "registry.example.com",
    "CI_REGISTRY_IMAGE": "registry.example.com/group/blog",
    "CI_REGISTRY_USER": "user",
    "CI_REGISTRY_PASSWORD": "password",
    "CI_COMMIT_SHORT_SHA": "12345678",
    "CI_PIPELINE_IID": "7",
    "CI_JOB_ID": "8",
    "GITLAB_USER_NAME": "User",
    "GITLAB_USER_EMAIL": "user@example.org",
    "IMAGE": "registry.example.com/group/blog:1",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout with stubs in place of every command that a job runs."""
    made = tmp_path / "checkout"
    (made / "ops").mkdir(parents=True)
    (made / "ops" / "job.sh").write_text(JOB)
    (tmp_path / "bin").mkdir()
    for name in ("git", "pulumi", "python", "buildah"):
        (tmp_path / "bin" / name).write_text(STUB)
        (tmp_path / "bin" / name).chmod(0o755)
    for stack in ("review", "prod", "123"):
        (made / f"Pulumi.{stack}.yaml").touch()
    return made


def run(folder: Path, script: str, /, **variables: str) -> str:
    """The commands that a job's script runs, with their arguments, and what it prints."""
    log = folder.parent / "log"
    log.write_text("")
    environment = {
        "PATH": f"{folder.parent / 'bin'}:{os.environ['PATH']}",
        "STUB_LOG": str(log),
        "TMPDIR": str(folder.parent),
        # A job that deploys has a state; a preview without one is that of a fork.
        **({"PULUMI_BACKEND_URL": "s3://state"} if "pulumi up" in script else {}),
        **CI,
        **variables,
    }
    command = ["bash", "-eo", "pipefail", "-c", script]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    text = log.read_text() + done.stdout + done.stderr
    # Names of temporary files.
    return re.sub(r"tmp\.\w+", "tmp", text)


def holes(document: object, marker: str, value: str) -> object:
    """A parsed document with the value in place of a marker."""
    if isinstance(document, dict):
        return {holes(key, marker, value): holes(item, marker, value) for key, item in document.items()}
    if isinstance(document, list):
        return [holes(item, marker, value) for item in document]
    return document.replace(marker, value) if isinstance(document, str) else document


def accepted(name: str, key: str, value: str) -> str | None:
    """The component's text, or none if GitLab refuses the input."""
    try:
        return ci_templates.text(name, **{key: value})
    except ci_templates.RefusedError:
        return None


@pytest.mark.parametrize(("name", "key"), TEXTS)
def test_an_input_is_text_to_yaml_or_is_refused(name: str, key: str) -> None:
    marker = {"url": "https://marker", "program": "mark/er"}.get(key, "marker")
    expected = yaml.safe_load(ci_templates.text(name, **{key: marker}))
    for value in HOSTILE:
        text = accepted(name, key, value)
        if text is not None:
            assert yaml.safe_load(text) == holes(expected, marker, value), value


@pytest.mark.parametrize(("name", "key"), TEXTS)
def test_an_input_runs_nothing_of_its_own(folder: Path, name: str, key: str) -> None:
    for value in HOSTILE:
        text = accepted(name, key, value)
        if text is None or not re.search(r"pwned|[$`*?~{!]", value):
            continue
        for job in yaml.safe_load(text).values():
            run(folder, ci_templates.script(job))
        assert not list(folder.rglob("*pwned*")), value


@pytest.mark.parametrize("name", NAMES)
def test_the_defaults_are_what_the_components_accept(name: str) -> None:
    assert ci_templates.render(name)


@pytest.mark.parametrize(
    ("name", "inputs", "expected"),
    [
        ("deploy", {"stack": "123"}, "pulumi|stack|select|--|123|"),
        ("deploy", {"stack": "acme/blog/prod"}, "pulumi|stack|select|--|acme/blog/prod|"),
        (
            "deploy",
            {"program": "group/sub.group/gitlab-deploy"},
            "|https://gitlab.example.com/group/sub.group/gitlab-deploy.git|",
        ),
        ("deploy", {"program": "group/p", "program_ref": "release/1.2"}, "|--branch|release/1.2|--|"),
        ("drift", {"stacks": "prod acme/staging"}, "python|-m|ops|drift|prod|acme/staging|"),
        ("preview", {"stacks": "prod staging"}, "python|-m|ops|render|--stack|staging|--ref|"),
        ("deploy", {"stack": "Shop_EU.v2"}, "pulumi|stack|select|--|Shop_EU.v2|"),
        ("drift", {"stacks": "acme/Shop_EU.v2"}, "python|-m|ops|drift|acme/Shop_EU.v2|"),
        ("build", {"build_args": '--build-arg=TITLE="My site"'}, "|--build-arg=TITLE=My site|--file|"),
        ("build", {"build_args": '--build-arg=A="$CI_JOB_ID" --layers'}, "|--build-arg=A=8|--layers|--file|"),
        ("build", {"build_args": "--build-arg=A=1 --no-cache"}, "|--build-arg=A=1|--no-cache|--file|"),
        ("build", {"context": "sub dir", "containerfile": "a b/C"}, "|--file|a b/C|--tag|"),
        ("build", {}, "|registry.example.com/group/blog:12345678-7-8|.|"),
    ],
)
def test_an_input_reaches_the_command_as_one_argument(
    folder: Path, name: str, inputs: dict[str, str], expected: str
) -> None:
    job = next(iter(ci_templates.render(name, **inputs).values()))
    found = run(folder, ci_templates.script(job))
    assert expected in found


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("build", "build_args", "--build-arg=A=$UNQUOTED"),
        ("build", "context", "sub\\dir"),
        ("deploy", "url", "https://blog.example.org/ #fragment"),
        ("deploy", "stack", 123),
        ("deploy", "stack", "--help"),
        ("deploy", "program", "../evil"),
        ("deploy", "program", "$CI_PROJECT_PATH"),
        ("review", "domain", "review.example.org/$(id)"),
    ],
)
def test_an_input_that_cannot_be_meant_is_refused(name: str, key: str, value: object) -> None:
    with pytest.raises(ci_templates.RefusedError, match=rf"^{key}: "):
        ci_templates.render(name, **{key: value})


def test_an_environment_called_on_and_a_stack_called_123_stay_text() -> None:
    (job,) = ci_templates.render("deploy", stack="123", environment="on").values()
    assert (job["resource_group"], job["environment"]["name"]) == ("123", "on")


OF_JOBS = {
    "BUILD_NAME", "BUILD_TAG", "BUILD_CONTEXT", "BUILD_CONTAINERFILE", "BUILD_ARGS", "BUILD_VARIABLE", "DEPLOY_STACK",
    "DEPLOY_PROGRAM", "DEPLOY_PROGRAM_REF", "DEPLOY_COMMIT", "DRIFT_STACKS", "PREVIEW_STACKS", "PREVIEW_POLICY_PACKS",
    "REVIEW_BASE", "REVIEW_STACK", "REVIEW_HOST",
}  # fmt: skip
"""Names that a stranger may try."""


def overrides(job: dict[str, Any], script: str) -> dict[str, str]:
    """Pipeline variables: whatever name the job's variables and its script have, and more."""
    assigned = set(re.findall(r"(?m)(?:^|[ (&])([A-Za-z_]\w*)=", script))
    # What is in lower case is the script's own, whether or not it gives it a value.
    read = set(re.findall(r"\$\{?([a-z_]\w*)", script))
    names = (set(job.get("variables", ())) | assigned | read | OF_JOBS) - {"IMAGE"} - set(CI)
    return dict.fromkeys(names, "evil/program")


@pytest.mark.parametrize("inputs", [{}, {"program": "group/gitlab-deploy"}], ids=["own program", "another project's"])
@pytest.mark.parametrize("name", NAMES)
def test_no_pipeline_variable_changes_what_a_job_runs(folder: Path, name: str, inputs: dict[str, str]) -> None:
    if not set(inputs) <= set(ci_templates.parts(name)[0]):
        inputs = {}
    for job in ci_templates.render(name, **inputs).values():
        script = ci_templates.script(job)
        own = {key: str(value) for key, value in job.get("variables", {}).items()}
        expected = run(folder, script, **own)
        assert expected
        found = run(folder, script, **own | overrides(job, script))
        assert "evil" not in found
        assert found == expected


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, key in TEXTS if key.endswith("_image")])
def test_every_image_that_a_job_runs_in_can_be_named_by_its_digest(name: str, key: str) -> None:
    image = f"registry.example.com:5000/group/gitlab-deploy/runner:1@sha256:{'0123456789abcdef' * 4}"
    jobs = ci_templates.render(name, **{key: image}).values()
    assert {job["image"] for job in jobs} == {image}
