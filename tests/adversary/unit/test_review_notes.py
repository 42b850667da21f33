"""A merge request's note, of a branch whose preview job was made to say anything."""

import copy
import json
import re
from typing import Any

import pytest

from ops.__main__ import main
from ops.preview import markdown, plan_data
from ops.preview.plan_data import NoPlansError
from ops.preview.redaction import Redactor
from tests.support import ci_templates, variable_table
from tests.support.plans import FOLDER, recorded
from tests.support.project import leaks

pytestmark = pytest.mark.usefixtures("no_garbage_collection")

TOKEN = "glpat-canary5uVw9Qz7Lm"
GOOD: list[dict[str, Any]] = json.loads(plan_data.dump([recorded("image"), recorded("broken")]))
FORGED = [
    "\n/close\n/assign @all",
    "`````\n</details>\n/merge\n",
    "\r\n| a |",
    "\x1b[31mred\x1b[0m",
    "\u202ereversed",
    f"x {TOKEN}",
]


def texts(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths of every text in a document."""
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in texts(item, (*path, key))]
    if isinstance(value, list):
        return [found for at, item in enumerate(value) for found in texts(item, (*path, at))]
    return [path] if isinstance(value, str) else []


def put(path: tuple[str | int, ...], value: object) -> str:
    """What a branch's job could leave: GOOD with another value at one path."""
    document: Any = copy.deepcopy(GOOD)
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return json.dumps(document)


def test_the_branchs_job_gets_no_token_that_writes_notes() -> None:
    jobs = ci_templates.render("preview")
    (row,) = [row for row in variable_table.rows("GITLAB_REVIEW_TOKEN") if not row.protected]
    assert [name for name, job in jobs.items() if row.reaches(job["environment"]["name"])] == ["preview-note"]


def test_the_job_that_writes_notes_runs_no_code_of_the_branch() -> None:
    job = ci_templates.render("preview")["preview-note"]
    assert job["variables"]["GIT_STRATEGY"] == "empty"
    before, _, after = ci_templates.script(job).partition(" clone ")
    # Nothing that is run comes before the clone of the default branch, and the clone is where everything else is run.
    assert "python" not in before
    assigned = re.findall(r"\bbranch=(\S+?);? ?(?=\n|fi\b)", before)
    # The default branch, or the ref of another project's program that the include names; no variable of the branch.
    assert assigned == ['"$CI_DEFAULT_BRANCH"', '"main"']
    assert 'program=""\n' in before
    assert 'if [ -n "$program" ]; then branch="main"; fi' in before
    assert '--branch "$branch" -- ' in after
    assert after.index("cd .gitlab-deploy") < after.index("ops/job.sh") < after.index("python -m ops note")
    assert "rm -rf .gitlab-deploy" in before


def test_no_text_of_a_plan_acts_on_the_note_or_shows_a_credential() -> None:
    places = texts(GOOD)
    assert len(places) > 20
    for path in places:
        for forged in FORGED:
            try:
                plans = plan_data.load(put(path, forged), Redactor())
            except NoPlansError:
                # One of several words, such as an operation.
                continue
            for plan in plans:
                if path[1:] == ("stack",):
                    # The command takes no other stack than those of its arguments.
                    continue
                note = markdown.render(plan, {})
                # A quick action is a line that begins with a slash, outside of a block of code.
                outside = "\n".join(note.split("```")[::2])
                assert not [line for line in outside.splitlines() if line.lstrip().startswith("/")], (path, forged)
                assert "\x1b" not in note
                assert "\u202e" not in note
                assert not leaks(TOKEN, note), path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "{}",
        "[[]]",
        "[" * 100_000,
        '[{"stack": "prod"}]',
        put((0, "stack"), 1),
        put((0, "changes"), "all"),
        put((0, "changes", 0, "operation"), "merge"),
        put((0, "changes", 0, "properties"), [{"path": "a"}]),
        put((0, "compared"), "yes"),
        put((0, "more"), "x"),
    ],
    ids=str.__len__,
)
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(NoPlansError):
        plan_data.load(text, Redactor())


def test_a_plan_of_a_stack_that_was_not_asked_for_gets_no_note(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plans.json").write_text(put((0, "stack"), "x --> @all"))
    monkeypatch.delenv("GITLAB_REVIEW_TOKEN", raising=False)
    monkeypatch.setattr("sys.argv", ["ops", "note", str(tmp_path / "plans.json"), "prod"])
    assert main() == 0
    assert "@all" not in capsys.readouterr().out


def test_what_a_preview_leaves_for_the_note_holds_no_secret_of_its_job(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "hunter2hunter2"
    (tmp_path / "plan.json").write_text((FOLDER / "image.json").read_text().replace("sandbox.test/group", secret))
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", secret)
    arguments = ["--plans", str(tmp_path / "plans.json"), f"prod={tmp_path / 'plan.json'}"]
    monkeypatch.setattr("sys.argv", ["ops", "review", *arguments])
    assert main() == 0
    left = (tmp_path / "plans.json").read_text()
    assert "[redacted]" in left
    assert not leaks(secret, left)
