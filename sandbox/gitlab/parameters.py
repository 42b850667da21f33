"""Request parameters as Grape reads them: query and body as one, coerced by declared type, all complaints at once."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.requests import Request

from sandbox.gitlab.refusals import error, malformed

# dry-types' Params::Bool, which Grape's Boolean uses.
TRUE = {"1", "on", "On", "ON", "t", "true", "True", "TRUE", "T", "y", "yes", "Yes", "YES", "Y"}
FALSE = {"0", "off", "Off", "OFF", "f", "false", "False", "FALSE", "F", "n", "no", "No", "NO", "N"}
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
# A variable's value has no limit of its own.
MAX_PART = 2**24


async def read_parameters(request: Request) -> "Parameters":
    """Read query and body of a request; the body wins where both name a parameter.

    Raises Refusal 400 for JSON that does not parse and for a NUL or half a surrogate pair in a text, 415 for a content
    type GitLab does not read.
    """
    given = nested(parse_qsl(request.url.query, keep_blank_values=True))
    content_type = request.headers.get("content-type", FORMS[0]).partition(";")[0].strip().lower()
    if content_type in FORMS:
        form = await request.form(max_part_size=MAX_PART)
        given |= nested([(name, "" if isinstance(text, UploadFile) else text) for name, text in form.multi_items()])
    elif content_type == "application/json":
        body = await request.body()
        try:
            parsed = json.loads(body) if body.strip() else {}
        except ValueError:
            raise error(400, "message body does not match declared format") from None
        given |= parsed if isinstance(parsed, dict) else {}
    elif await request.body():
        raise error(415, f"The provided content-type '{content_type}' is not supported.")
    if not storable(given):
        raise malformed()
    return Parameters(given)


def nested(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return form pairs as Rack nests them, one level deep: `a=1`, `a[]=1` (list), `a[b]=1` (object)."""
    result: dict[str, Any] = {}
    for name, text in pairs:
        match = re.fullmatch(r"([^\[\]]+)\[([^\[\]]*)\]", name)
        if match is None:
            result[name] = text
        elif match[2]:
            inner = result.setdefault(match[1], {})
            if isinstance(inner, dict):
                inner[match[2]] = text
        else:
            items = result.setdefault(match[1], [])
            if isinstance(items, list):
                items.append(text)
    return result


def storable(item: object) -> bool:
    """Tell whether every text in a parsed body can be kept."""
    if isinstance(item, str):
        return re.search("[\0\ud800-\udfff]", item) is None
    if isinstance(item, Mapping):
        return all(storable(part) for pair in item.items() for part in pair)
    return all(storable(part) for part in item) if isinstance(item, list) else True


def path_integer(request: Request, name: str) -> int:
    """Return the integer parameter of a route; Refusal 400 for what is none."""
    parameters = Parameters(request.path_params)
    parameters.integer(name)
    return int(parameters.declared()[name])


def timestamp(moment: datetime) -> str:
    """Return a moment in UTC as GitLab writes it, `2021-01-01T00:00:00.000Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


class Parameters:
    """Parameters given and the declared ones read so far. Declare each by its type, then call `declared`."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = given
        self.read: dict[str, Any] = {}
        self.problems: list[str] = []

    def declared(self) -> dict[str, Any]:
        """Return the declared parameters that were given; Refusal 400 with every complaint where there is one."""
        if self.problems:
            raise error(400, ", ".join(self.problems))
        return self.read

    def string(self, name: str, *, required: bool = False, values: Sequence[str] | None = None) -> None:
        """Declare a text, perhaps one of `values`; null is kept as None, a number or boolean taken as its text."""
        if name not in self.given:
            if required:
                self.problems.append(f"{name} is missing")
            return
        item = self.given[name]
        if isinstance(item, (dict, list)):
            self.problems.append(f"{name} is invalid")
        elif values is None:
            self.read[name] = item if item is None or isinstance(item, str) else json.dumps(item)
        elif item is not None and item not in values:
            self.problems.append(f"{name} does not have a valid value")
        elif item is not None:
            self.read[name] = item

    def boolean(self, name: str) -> None:
        """Declare a boolean; null and "" are kept as None."""
        if name not in self.given:
            return
        item = self.given[name]
        text = json.dumps(item) if isinstance(item, (bool, int)) else item
        if item is None or item == "":
            self.read[name] = None
        elif not isinstance(text, str) or text not in TRUE | FALSE:
            self.problems.append(f"{name} is invalid")
        else:
            self.read[name] = text in TRUE

    def integer(self, name: str) -> None:
        """Declare an integer; null and "" are kept as None."""
        if name not in self.given:
            return
        item = self.given[name]
        if item is None or item == "":
            self.read[name] = None
        elif isinstance(item, bool) or not re.fullmatch(r"[+-]?[0-9]{1,18}", str(item)):
            self.problems.append(f"{name} is invalid")
        else:
            self.read[name] = int(item)

    def moment(self, name: str) -> None:
        """Declare a date or date-time; read as an aware datetime in UTC, null and "" as None."""
        if name not in self.given:
            return
        item = self.given[name]
        if item is None or item == "":
            self.read[name] = None
            return
        try:
            parsed = datetime.fromisoformat(item)
        except (TypeError, ValueError):
            self.problems.append(f"{name} is invalid")
        else:
            self.read[name] = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)

    def choices(self, name: str, values: Sequence[str]) -> None:
        """Declare a required list out of `values`, given as a list or as text with commas."""
        if name not in self.given:
            self.problems.append(f"{name} is missing")
            return
        item = self.given[name]
        items = [part.strip() for part in item.split(",") if part.strip()] if isinstance(item, str) else item
        if not isinstance(items, list):
            self.problems.append(f"{name} is invalid")
        elif any(part not in values for part in items):
            self.problems.append(f"{name} does not have a valid value")
        else:
            self.read[name] = items

    def strings(self, name: str) -> None:
        """Declare a list of texts, given as text with commas or a list of these (CommaSeparatedToArray); null is []."""
        if name not in self.given:
            return
        item = self.given[name]
        items = [item] if isinstance(item, str) else item or []
        if not isinstance(items, list) or any(isinstance(part, (dict, list)) for part in items):
            self.problems.append(f"{name} is invalid")
        else:
            self.read[name] = [text for part in items for piece in str(part).split(",") if (text := piece.strip())]

    def integers(self, name: str) -> None:
        """Declare a list of integers, given as a list or as text with commas; what is no number is 0, as in Ruby."""
        self.strings(name)
        if name in self.read:
            matches = (re.match(r"[+-]?[0-9]{1,18}", part) for part in self.read[name])
            self.read[name] = [int(match[0]) if match else 0 for match in matches]

    def filled(self, *names: str) -> None:
        """Refuse those that are given blank (Grape's `allow_blank: false`)."""
        blank = [name for name in names if name in self.given and not str(self.given[name] or "").strip()]
        self.problems.extend(f"{name} is empty" for name in blank)

    def at_least_one_of(self, names: Sequence[str]) -> None:
        """Refuse a request that gives none of these."""
        if not any(name in self.given for name in names):
            self.problems.append(f"{', '.join(names)} are missing, at least one parameter must be provided")

    def filter_scope(self) -> None:
        """Declare `filter[environment_scope]`; read as `filter`, "" or None where blank."""
        item = self.given.get("filter")
        if item is not None and not isinstance(item, dict):
            self.problems.append("filter is invalid")
        elif item:
            self.read["filter"] = item.get("environment_scope")
