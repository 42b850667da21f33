"""Offset paging."""

import pytest
from gitlab.v4.objects import Project

from tests.support.gitlab_double import Api

HEADERS = ("x-page", "x-per-page", "x-prev-page", "x-next-page", "x-total", "x-total-pages")


@pytest.fixture
def twenty_five(project: Project) -> Project:
    for number in range(25):
        project.variables.create({"key": f"V{number}", "value": "v"})
    return project


@pytest.mark.usefixtures("twenty_five")
@pytest.mark.parametrize(
    ("query", "headers", "keys"),
    [
        ("", ("1", "20", "", "2", "25", "2"), [f"V{n}" for n in range(20)]),
        ("?page=2", ("2", "20", "1", "", "25", "2"), [f"V{n}" for n in range(20, 25)]),
        ("?page=2&per_page=10", ("2", "10", "1", "3", "25", "3"), [f"V{n}" for n in range(10, 20)]),
        ("?per_page=1000", ("1", "100", "", "", "25", "1"), [f"V{n}" for n in range(25)]),
        ("?page=9", ("9", "20", "", "", "25", "2"), []),
        ("?page=&per_page=", ("1", "20", "", "2", "25", "2"), [f"V{n}" for n in range(20)]),
    ],
)
def test_a_page_and_its_headers(api: Api, query: str, headers: tuple[str, ...], keys: list[str]) -> None:
    reply = api("GET", f"/variables{query}")
    assert reply.status == 200
    assert tuple(reply.headers[name] for name in HEADERS) == headers
    assert [variable["key"] for variable in reply.json()] == keys


def test_an_empty_list_has_one_page(api: Api) -> None:
    reply = api("GET", "/variables")
    assert reply.json() == []
    assert tuple(reply.headers[name] for name in HEADERS) == ("1", "20", "", "", "0", "1")


@pytest.mark.usefixtures("twenty_five")
def test_links_lead_to_the_other_pages_and_hold_no_token(api: Api, project_path: str) -> None:
    token = api.headers["PRIVATE-TOKEN"]
    reply = api("GET", f"/variables?private_token={token}&page=2&per_page=10", token="")
    base = f"http://127.0.0.1:{api.double.port}{api.base}/variables"
    encoded = project_path.replace("/", "%2F")
    expected = [
        f'<{base}?id={encoded}&page={page}&per_page=10>; rel="{rel}"'
        for page, rel in ((1, "prev"), (3, "next"), (1, "first"), (3, "last"))
    ]
    assert reply.headers["link"] == ", ".join(expected)


def test_python_gitlab_walks_all_pages(twenty_five: Project) -> None:
    keys = [variable.key for variable in twenty_five.variables.list(iterator=True, per_page=7)]
    assert keys == [f"V{number}" for number in range(25)]


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("page=x", "page is invalid"),
        ("per_page=1.5", "per_page is invalid"),
        ("page=0", "page does not have a valid value"),
        ("per_page=-1", "per_page does not have a valid value"),
        ("per_page=0", "per_page has a value not allowed"),
        ("page=x&per_page=y", "page is invalid, per_page is invalid"),
    ],
)
def test_a_page_that_is_no_positive_number_is_refused(api: Api, query: str, error: str) -> None:
    reply = api("GET", f"/variables?{query}")
    assert (reply.status, reply.json()) == (400, {"error": error})
