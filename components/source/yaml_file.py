"""YAML of a team's own as plain data, with the line of each value. Pure.

Scalars are read as the tools read them that the files are made for (go-yaml, behind kubectl and docker compose), not as
PyYAML does: no dates, no numbers to base 60, `0644` is octal, and a key is a text.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import yaml

from components.source.go_number import as_key, number
from components.source.json_stream import as_yaml
from components.source.source_error import SourceError, source_error

Path = tuple[str | int, ...]
Booleans = Literal["yaml 1.1", "yaml 1.2"]
"""Whether `yes`, `no`, `on`, `off`, `y` and `n` are booleans, as kubectl has it, or texts, as docker compose has it."""

LARGEST = 200_000
"""How many values a file may have once its aliases are written out."""
DEEPEST = 100

_CORE = "tag:yaml.org,2002:"
_MERGE = f"{_CORE}merge"
_COLLECTIONS = {f"{_CORE}map", f"{_CORE}seq"}
_QUOTED = {"'", '"', "|", ">"}
_NO_TAGS: Mapping[str, bool] = {}
_NULL = re.compile(r"|~|null|Null|NULL")
_BOOLEANS = {
    "yaml 1.1": re.compile(r"(?:(true|True|TRUE|y|Y|yes|Yes|YES|on|On|ON)|false|False|FALSE|n|N|no|No|NO|off|Off|OFF)"),
    "yaml 1.2": re.compile(r"(?:(true|True|TRUE)|false|False|FALSE)"),
}


class _Nodes(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]
    """Marks plain scalars, which are resolved below, and the merge key."""


_PLAIN = "plain"
_Nodes.yaml_implicit_resolvers = {None: [(_MERGE, re.compile(r"<<\Z")), (_PLAIN, re.compile(r".*", re.DOTALL))]}


@dataclass(frozen=True, kw_only=True)
class Document:
    """One document of a file."""

    file: str
    """The file, as it is shown."""
    value: Any
    """Plain data: mappings with texts as keys, lists, texts, numbers, booleans, None. Nothing in it is shared."""
    lines: dict[Path, int] = field(repr=False)
    """The line of each value, the first being 1, by its path; of one in a mapping that of its key."""
    tagged: frozenset[Path] = frozenset()
    """Where a tag is that the caller knows."""

    def where(self, *path: str | int) -> str:
        """FILE:LINE of a value; if there is none at the path, of the nearest one that it would be in."""
        while path not in self.lines:
            path = path[:-1]
        return f"{self.file}:{self.lines[path]}"


def documents(text: str, file: str, booleans: Booleans, tags: Mapping[str, bool] = _NO_TAGS) -> list[Document]:
    """The documents that have content, in their order; SourceError with the line if the text is not such YAML.

    `file` is its name as it is shown, `tags` are those that a value may have besides YAML's own, and whether it is read
    then, as if it had none.
    """
    reader = _Reader(file=file, booleans=booleans, known=tags)
    try:
        nodes = list(yaml.compose_all(as_yaml(text), Loader=_Nodes))
    except yaml.MarkedYAMLError as error:
        raise _unreadable(error, text, file) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, text.find(chr(error.character))) + 1
        cause = f"has the character U+{error.character:04X}, which YAML does not take"
        raise source_error(f"{file}:{line}", cause, "take it out") from None
    except (yaml.YAMLError, RecursionError):
        raise source_error(file, "is no YAML that can be read", "correct the file") from None
    found = []
    for node in nodes:
        lines: dict[Path, int] = {}
        reader.tagged.clear()
        value = reader.value(node, (), lines, ())
        if value is not None:
            found.append(Document(file=file, value=value, lines=lines, tagged=frozenset(reader.tagged)))
    return found


def _unreadable(error: yaml.MarkedYAMLError, text: str, file: str) -> SourceError:
    lines = text.splitlines() or [""]
    marks = [mark.line for mark in (error.problem_mark, error.context_mark) if mark and mark.line < len(lines)]
    # What is not ended is noticed behind the last line, and begins in one that can be shown.
    at = marks[0] if marks else max(len(lines) - 1, 0)
    is_json = file.endswith(".json")
    if "\t" in lines[at] and not text.lstrip().startswith("{"):
        remedy = "indent with spaces, not with a tab"
    else:
        indentation = "a comma" if is_json else "the indentation"
        remedy = f"correct {indentation}, a quote or a bracket there or above it"
    return source_error(f"{file}:{at + 1}", f"is no {'JSON' if is_json else 'YAML'} ({error.problem})", remedy)


@dataclass(frozen=True, kw_only=True)
class _Reader:
    file: str
    booleans: Booleans
    known: Mapping[str, bool]
    """Tags that are recorded, and whether what has them is read."""
    tagged: set[Path] = field(default_factory=set)
    """Where they are in the document that is read."""
    _count: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def value(self, node: yaml.Node, path: Path, lines: dict[Path, int], above: tuple[yaml.Node, ...]) -> object:
        """The node as data; the lines of what is in it are added. `above` are the nodes that it is in."""
        lines.setdefault(path, node.start_mark.line + 1)
        if next(self._count) > LARGEST:
            raise self._refused(node, f"makes more than {LARGEST} values", "repeat less by anchors")
        if node in above:
            raise self._refused(node, "is an anchor that refers to itself", "write the value out")
        if len(above) > DEEPEST:
            raise self._refused(node, f"is nested more than {DEEPEST} deep", "nest less")
        within = (*above, node)
        if node.tag in self.known:
            self.tagged.add(path)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if node.tag not in _COLLECTIONS and node.tag not in self.known:
            raise self._refused(node, f"has the tag {node.tag}, which nothing here reads", "take the tag out")
        if isinstance(node, yaml.SequenceNode):
            read = [item for item in node.value if self.known.get(item.tag, True)]
            return [self.value(item, (*path, number), lines, within) for number, item in enumerate(read)]
        return self._mapping(cast("yaml.MappingNode", node), path, lines, within)

    def _mapping(
        self, node: yaml.MappingNode, path: Path, lines: dict[Path, int], above: tuple[yaml.Node, ...]
    ) -> dict[str, object]:
        found: dict[str, object] = {}
        merged: list[yaml.MappingNode] = []
        for key, item in node.value:
            if key.tag == _MERGE:
                merged += self._merged(item)
                continue
            name = self._name(key)
            if name in found:
                raise self._refused(key, f"has the key {name!r} twice in one mapping", "keep one of them")
            lines[*path, name] = key.start_mark.line + 1
            if self.known.get(item.tag, True):
                found[name] = self.value(item, (*path, name), lines, above)
            else:
                self.tagged.add((*path, name))
        for other in merged:
            if other in above:
                raise self._refused(other, "is an anchor that refers to itself", "write the value out")
            inherited: dict[Path, int] = {}
            for name, item in self._mapping(other, path, inherited, (*above, other)).items():
                if name not in found:
                    found[name] = item
                    lines.update({at: line for at, line in inherited.items() if at[: len(path) + 1] == (*path, name)})
        return found

    def _merged(self, node: yaml.Node) -> list[yaml.MappingNode]:
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not all(isinstance(each, yaml.MappingNode) for each in nodes):
            raise self._refused(node, "merges something that is no mapping", "name mappings behind '<<'")
        return cast("list[yaml.MappingNode]", nodes)

    def _name(self, key: yaml.Node) -> str:
        if not isinstance(key, yaml.ScalarNode):
            raise self._refused(key, "has a key that is no text", "use a text as the key")
        name = self._scalar(key)
        if isinstance(name, bool):
            return str(name).lower()
        if isinstance(name, float):
            return as_key(name)
        return key.value if name is None else str(name)

    def _scalar(self, node: yaml.ScalarNode) -> object:
        text: str = node.value
        tag = node.tag.removeprefix(_CORE)
        if tag == "str":
            return text
        resolved = _resolved(text, self.booleans)
        if tag in self.known:
            return text if node.style in _QUOTED else resolved
        if tag in {_PLAIN, "merge"}:
            return resolved
        if tag not in {"int", "float", "bool", "null"}:
            raise self._refused(node, f"has the tag {node.tag}, which nothing here reads", "take the tag out")
        if type(resolved).__name__ != {"null": "NoneType"}.get(tag, tag):
            raise self._refused(node, f"is {text!r}, which is no {tag}", "correct the value or take the tag out")
        return resolved

    def _refused(self, node: yaml.Node, cause: str, remedy: str) -> SourceError:
        return source_error(f"{self.file}:{node.start_mark.line + 1}", cause, remedy)


def _resolved(text: str, booleans: Booleans) -> object:
    if _NULL.fullmatch(text):
        return None
    if boolean := _BOOLEANS[booleans].fullmatch(text):
        return boolean[1] is not None
    value = number(text)
    return text if value is None else value
