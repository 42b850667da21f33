"""The command, run in a folder with plan files, with no GitLab."""

import json
from pathlib import Path
from typing import Any

import pytest

from ops.__main__ import main
from tests.support.plans import FOLDER, document, step

STACK_FILE = """\
# A comment
config:
  gitlab-deploy:image: registry.example.com/group/blog:1.0.0
  gitlab-deploy:imgae: x
  gitlab-deploy:app:
    port: 8080
    replicas: two
encryptionsalt: v1:x
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder the command runs in, outside of any job."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI_PROJECT_DIR", raising=False)
    return tmp_path


def review(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["ops", "review", *arguments])
    return main()


def plans(*names: str) -> list[str]:
    return [f"{name}={FOLDER / name}.json" for name in names]


def test_the_widgets_report_sums_all_stacks_and_counts_a_replacement_twice(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    code = review(monkeypatch, "--terraform-report", "out/tf.json", *plans("image", "without_app", "unchanged"))
    assert code == 0
    assert json.loads((folder / "out/tf.json").read_text()) == {"create": 2, "update": 1, "delete": 7}


def test_without_changes_the_report_is_of_zeros(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    assert review(monkeypatch, "--terraform-report", "tf.json", *plans("unchanged")) == 0
    assert json.loads((folder / "tf.json").read_text()) == {"create": 0, "update": 0, "delete": 0}


def test_a_failed_preview_is_unknown_in_the_report_and_exits_1_after_all_is_written(
    monkeypatch: pytest.MonkeyPatch, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = (
        "--terraform-report",
        "tf.json",
        "--code-quality",
        "cq.json",
        *plans("broken", "image"),
        "gone=none.json",
    )
    assert review(monkeypatch, *arguments) == 1
    report = json.loads((folder / "tf.json").read_text())
    assert report == {"error": "the preview of broken, gone failed"}
    assert len(json.loads((folder / "cq.json").read_text())) == 2
    log = capsys.readouterr().out
    assert "broken: the preview of broken failed" in log
    assert "image: 1 to update, 2 to replace" in log
    assert "gone: the preview of gone failed\n  there is no plan file" in log


def test_two_branches_are_compared(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(FOLDER)
    assert review(monkeypatch, "prod=empty_state.json..../plans/empty_state_changed.json") == 0
    one = capsys.readouterr().out
    assert review(monkeypatch, f"prod=empty_state.json..{FOLDER}/empty_state_changed.json") == 0
    assert one == capsys.readouterr().out
    assert one.startswith("prod: 2 to update (compared with the target branch, not with what runs)\n")


@pytest.mark.parametrize("name", ["../plan.json", "./plan.json", "a/../plan.json"])
def test_a_path_with_dots_is_one_file(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str) -> None:
    (folder / "sub/a").mkdir(parents=True)
    for place in (folder, folder / "sub"):
        (place / "plan.json").write_text(document())
    monkeypatch.chdir(folder / "sub")
    assert review(monkeypatch, f"prod={name}") == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["plan.json"], "'plan.json' is not NAME=PLAN.json"),
        (["=plan.json"], "'=plan.json' is not NAME=PLAN.json"),
        (["prod="], "'prod=' is not NAME=PLAN.json"),
        (["a --> b=plan.json"], "'a --> b' is not the name of a stack"),
        (["a/b/c/d=plan.json"], "'a/b/c/d' is not the name of a stack"),
        (["a/=plan.json"], "'a/' is not the name of a stack"),
        (["\x1b[31m=plan.json"], "'\\x1b[31m' is not the name of a stack"),
        (["prod=a\0b"], "'a\\x00b' cannot be read (embedded null byte)"),
        (["prod=a.json", "prod=b.json"], "stack prod is given twice"),
        (["prod=."], "'.' cannot be read (Is a directory)"),
    ],
)
def test_arguments_that_make_no_sense_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert review(monkeypatch, *arguments) == 2
    assert capsys.readouterr().err.startswith(f"error: {sentence}")


def findings(monkeypatch: pytest.MonkeyPatch, folder: Path, content: str) -> list[dict[str, Any]]:
    (folder / "plan.json").write_text(content)
    review(monkeypatch, "--code-quality", "cq.json", "prod=plan.json")
    found: list[dict[str, Any]] = json.loads((folder / "cq.json").read_text())
    return found


def test_each_problem_of_a_stack_file_is_a_finding_at_its_key(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "Pulumi.prod.yaml").write_text(STACK_FILE)
    message = (
        "error: Pulumi.prod.yaml has 3 problems; nothing was changed:\n"
        "  gitlab-deploy:imgae is not a known key; did you mean 'image'?\n"
        "  gitlab-deploy:app.replicas: 'two' is of the wrong type; use a whole number\n"
        "  gitlab-deploy:app.host is missing; use text\n"
    )
    found = findings(monkeypatch, folder, document(diagnostics=({"message": message, "severity": "error"},)))
    assert [(item["location"]["lines"]["begin"], item["description"]) for item in found] == [
        (4, "gitlab-deploy:imgae is not a known key; did you mean 'image'?"),
        (7, "gitlab-deploy:app.replicas: 'two' is of the wrong type; use a whole number"),
        (5, "gitlab-deploy:app.host is missing; use text"),
    ]
    for item in found:
        assert set(item) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert item["location"]["path"] == "Pulumi.prod.yaml"
        assert item["severity"] == "critical"
    assert len({item["fingerprint"] for item in found}) == 3


def test_a_message_that_names_no_key_is_at_line_1_and_warnings_are_minor(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    (folder / "Pulumi.prod.yaml").write_text(STACK_FILE)
    warnings = (
        {"message": "warning: the image is old\n", "severity": "warning", "urn": "urn:pulumi:p::p::t::app"},
        {"message": "warning: app.port is taken\n", "severity": "warning"},
        {"message": "image: from the stack file\n", "severity": "info"},
    )
    found = findings(monkeypatch, folder, document(diagnostics=warnings))
    assert [(item["location"]["lines"]["begin"], item["description"], item["severity"]) for item in found] == [
        (1, "app: the image is old", "minor"),
        (6, "app.port is taken", "minor"),
    ]


def test_where_nothing_was_found_the_list_is_empty(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    assert findings(monkeypatch, folder, document(step("create", new={}))) == []


def test_a_finding_keeps_its_fingerprint_when_its_line_moves(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    content = document(diagnostics=({"message": "error: gitlab-deploy:image is bad", "severity": "error"},))
    (folder / "Pulumi.prod.yaml").write_text(STACK_FILE)
    (before,) = findings(monkeypatch, folder, content)
    (folder / "Pulumi.prod.yaml").write_text(f"\n\n{STACK_FILE}")
    (after,) = findings(monkeypatch, folder, content)
    assert (before["location"]["lines"]["begin"], after["location"]["lines"]["begin"]) == (3, 5)
    assert before["fingerprint"] == after["fingerprint"]


def test_the_path_is_the_repositorys_where_the_project_is_below_it(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("CI_PROJECT_DIR", str(folder))
    (folder / "deploy").mkdir()
    monkeypatch.chdir(folder / "deploy")
    (item,) = findings(monkeypatch, folder / "deploy", "")
    assert item["location"] == {"path": "deploy/Pulumi.prod.yaml", "lines": {"begin": 1}}


def test_a_stack_file_that_is_no_yaml_is_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "Pulumi.prod.yaml").write_text("config: [")
    (item,) = findings(monkeypatch, folder, "error: invalid YAML file\n")[1:]
    assert item["description"] == "invalid YAML file"


@pytest.mark.parametrize("stack", ["Prod.EU_1", "acme/Prod.EU_1", "acme/blog/Prod.EU_1"])
def test_findings_of_any_stack_name_are_in_its_stack_file(
    monkeypatch: pytest.MonkeyPatch, folder: Path, stack: str
) -> None:
    (folder / "Pulumi.Prod.EU_1.yaml").write_text(STACK_FILE)
    (folder / "plan.json").write_text(
        document(diagnostics=({"message": "error: gitlab-deploy:imgae", "severity": "error"},))
    )
    assert review(monkeypatch, "--code-quality", "cq.json", f"{stack}=plan.json") == 1
    (finding,) = json.loads((folder / "cq.json").read_text())
    assert finding["location"] == {"path": "Pulumi.Prod.EU_1.yaml", "lines": {"begin": 4}}


@pytest.mark.parametrize("content", ["config: &a {b: *a}\n", "config: " + "[" * 1000, "\udcff"])
def test_a_hostile_stack_file_is_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch, folder: Path, content: str) -> None:
    (folder / "Pulumi.prod.yaml").write_bytes(content.encode("utf-8", "surrogateescape"))
    plan = document(diagnostics=({"message": "warning: config.b", "severity": "warning"},))
    assert findings(monkeypatch, folder, plan)[0]["location"]["lines"] == {"begin": 1}
