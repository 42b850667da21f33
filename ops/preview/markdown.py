"""A plan in GitLab's Markdown: what a merge request's note and a drift issue show.

Every value comes from a plan, which anyone who can open a merge request writes. So each stands in a code span, in which
GitLab finds no mention, no link and no HTML, and no line begins with a value, so that none is a quick action
(GitLab: quick actions, "at the start of a line").
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from ops.preview.diagnostics import Diagnostic
from ops.preview.plan import Change, Plan
from ops.preview.plan_text import COMPARED, abbreviate, difference, removal, shorten, summary
from ops.preview.properties import Property

# GitLab takes 1,000,000 characters in a note, and shows some tens of thousands well.
DETAIL_LIMIT = 60_000
ROW_LIMIT = 100
CELL_LIMIT = 160
NAME_LIMIT = 120
MESSAGE_LIMIT = 2000
MESSAGES = 20
IN_CELL = 4
_EMOJI = {
    "create": ":heavy_plus_sign:",
    "update": ":pencil2:",
    "replace": ":recycle:",
    "delete": ":wastebasket:",
    "import": ":inbox_tray:",
}


def marker(stack: str) -> str:
    """The note's hidden first line, by which a later run finds it."""
    return f"<!-- gitlab-deploy:review {stack} -->"


def render(plan: Plan, environment: Mapping[str, str]) -> str:
    """The note of one stack; `environment` is the job's, for the link to it and the commit."""
    stack = code(plan.stack, NAME_LIMIT)
    heading = f"The preview of {stack} failed" if plan.failed else f"{stack}: {summary(plan)}"
    if not plan.failed and not plan.changes:
        heading = f"{stack}: no changes"
    blocks = [f"{marker(plan.stack)}\n### {heading}"]
    if plan.compared:
        blocks.append(f"*{COMPARED[0].upper()}{COMPARED[1:]}.*")
    if plan.failed:
        blocks.extend(_failure(plan))
    elif not plan.changes:
        same = "what its target branch declares" if plan.compared else "what it has deployed"
        blocks.append(f"What the stack declares is {same}.")
    blocks.extend(body(plan))
    blocks.append(footer(environment))
    return "\n\n".join(blocks) + "\n"


def body(plan: Plan) -> Iterator[str]:
    """The changes of a plan, as blocks: image, warning, table, detail."""
    for old, new in plan.images:
        yield f"**Image** {code(old or 'none', CELL_LIMIT)} → {code(new or 'none', CELL_LIMIT)}"
    destroyed = [change for change in plan.changes if change.destructive]
    if destroyed:
        listed = ", ".join(code(removal(change), NAME_LIMIT) for change in destroyed[:IN_CELL])
        more = f" and {len(destroyed) - IN_CELL} more" if len(destroyed) > IN_CELL else ""
        yield f":warning: **Destructive:** {listed}{more}"
    if plan.changes:
        yield "\n".join(_table(plan.changes))
    if plan.outputs:
        yield f"Stack outputs change: {', '.join(code(name, NAME_LIMIT) for name in plan.outputs[:ROW_LIMIT])}"
    warnings = [item for item in plan.diagnostics if item.severity == "warning"]
    if warnings:
        yield "\n".join(_messages(warnings))
    if any(change.properties for change in plan.changes):
        yield _detail(plan.changes)


def code(text: str, limit: int) -> str:
    """The text as a code span, in a table too; it stays one, whatever is in the text."""
    plain = shorten(text, limit).replace("\n", " ")
    fence = "`" * (max((len(run) for run in re.findall("`+", plain)), default=0) + 1)
    # A space is stripped on both sides, and is needed next to a backtick (CommonMark 6.1).
    padding = " " if plain.startswith("`") or plain.endswith("`") or not plain.strip() else ""
    # In a row of a table a bar ends the cell even within a code span, unless it is escaped (GFM 4.10).
    return f"{fence}{padding}{plain or ' '}{padding}{fence}".replace("|", "\\|")


def _failure(plan: Plan) -> Iterator[str]:
    if plan.failure:
        yield f"{plan.failure[0].upper()}{plan.failure[1:]}; the job's log has the engine's own words."
    errors = [item for item in plan.diagnostics if item.severity == "error"]
    if errors:
        yield "\n".join(_messages(errors))
    if plan.changes:
        yield "What it had planned until then:"


