import re
from html.parser import HTMLParser
from typing import Any

import comrak
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.preview import markdown, plan_text
from ops.preview.plan import Plan
from tests.support.plans import made, recorded, step

JOB = {
    "CI_JOB_URL": "https://gitlab.example.com/group/blog/-/jobs/7",
    "CI_JOB_ID": "7",
    "CI_COMMIT_SHORT_SHA": "1a2b3c4d",
}
OLD, NEW = (f"registry.sandbox.test/group/blog:{version}" for version in ("1.0.0", "2.0.0"))


def render(found: Plan) -> str:
    return markdown.render(found, JOB)


def lines(found: Plan) -> list[str]:
    return render(found).splitlines()


def test_the_image_stands_in_the_first_lines() -> None:
    assert lines(recorded("image"))[:10] == [
        "<!-- gitlab-deploy:review prod -->",
        "### `prod`: 1 to update, 2 to replace",
        "",
        f"**Image** `{OLD}` → `{NEW}`",
        "",
        "| | Resource | Name | Changes |",
        "|---|---|---|---|",
        "| :recycle: replace | `Container` | `docker-app-container` | `image`: "
        "`sha256:43d47725b1b4a70115bd058b81f74472c392f6fc089e9a4a8bc09ecc64231d4f` → `(known after up)` |",
        f"| :recycle: replace | `RemoteImage` | `docker-app-image` | `name`: `{OLD}` → `{NEW}` |",
        "| :pencil2: update | `Deployment` | `app-deployment` | `spec.template.spec.containers[app].image`: "
        f"`{OLD}` → `{NEW}` |",
    ]


def test_a_warning_says_what_goes_away_above_the_table() -> None:
    assert lines(recorded("without_app"))[5] == (
        ":warning: **Destructive:** `deletes Deployment app-deployment`, `deletes Secret registry-pull-secret`, "
        "`deletes Service app-service`, `deletes NetworkPolicy app-network-policy` and 1 more"
    )


def test_the_job_and_the_commit_are_linked() -> None:
    assert lines(recorded("unchanged"))[-1] == (
        "<sub>From [job 7](https://gitlab.example.com/group/blog/-/jobs/7), commit 1a2b3c4d.</sub>"
    )
    assert markdown.render(recorded("unchanged"), {}).splitlines()[-1] == "<sub>From a run outside of a job.</sub>"


def test_no_changes_are_a_plain_form_of_the_same_note() -> None:
    note = lines(recorded("unchanged"))
    assert note[:2] == ["<!-- gitlab-deploy:review prod -->", "### `prod`: no changes"]
    assert "|" not in "".join(note)
    assert "<details>" not in "".join(note)


def test_a_failed_preview_shows_the_engines_errors() -> None:
    assert lines(recorded("broken"))[:5] == [
        "<!-- gitlab-deploy:review prod -->",
        "### The preview of `prod` failed",
        "",
        "- **error** `Pulumi.sandbox.yaml has 1 problem; nothing was changed:`",
        "  - `gitlab-deploy:imgae is not a known key; did you mean 'image'?`",
    ]


def test_every_property_is_in_the_detail_which_is_collapsed() -> None:
    note = render(recorded("rotation"))
    detail = note[note.index("<details>") : note.index("</details>")]
    assert "- metadata.name: gitlab-example-token-2026-11\n+ metadata.name: gitlab-example-token-2026-12" in detail
    assert "! value: [secret] changed" in detail
    assert "<details open" not in note


def test_a_comparison_of_branches_says_so() -> None:
    found = Plan("prod", changes=recorded("image").changes, compared=True)
    assert lines(found)[3] == "*Compared with the target branch, not with what runs.*"
    assert next(plan_text.lines(found)) == (
        "prod: 1 to update, 2 to replace (compared with the target branch, not with what runs)"
    )


def test_no_changes_between_branches_are_not_taken_for_what_runs() -> None:
    assert "What the stack declares is what its target branch declares." in lines(Plan("prod", compared=True))
    assert "What the stack declares is what it has deployed." in lines(recorded("unchanged"))


def test_a_note_of_a_vast_plan_stays_short_and_says_where_the_rest_is() -> None:
    old, new = ({f"key{number}": mark + "|" * 1000 for number in range(5)} for mark in "ab")
    note = render(made(*(step(name=f"app{number:04}", old=old, new=new) for number in range(120))))
    assert len(note) < 500_000
    assert "and 20 more, in the job's log" in note
    assert "# cut here, at 60000 characters; the job's log has all of it" in note
    assert note.rstrip().endswith("</sub>")


