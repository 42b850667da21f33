"""What changes in a resource, property by property: inputs compared, noise left out, credentials hidden."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ops.preview.printable import printable
from ops.preview.redaction import Redactor
from ops.preview.sensitive import HIDDEN, is_marked, is_sensitive

Kind = Literal["add", "delete", "update"]
Path = tuple[str, ...]
Leaves = dict[Path, Any]

# What a preview writes for a value that only `pulumi up` will know (sdk/go/common/resource/plugin/rpc.go).
_UNKNOWN = re.compile(
    "04da6b54-80e4-46f7-96ec-b56ff0331ba9|"
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7|"
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421|"
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2|"
    "030794c1-ac77-496b-92df-f27374a8bd58|"
    "e48ece36-62e2-4504-bad9-02848725956a|"
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff"
)
COMPUTED = "(known after up)"

_DEFAULTS = "__defaults"
# A list whose entries each have one of these, of different values, is shown by it: `containers[app].image`.
_IDENTITIES = ("name", "label", "key", "containerPath", "mountPath", "containerPort")
_STEP = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.\[\]]+)')
_PLAIN_KEY = re.compile(r"[\w-]+")
# Kubernetes writes these itself; the program never does.
_SERVER_METADATA = {"creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"}
_SERVER_ANNOTATION = re.compile(
    r"(kubectl|deployment)\.kubernetes\.io/|kubernetes\.io/service-account\.uid$|kubernetes\.io/metadata\.name$"
)
_PROVIDER_BOOKKEEPING = {"version", "pluginDownloadURL", "pluginChecksums"}


@dataclass(frozen=True)
class Property:
    """One property's change, safe to show: no credential, no control character, one line each."""

    path: str
    kind: Kind
    old: str | None
    """None if it is added."""
    new: str | None
    """None if it is removed."""
    replaces: bool = False
    """Whether this change is why the resource is replaced."""

    @property
    def secret(self) -> bool:
        """Whether what it holds is hidden, so that all there is to say is that it changes."""
        return HIDDEN in {self.old, self.new}


def compare(
    kind: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, step: Mapping[str, Any], redactor: Redactor
) -> tuple[tuple[Property, ...], bool]:
    """The changes between two states of a resource of type `kind`, and whether any was left out as noise.

    `old` and `new` are the states of a preview's step, with `inputs` and `outputs`; None if there is none. The
    step's `detailedDiff` adds what the inputs alone do not tell: changed secrets, and what differs on the server.
    """
    before, after = _leaves(submap(old, "inputs")), _leaves(submap(new, "inputs"))
    generated = _generated(old) & _generated(new)
    found: dict[Path, tuple[Any, Any, bool]] = {}
    for path in [*before, *(path for path in after if path not in before)]:
        left, right = before.get(path, _MISSING), after.get(path, _MISSING)
        # That a map is no longer empty, or empty now, shows in its entries.
        filled = {} in (left, right) and any(
            len(at) > len(path) and at[: len(path)] == path for at in (*before, *after)
        )
        # A value that the provider put in, in a preview that did not ask it: its settings are not known until `up`.
        unasked = right is _MISSING and new is not None and _is_default(submap(old, "inputs"), path)
        if left != right and not filled and not unasked and not (path[0] in generated and old and new):
            found[path] = (left, right, False)
    for path, change in _detailed(old, new, step):
        replaces = change.endswith("-replace")
        below = [known for known in found if known[: len(path)] == path or path[: len(known)] == known]
        for known in below:
            left, right, _ = found[known]
            found[known] = (left, right, replaces)
        if not below:
            found |= {at: (left, right, replaces) for at, left, right in _elsewhere(path, old, new)}
    shown = {path: values for path, values in found.items() if not _is_noise(kind, path, after)}
    properties = tuple(_property(kind, path, *values, redactor) for path, values in shown.items())
    return _merged(properties), len(shown) < len(found)


class _Missing:
    """Stands for a property that is not there, which null is."""


_MISSING = _Missing()