def _messages(items: Sequence[Diagnostic]) -> Iterator[str]:
    """A list, in which each line of a message is a code span of its own."""
    for item in items[:MESSAGES]:
        about = f"{code(abbreviate(item.resources), NAME_LIMIT)}: " if item.resources else ""
        lines = [code(line.strip(), MESSAGE_LIMIT) for line in item.message.splitlines() if line.strip()]
        first, *more = lines[:MESSAGES] or ["(no message)"]
        yield f"- **{item.severity}** {about}{first}"
        yield from (f"  - {line}" for line in more)
    if len(items) > MESSAGES:
        yield f"- and {len(items) - MESSAGES} more, in the job's log"


def _table(changes: Sequence[Change]) -> Iterator[str]:
    yield "| | Resource | Name | Changes |"
    yield "|---|---|---|---|"
    for change in changes[:ROW_LIMIT]:
        cells = (
            f"{_EMOJI[change.operation]} {change.operation}",
            code(change.type, NAME_LIMIT),
            code(change.name, NAME_LIMIT),
            _cell(change),
        )
        yield f"| {' | '.join(cells)} |"
    if len(changes) > ROW_LIMIT:
        yield f"| | | | and {len(changes) - ROW_LIMIT} more, in the job's log |"


def _cell(change: Change) -> str:
    if change.operation in {"create", "delete", "import"}:
        return ""
    shown = [_difference(item) for item in change.properties[:IN_CELL]]
    if change.reasons:
        shown.append(f"because of {', '.join(code(reason, NAME_LIMIT) for reason in change.reasons[:IN_CELL])}")
    if len(change.properties) > IN_CELL:
        shown.append(f"and {len(change.properties) - IN_CELL} more, below")
    return "<br>".join(shown)


def _difference(item: Property) -> str:
    path, old, new = code(item.path, NAME_LIMIT), code(item.old or "", CELL_LIMIT), code(item.new or "", CELL_LIMIT)
    if item.kind == "add":
        return f"{path}: {new} (added)"
    if item.kind == "delete":
        return f"{path}: {old} (removed)"
    return f"{path}: {old} changed" if item.secret else f"{path}: {old} → {new}"


def _detail(changes: Sequence[Change]) -> str:
    """Every property of every change, collapsed; no line of it begins with a text of the plan."""
    lines: list[str] = []
    size = 0
    for line in _detail_lines(changes):
        size += len(line) + 1
        if size > DETAIL_LIMIT:
            lines.append(f"# cut here, at {DETAIL_LIMIT} characters; the job's log has all of it")
            break
        lines.append(line)
    # Longer than any run of backticks within, so that none ends the block.
    fence = "`" * max(4, *(len(run) + 1 for run in re.findall("`+", "\n".join(lines)) or [""]))
    block = "\n".join((f"{fence}diff", *lines, fence))
    return f"<details><summary>All properties</summary>\n\n{block}\n\n</details>"


def _detail_lines(changes: Sequence[Change]) -> Iterator[str]:
    for change in changes:
        yield f"# {change.operation} {shorten(change.type, NAME_LIMIT)} {shorten(change.name, NAME_LIMIT)}"
        for item in change.properties:
            if item.kind == "update" and not item.secret:
                yield f"- {item.path}: {shorten(item.old or '', MESSAGE_LIMIT)}"
                yield f"+ {item.path}: {shorten(item.new or '', MESSAGE_LIMIT)}"
            else:
                sign = {"add": "+", "delete": "-", "update": "!"}[item.kind]
                yield f"{sign} {item.path}: {difference(item)}"


def footer(environment: Mapping[str, str]) -> str:
    """Where the text comes from: the job and its commit."""
    job, commit = url(environment, "CI_JOB_URL"), environment.get("CI_COMMIT_SHORT_SHA", "")
    where = f"[job {environment.get('CI_JOB_ID', '')}]({job})".replace(" ]", "]") if job else "a run outside of a job"
    return f"<sub>From {where}{f', commit {commit}' if re.fullmatch('[0-9a-f]{4,40}', commit) else ''}.</sub>"


def url(environment: Mapping[str, str], name: str) -> str:
    """An address of GitLab's that can stand in a link."""
    value = environment.get(name, "")
    return value if re.fullmatch(r"https?://[^\s()<>\[\]]+", value) else ""
