"""The page of `ops status --html`: every stack at a glance, in one file that asks nobody for anything. Pure.

What it shows is what `--json` prints. It has no script; its policy forbids every request, and a link leads to GitLab or
to the site alone.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree.ElementTree import Element

from ops.deployments import web_address
from ops.markup import Child, element, page
from ops.status_style import STYLE

_MARKS = {True: ("ok", "ok"), False: ("bad", "fails"), None: ("note", "note")}


def render(project: str, documents: Sequence[Mapping[str, Any]], now: datetime) -> str:
    """The whole page. `documents` are the stacks as `--json` prints them, their text free of credentials."""
    bad = [item for item in documents if _state(item)[0] == "bad"]
    summary = f"{len(bad)} of {len(documents)} need attention" if bad else f"{len(documents)} stacks, nothing to do"
    if len(documents) == 1 and not bad:
        summary = "Nothing to do"
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="robots", content="noindex"),
        element("link", rel="icon", href="data:,"),
        element("title", f"{project}: {summary}"),
        element("style", STYLE),
    )
    body = element(
        "body",
        element(
            "header",
            element("h1", project),
            element("p", summary, class_="bad" if bad else "ok"),
            element("p", "as of ", _time(now), class_="dim"),
        ),
        element("main", *(_stack(item, now) for item in documents)),
    )
    return page(element("html", head, body, lang="en"))


def _stack(item: Mapping[str, Any], now: datetime) -> Element:
    kind, word = _state(item)
    return element(
        "section",
        element("h2", str(item["stack"]), " ", element("span", word, class_=f"badge {kind}")),
        _runs(item, now),
        _facts(item, now),
        _list("Checks", [_check(check) for check in item["checks"]]),
        _credentials(item["credentials"], now),
        _timeline(item["deployments"], now),
        id=f"stack-{item['stack']}",
    )


def _runs(item: Mapping[str, Any], now: datetime) -> Element:
    image = item["image"]
    if not item["readable"]:
        return element("p", "What is deployed is not known.", class_="dim")
    if not image:
        return element("p", "No image is deployed.", class_="dim")
    since = _moment(item["since"])
    return element(
        "p",
        *_image(str(image)),
        element("br"),
        element("span", *(("since ", _time(since), f", {ago(since, now)}") if since else ("since when is not known",))),
        class_="runs",
    )


def _facts(item: Mapping[str, Any], now: datetime) -> Element:
    deployment, last = item["deployment"] or {}, _moment(item["lastRun"])
    pipeline, commit = deployment.get("pipeline"), deployment.get("commit")
    by: Child = None
    if deployment:
        by = _link(f"pipeline {int(pipeline['iid'])}", pipeline["url"]) if pipeline else "a developer"
    rows: list[tuple[str, list[Child]]] = [
        ("Deployed by", [by, f", commit {commit[:8]}" if commit else "", ", rolled back" if _back(deployment) else ""]),
        ("Address", _joined([_link(url, url) for url in item["addresses"]])),
        ("Runs on", _joined(list(item["places"]))),
        ("Drift", [_drift(item)]),
        ("Last run", [_time(last), f", {ago(last, now)}"] if last else []),
        ("Lock", (_joined(list(item["locks"])) or ["none"]) if item["readable"] else []),
        ("Operations", [f"{item['interrupted']} of a killed run; see 'ops lock'"] if item["interrupted"] else []),
    ]
    parts = [(element("dt", name), element("dd", *texts)) for name, texts in rows if _says_anything(texts)]
    return element("dl", *(part for pair in parts for part in pair))


def _says_anything(texts: Sequence[Child]) -> bool:
    # An element without children counts as false.
    return any(text is not None and text != "" for text in texts)


def _credentials(credentials: Sequence[Mapping[str, Any]], now: datetime) -> Element | None:
    rows = []
    for one in credentials:
        made, expires = _moment(one["made"]), _moment(one["expires"])
        end: list[Child] = ["does not expire"]
        if expires:
            end = ["expires ", _time(expires, day=True), f", {until(expires, now)}"]
        due = _moment(one["due"])
        soon = due is not None and due <= now
        rows.append(
            element(
                "li",
                element("strong", str(one["name"])),
                element("span", *([f"made {ago(made, now)}, "] if made else []), *end, class_="bad" if soon else "dim"),
            )
        )
    return _list("Credentials", rows)


def _timeline(deployments: Sequence[Mapping[str, Any]], now: datetime) -> Element | None:
    if not deployments:
        return None
    items = [_run(one, now) for one in deployments]
    return element(
        "details", element("summary", f"The last {len(items)} runs"), element("ol", *items, class_="line"), open=""
    )


def _run(one: Mapping[str, Any], now: datetime) -> Element:
    begun = _moment(one["begun"])
    title = {"update": "up", "resource-import": "import"}.get(str(one["kind"]), str(one["kind"]))
    counts = ", ".join(f"{number} {kind}" for kind, number in one["changes"].items()) or "nothing changed"
    facts = [f"{one['seconds']} s", counts, *([f"commit {str(one['commit'])[:8]}"] if one["commit"] else [])]
    who = (
        _link(f"pipeline {one['pipeline']}" if one["pipeline"] else "job", one["url"]) if one["url"] else "a developer"
    )
    return element(
        "li",
        element("strong", title if one["succeeded"] else f"{title} failed"),
        " ",
        *((_time(begun), f", {ago(begun, now)}") if begun else ()),
        element("br"),
        *((*_image(str(one["image"])), element("br")) if one["image"] else ()),
        element("span", f"{', '.join(facts)}, by ", who, class_="dim"),
        class_="ok" if one["succeeded"] else "bad",
    )


def _state(item: Mapping[str, Any]) -> tuple[str, str]:
    """How a stack is, as a class and a word."""
    results = [check["passed"] for check in item["checks"]]
    if False in results or item["interrupted"]:
        return "bad", "needs attention"
    if item["drift"] and item["drift"]["passed"] is not True:
        return "bad", "drift"
    return ("ok", "well") if True in results else ("note", "not checked")


def _drift(item: Mapping[str, Any]) -> str:
    return str(item["drift"]["text"]) if item["drift"] else ""


def _back(deployment: Mapping[str, Any]) -> bool:
    return bool(deployment.get("rolledBack"))


def _check(check: Mapping[str, Any]) -> Element:
    kind, word = _MARKS[check["passed"]]
    return element("li", element("span", word, class_=f"mark {kind}"), element("span", str(check["text"])))


def _list(title: str, items: Sequence[Element]) -> Element | None:
    return element("div", element("h3", title), element("ul", *items)) if items else None


def _image(image: str) -> tuple[Child, ...]:
    """The part that changes stands out: what is behind the repository."""
    plain, _, digest = image.partition("@")
    path, slash, last = plain.rpartition("/")
    name, colon, tag = last.partition(":")
    parts = element("code", f"{path}{slash}{name}", element("b", f"{colon}{tag}") if tag else None)
    return (parts, element("code", f"@{digest[:19]}", class_="dim", title=image) if digest else None)


def _joined(items: Sequence[Child]) -> list[Child]:
    """One below the other."""
    found: list[Child] = []
    for item in items:
        found += [element("br"), item] if found else [item]
    return found


def _link(text: str, url: object) -> Child:
    address = web_address(url)
    return element("a", text, href=address, rel="noopener noreferrer") if address else text


def _time(moment: datetime | None, *, day: bool = False) -> Child:
    if moment is None:
        return None
    shown = moment.astimezone(UTC)
    text = f"{shown:%Y-%m-%d}" if day else f"{shown:%Y-%m-%d %H:%M} UTC"
    return element("time", text, datetime=shown.isoformat(timespec="seconds"))


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, in one unit."""
    return f"{_span(now - moment)} ago"


def until(moment: datetime, now: datetime) -> str:
    """In how long, or for how long it is over."""
    return f"in {_span(moment - now)}" if moment > now else f"over for {_span(now - moment)}"


def _span(time: timedelta) -> str:
    hours = time / timedelta(hours=1)
    if hours < 1:
        return f"{hours * 60:.0f} min"
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"