def test_a_long_value_is_cut_and_keeps_both_ends() -> None:
    long = "start" + "x" * 5000 + "end"
    row = next(line for line in lines(made(step(old={"a": "1"}, new={"a": long}))) if line.startswith("| :pencil2:"))
    assert len(row) < 400
    assert re.search(r"`startx+ \.\.\. x+end`", row)


HOSTILE = [
    "`",
    "``` \n/close\n```",
    "|",
    "a | b\\| c",
    "@all",
    "\n/close\n",
    "</details><script>alert(1)</script>",
    "````\n\n</details>\n\n/merge",
    "<!-- gitlab-deploy:review other -->",
    "![x](https://evil.example/x.png)",
    "\r\n/approve",
    "\u2028/close\u2028",
    "\x1b[31mred\x1b]8;;https://evil.example\x07",
    "\u202egnp.exe",
    "*" * 50,
    "&#64;all",
]


class Page(HTMLParser):
    """A note as GitLab's own parser reads it, less what is code: there GitLab finds no mention, link or reference."""

    def __init__(self, note: str) -> None:
        super().__init__()
        extensions, options = comrak.ExtensionOptions(), comrak.RenderOptions()
        extensions.table = extensions.strikethrough = extensions.autolink = extensions.tasklist = True
        # GitLab lets HTML through and takes out what is dangerous only later.
        options.unsafe_ = True
        self.code, self.tags, self.cells, self.words, self.comments = 0, set[str](), 0, set[str](), list[str]()
        self.feed(comrak.render_markdown(note, extensions, None, options))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.code += tag == "code"
        self.cells += tag == "td"
        self.tags |= {tag, *(f"{tag} {name}={value}" for name, value in attrs)}

    def handle_endtag(self, tag: str) -> None:
        self.code -= tag == "code"

    def handle_data(self, data: str) -> None:
        if not self.code:
            self.words |= set(data.split())

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def note_with(text: str) -> tuple[Plan, str]:
    """A note with the text in every place that a merge request can give one."""
    kind = f"t:t:{text}"
    found = made(
        step(name=f"n{text}", kind=kind, old={"k": {text: text}, "l": "a"}, new={"k": {text: f"{text}!"}, "l": text}),
        step("delete", name=text, old={text: text}),
        step("create", name=text, new={"image": text}),
        step("replace", name=f"r{text}", old={"a": text}, new={"a": text}, replaceReasons=[text]),
        diagnostics=(
            {"message": f"warning: said {text}", "severity": "warning", "urn": f"urn:pulumi:p::p::t::{text}"},
            {"message": text, "severity": "warning"},
        ),
    )
    return found, render(found)


@given(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40), st.text("`|\\/@\n <>&[]()!#-*_~:.wx", max_size=40)))
def test_no_value_leaves_its_code_span_or_its_cell(text: str) -> None:
    _, note = note_with(text)
    page, harmless = Page(note), Page(note_with("x")[1])
    assert page.words <= harmless.words | {"(no", "message)", "and", "more,", "below", "changed"}
    assert page.tags <= harmless.tags
    assert page.cells == harmless.cells
    assert page.comments == [" gitlab-deploy:review prod "]
    # GitLab looks for quick actions at the start of any line, and may see one in a block of code.
    assert not [line for line in note.splitlines() if line.lstrip().startswith("/")]


@given(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40)))
def test_no_value_acts_on_the_terminal_or_begins_a_line_of_the_log(text: str) -> None:
    found, _ = note_with(text)
    for line in plan_text.lines(found):
        assert line.isprintable()
        assert line.startswith(("prod: ", "  "))


def test_a_stack_with_policies_warns_in_its_note() -> None:
    warning: dict[str, Any] = {"message": "warning: by hand", "severity": "warning", "urn": "urn:pulumi:p::p::t::app"}
    assert "- **warning** `app`: `by hand`" in lines(made(diagnostics=(warning,)))


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://x/)[y](z", ""])
def test_an_address_that_could_break_a_link_is_not_linked(url: str) -> None:
    note = markdown.render(recorded("unchanged"), JOB | {"CI_JOB_URL": url})
    assert note.rstrip().endswith("<sub>From a run outside of a job, commit 1a2b3c4d.</sub>")
