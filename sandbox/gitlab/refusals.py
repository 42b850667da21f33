"""GitLab's refusals. Its own helpers answer under `message`, the Grape framework (and bare strings) under `error`."""

from collections.abc import Mapping, Sequence

from starlette.responses import JSONResponse, Response


class Refusal(Exception):  # noqa: N818 - it is an answer of the API, not a fault of the program
    """An answer other than success, ready to be sent."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def message(status: int, text: str | Sequence[str]) -> Refusal:
    """Return a refusal by one of GitLab's own helpers; some give a list of complaints."""
    return Refusal(JSONResponse({"message": text}, status))


def invalid(problems: Mapping[str, Sequence[str]]) -> Refusal:
    """Return the refusal of a record whose fields are not valid: every broken field with all its complaints."""
    return Refusal(JSONResponse({"message": problems}, 400))


def error(status: int, text: str, **more: str) -> Refusal:
    """Return a refusal by the framework: parameters, routes, verbs, and (with `more` fields) tokens."""
    return Refusal(JSONResponse({"error": text, **more}, status))


def malformed() -> Refusal:
    """Return the refusal of text that no GitLab database takes (lib/gitlab/middleware/handle_malformed_strings.rb)."""
    return Refusal(Response("Bad Request", 400, media_type="text/plain"))


def not_found() -> Refusal:
    """Return the refusal of a lookup of a record by its id."""
    return message(404, "404 Not found")
