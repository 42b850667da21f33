"""The page of `ops status --html`: what it shows, and that it can do nothing."""

import base64
import hashlib
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

from ops.status_page import render
from tests.support.status_documents import GITLAB, stack, unwell

NOW = datetime(2026, 11, 26, 6, tzinfo=UTC)
VOID = {"meta", "link", "br"}
HOSTILE = """</style><script>alert(1)</script><img src=x onerror="alert(1)">"""


class Parsed(HTMLParser):
    """The elements of a page with their attributes, and its text; fails if one is not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


OVER = {"name": "x", "made": None, "expires": "2026-11-20T00:00:00Z", "due": "2026-10-21T00:00:00Z"}


def page(*documents: dict[str, Any]) -> Parsed:
    return Parsed(render("group/blog", documents, NOW))


def test_a_stack_is_shown_with_image_pipeline_addresses_checks_and_credentials() -> None:
    shown = page(stack())
    for text in (
        "Nothing to do",
        "prod well",
        "registry.example.com/group/blog:1.4.2@sha256:4f53cda18c2b",
        "since 2026-11-24 09:12 UTC, 45 h ago",
        "pipeline 812, commit 1a2b3c4d",
        "https://blog.example.org/",
        "ssh://deploy@docker.example.com",
        "blog: Service web answers over HTTP",
        "GitLab deploy token gitlab-deploy-prod-2026-11",
        "made 24 days ago, expires 2027-11-02, in 341 days",
        "no drift",
        "The last 4 runs",
        "up failed 2026-11-23 16:40 UTC, 3 days ago",
        "31 s, 1 update, commit 1a2b3c4d, by pipeline 805",
    ):
        assert text in shown.text, text
    links = {attributes["href"] for attributes in shown.of("a")}
    assert {f"{GITLAB}/-/pipelines/812", f"{GITLAB}/-/jobs/90812", "https://blog.example.org/"} <= links


def test_a_stack_that_needs_somebody_says_so_at_the_top() -> None:
    shown = page(stack(), unwell())
    assert "1 of 2 need attention" in shown.text
    assert "runner@ci-7 (pid 57)" in shown.text
    assert "1 of a killed run" in shown.text
    assert "over for" in page(stack(credentials=[OVER])).text


def test_a_stack_whose_state_cannot_be_read_is_not_called_empty() -> None:
    failed = {"passed": False, "text": "The state of stack prod cannot be read"}
    unread = stack(readable=False, image=None, deployment=None, lastRun=None, credentials=[], deployments=[])
    shown = page(stack(), unread | {"checks": [failed], "drift": None})
    assert "1 of 2 need attention" in shown.text
    assert "What is deployed is not known." in shown.text
    assert "cannot be read" in shown.text
    assert "No image is deployed." not in shown.text


def test_drift_alone_is_something_to_do() -> None:
    assert "1 of 1 need attention" in page(stack(drift={"passed": False, "text": "drift: 2 to update"})).text


def test_a_stack_that_never_deployed_is_shown_too() -> None:
    empty = stack(
        image=None, deployment=None, since=None, places=[], addresses=[], lastRun=None, credentials=[], deployments=[]
    )
    assert "No image is deployed." in page(empty | {"checks": [], "drift": None}).text


def test_no_name_of_others_becomes_markup_or_a_link() -> None:
    job = "javascript:alert(1)"
    hostile = stack(
        HOSTILE,
        image=HOSTILE,
        places=[HOSTILE],
        addresses=[job, HOSTILE],
        checks=[{"passed": False, "text": HOSTILE}],
        locks=[HOSTILE],
        credentials=[{"name": HOSTILE, "made": None, "expires": None, "due": None}],
        deployment={"image": "x", "commit": HOSTILE, "pipeline": {"iid": 1.0, "url": job}, "rolledBack": False},
        deployments=[{**stack()["deployments"][1], "url": job, "image": HOSTILE, "commit": HOSTILE, "kind": HOSTILE}],
    )
    shown = page(hostile)
    plain = page(stack())
    assert {tag for tag, _ in shown.elements} <= {tag for tag, _ in plain.elements}
    assert shown.text.count(HOSTILE) >= 6
    assert shown.of("a") == []
    assert not [name for _, attributes in shown.elements for name in attributes if name.startswith("on")]


def test_the_policy_allows_the_pages_own_style_and_no_request() -> None:
    text = render("group/blog", [stack(), unwell()], NOW)
    shown = Parsed(text)
    (policy,) = [item["content"] for item in shown.of("meta") if "http-equiv" in item]
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert not {"script", "img", "iframe", "object", "form", "base"} & {tag for tag, _ in shown.elements}
    assert [attributes["href"] for attributes in shown.of("link")] == ["data:,"]
    assert "url(" not in style
    assert "@import" not in style


def test_the_page_has_the_width_of_a_phone() -> None:
    """A phone's browser takes a page without this for one of 980 pixels, and makes it small."""
    text = render("group/blog", [stack()], NOW)
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text
