"""Offset paging: the page asked for, and the headers that say where it stands (lib/gitlab/pagination/offset_*.rb)."""

from collections.abc import Mapping, Sequence
from urllib.parse import unquote, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.gitlab.parameters import Parameters
from sandbox.gitlab.refusals import error

MAX_PER_PAGE = 100
# A link is no place for the caller's token.
NOT_IN_LINKS = ("private_token", "access_token", "job_token")


def page_wanted(parameters: Parameters) -> tuple[int, int]:
    """Return `page` (1) and `per_page` (20, at most 100); Refusal 400 for what is no positive number."""
    parameters.integer("page")
    parameters.integer("per_page")
    declared = parameters.declared()
    page, per_page = (declared.get(name, default) for name, default in (("page", 1), ("per_page", 20)))
    page, per_page = 1 if page is None else page, 20 if per_page is None else per_page
    if per_page == 0:
        raise error(400, "per_page has a value not allowed")
    for name, number in (("page", page), ("per_page", per_page)):
        if number < 1:
            raise error(400, f"{name} does not have a valid value")
    return page, min(per_page, MAX_PER_PAGE)


def paginated(request: Request, parameters: Parameters, items: Sequence[Mapping[str, object]]) -> JSONResponse:
    """Answer with the page of `items` that the request asks for."""
    page, per_page = page_wanted(parameters)
    pages = max(-(-len(items) // per_page), 1)
    before, after = (page - 1 if 1 < page <= pages else None), (page + 1 if page < pages else None)
    query = {name: text for name, text in request.query_params.items() if name not in NOT_IN_LINKS}
    query["id"] = unquote(request.path_params["id"])

    def link(number: int, rel: str) -> str:
        url = request.url.replace(query=urlencode(sorted((query | {"page": number, "per_page": per_page}).items())))
        return f'<{url}>; rel="{rel}"'

    steps = ((before, "prev"), (after, "next"), (1, "first"), (pages, "last"))
    headers = {
        "Link": ", ".join(link(number, rel) for number, rel in steps if number is not None),
        "X-Next-Page": str(after or ""),
        "X-Page": str(page),
        "X-Per-Page": str(per_page),
        "X-Prev-Page": str(before or ""),
        "X-Total": str(len(items)),
        "X-Total-Pages": str(pages),
    }
    return JSONResponse(items[(page - 1) * per_page : page * per_page], headers=headers)