def _property(kind: str, path: Path, left: object, right: object, replaces: bool, redactor: Redactor) -> Property:
    hidden = is_sensitive(kind, path) or is_marked(left) or is_marked(right)
    what: Kind = "add" if left is _MISSING else "delete" if right is _MISSING else "update"
    texts = [None if value is _MISSING else HIDDEN if hidden else _show(value, redactor) for value in (left, right)]
    shown = path
    if hidden:
        # One line for all of a hidden property: the keys below may be telling too.
        first = next((end for end in range(1, len(path)) if is_sensitive(kind, path[:end])), len(path))
        shown = path[:first]
    return Property(printable(redactor.text(_join(shown))), what, texts[0], texts[1], replaces)


def _merged(properties: Sequence[Property]) -> tuple[Property, ...]:
    """Changes below one hidden property, merged: it changes, unless all of it is added or removed."""
    merged: dict[str, Property] = {}
    for item in properties:
        known = merged.get(item.path)
        if known is None or not (known.secret and item.secret):
            merged[item.path if known is None else f"{item.path}\0{len(merged)}"] = item
        elif known.kind != item.kind:
            merged[item.path] = Property(item.path, "update", HIDDEN, HIDDEN, known.replaces or item.replaces)
    return tuple(merged.values())


def _show(value: object, redactor: Redactor) -> str:
    """A value as a reader sees it: text without quotes unless it could be taken for something else."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    safe = printable(redactor.text(_UNKNOWN.sub(COMPUTED, text)))
    # Text that could be taken for something else is quoted.
    return json.dumps(safe) if isinstance(value, str) and (safe != safe.strip() or _is_json(safe)) else safe


def _is_json(text: str) -> bool:
    if not text:
        return True
    try:
        json.loads(text)
    except ValueError:
        return False
    return not text.startswith(("{", "["))


def _join(path: Path) -> str:
    """The path as Pulumi writes it: a.b["c.d/e"][0]."""
    text = ""
    for part in path:
        if part.startswith("["):
            text += part
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part, ensure_ascii=False)}]"
    return text


def submap(state: Mapping[str, Any] | None, name: str) -> Mapping[str, Any]:
    """The map of this name in a state or in a part of one; an empty one if there is none."""
    value = (state or {}).get(name)
    return value if isinstance(value, dict) else {}


def _generated(state: Mapping[str, Any] | None) -> set[str]:
    """Inputs that the provider chose itself, such as an automatic name: each preview chooses another one."""
    names = submap(state, "inputs").get(_DEFAULTS, [])
    return {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()


def _is_default(inputs: Mapping[str, Any], path: Path) -> bool:
    """Whether the provider itself put this input in."""
    at: object = inputs
    for part in path[:-1]:
        at = at.get(part) if isinstance(at, dict) else None
    defaults = at.get(_DEFAULTS) if isinstance(at, dict) else None
    return isinstance(defaults, list) and path[-1] in defaults


def _leaves(value: object, path: Path = ()) -> Leaves:
    return dict(_walk(value, path))


def _walk(value: object, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and not is_marked(value):
        items = [(str(key), item) for key, item in value.items() if not str(key).startswith("__")]
        if not items and path:
            yield path, {}
        for key, item in items:
            yield from _walk(item, (*path, key))
    elif isinstance(value, list) and any(isinstance(item, (dict, list)) or is_marked(item) for item in value):
        identity = _identity(value)
        for key, item in zip(_keys(value), value, strict=True):
            # What the entry is called by is in the path already.
            rest = {name: part for name, part in item.items() if name != identity} if identity else None
            yield from _walk(rest if rest and set(rest) != {_DEFAULTS} else item, (*path, key))
    elif path:
        yield path, value


def _keys(items: Sequence[Any]) -> list[str]:
    """The names of a list's entries: the property that identifies them if there is one, else their number."""
    identity = _identity(items)
    return [f"[{item[identity] if identity else number}]" for number, item in enumerate(items)]


def _identity(items: Sequence[Any]) -> str | None:
    """The property that identifies the entries of a list."""
    for identity in _IDENTITIES:
        names = [item.get(identity) if isinstance(item, dict) else None for item in items]
        if all(isinstance(name, (str, int)) and not is_marked(name) for name in names) and len(set(names)) == len(
            names
        ):
            return identity
    return None


def _detailed(
    old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, step: Mapping[str, Any]
) -> Iterator[tuple[Path, str]]:
    """The paths of the step's detailed diff, with lists' entries named as `_leaves` does, and the kind of each."""
    for text, change in _changed_paths(step).items():
        roots: list[Any] = [submap(state, name) for state in (old, new) for name in ("inputs", "outputs")]
        path: Path = ()
        for found in _STEP.finditer(text):
            name, number, plain = found.groups()
            if number is not None:
                lists = [root for root in roots if isinstance(root, list) and int(number) < len(root)]
                path += (_keys(lists[0])[int(number)] if lists else f"[{number}]",)
                roots = [root[int(number)] for root in lists]
            else:
                key = json.loads(f'"{name}"') if name is not None else plain
                path += (key,)
                roots = [root[key] for root in roots if isinstance(root, dict) and key in root]
        if path and not any(part.startswith("__") for part in path):
            yield path, change


def _changed_paths(step: Mapping[str, Any]) -> dict[str, str]:
    """The paths of the detailed diff with the kind of each; without one, the names that the provider gives as reasons.

    A bridged provider names every computed output too, since it is not known until `up`. Reasons that are in no
    program's inputs are not changes that anybody makes.
    """
    diff = step.get("detailedDiff")
    if isinstance(diff, dict) and diff:
        return {str(path): str(entry["kind"]) for path, entry in diff.items()}
    replacing = step.get("replaceReasons") or ()
    asked = submap(step.get("oldState"), "inputs").keys() | submap(step.get("newState"), "inputs").keys()
    reasons = [str(path) for path in step.get("diffReasons") or () if re.split(r"[.\[]", str(path))[0] in asked]
    return {path: "update-replace" if path in replacing else "update" for path in reasons}


def _elsewhere(
    path: Path, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None
) -> Iterator[tuple[Path, Any, Any]]:
    """What differs at or below a path of the detailed diff although the inputs are the same there.

    Either a secret, of which a preview shows no more, or what a server holds against what the program asks for.
    """
    after = _below(path, submap(new, "inputs")) or _below(path, submap(new, "outputs"))
    for part in ("inputs", "outputs"):
        before = _below(path, submap(old, part))
        if part == "outputs":
            # A server adds much that nobody asked for.
            before = {at: value for at, value in before.items() if at in after or at == path}
            if not before:
                continue
        differing = [at for at in [*before, *(at for at in after if at not in before)] if _differs(before, after, at)]
        if differing:
            yield from ((at, before.get(at, _MISSING), after.get(at, _MISSING)) for at in differing)
            return
    yield from ((at, value, value) for at, value in after.items() if is_marked(value))


def _below(path: Path, value: Mapping[str, Any]) -> Leaves:
    return {at: item for at, item in _leaves(value).items() if at[: len(path)] == path or path[: len(at)] == at}


def _differs(before: Leaves, after: Leaves, path: Path) -> bool:
    return bool(before.get(path, _MISSING) != after.get(path, _MISSING))


def _is_noise(kind: str, path: Path, after: Leaves) -> bool:
    """Whether a difference is bookkeeping of a provider or a server, and nothing that anybody has asked for."""
    if kind.startswith("pulumi:providers:"):
        return path[0] in _PROVIDER_BOOKKEEPING
    if not kind.startswith("kubernetes:"):
        return False
    if path[0] == "status" or (path[0] == "metadata" and len(path) > 1 and path[1] in _SERVER_METADATA):
        return True
    named = path[0] == "metadata" and len(path) > 2 and path[1] in {"annotations", "labels"}
    return named and bool(_SERVER_ANNOTATION.match(path[2])) and path not in after
