"""What all resource types of the plugin share: checked inputs, differences, previews."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from sandbox.plugins.gitlab.client import Client, PluginError
from sandbox.plugins.gitlab.values import UNKNOWN, Plain, State, is_unknown

Kind = Literal["string", "boolean", "integer", "array"]
_PYTHON_TYPES: Mapping[Kind, type] = {"string": str, "boolean": bool, "integer": float, "array": list}
_ARTICLES: Mapping[Kind, str] = {"string": "a", "boolean": "a", "integer": "an", "array": "an"}


@dataclass(frozen=True, kw_only=True)
class Input:
    """One input of a resource type, with what the official plugin does about it."""

    kind: Kind
    required: bool = False
    replaces: bool = False
    """A change needs a new resource."""
    replaces_unset: bool = True
    """Whether it replaces too if the program leaves it out and another input changes: its value is then not known."""
    default: str | bool | None = None
    """What it is if the program leaves it out. Without a default it is then whatever GitLab has."""
    choices: tuple[str, ...] = ()
    """The only values allowed, of the input or of its elements."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What differs between the last known outputs and the inputs that are wanted, by name. Nothing is no difference."""

    diffs: list[str] = field(default_factory=list)
    replaces: list[str] = field(default_factory=list)


class Resource(ABC):
    """One resource type. Ids and outputs are those of the official plugin; every method may raise PluginError."""

    token: ClassVar[str]
    inputs: ClassVar[Mapping[str, Input]]
    outputs: ClassVar[Mapping[str, Kind]]
    """The outputs that are not inputs."""
    secret_outputs: ClassVar[frozenset[str]] = frozenset()
    """The outputs that are secret whatever the program says."""
    meta: ClassVar[str | None] = None
    """What Pulumi's bridge keeps as `__meta` in the state: the version of the schema, unless it is 0."""

    @abstractmethod
    def create(self, client: Client, inputs: State) -> State:
        """Create it and return its outputs, `id` among them."""

    @abstractmethod
    def read(self, client: Client, resource_id: str, state: State) -> State | None:
        """Return its outputs as GitLab has them, None if it is gone. `state` is empty on an import."""

    @abstractmethod
    def update(self, client: Client, state: State, inputs: State) -> State:
        """Change it in place and return its outputs. `state` is its outputs until now."""

    @abstractmethod
    def delete(self, client: Client, state: State) -> None:
        """Delete it."""

    @abstractmethod
    def problems(self, inputs: State) -> Iterator[str]:
        """Give what is wrong with the inputs beyond types, choices and presence."""

    def check(self, inputs: State) -> list[str]:
        """Give all that is wrong with the inputs, in sentences that name them."""
        failures = [f"{name} is required" for name, spec in self.inputs.items() if spec.required and name not in inputs]
        for name, value in inputs.items():
            spec = self.inputs.get(name)
            if spec is None:
                failures.append(f"{name} is not an input; the inputs are {', '.join(self.inputs)}")
            elif is_unknown(value):
                continue
            elif not isinstance(value, _PYTHON_TYPES[spec.kind]):
                failures.append(f"{name} must be {_ARTICLES[spec.kind]} {spec.kind}")
            elif spec.choices and not set(value if isinstance(value, list) else [value]) <= set(spec.choices):
                failures.append(f"{name} must be of {', '.join(spec.choices)}, not {value}")
        return failures or list(self.problems(inputs))

    def diff(self, state: State, inputs: State, ignored: Collection[str]) -> Difference:
        """Compare what is wanted with the last known outputs, as Pulumi's bridge does for the Plugin Framework.

        If anything differs, whatever GitLab computes and the program does not set counts as not known, and so as
        changed. There are names alone, no detailed diff.
        """
        changed = {
            name
            for name, spec in self.inputs.items()
            if name not in ignored
            and (wanted := inputs.get(name, spec.default)) is not None
            and (is_unknown(wanted) or not _same(state.get(name), wanted))
        }
        if not changed:
            return Difference()
        unset = {name for name, spec in self.inputs.items() if name not in inputs and spec.default is None}
        replaces = {name for name in changed if self.inputs[name].replaces}
        replaces |= {name for name in unset if self.inputs[name].replaces and self.inputs[name].replaces_unset}
        return Difference(diffs=sorted(changed | unset | set(self.outputs)), replaces=sorted(replaces))

    def planned(self, inputs: State) -> State:
        """Return the outputs as far as a preview can know them."""
        known = {name: inputs.get(name, spec.default) for name, spec in self.inputs.items()}
        outputs: State = {name: UNKNOWN if value is None else value for name, value in known.items()}
        return outputs | dict.fromkeys(self.outputs, UNKNOWN)

    def imported_inputs(self, state: State) -> State:
        """Give the inputs that describe what was just imported: those required, and what differs from a default."""
        return {
            name: state[name]
            for name, spec in self.inputs.items()
            if state.get(name) is not None and (spec.required or state[name] not in ("", False, spec.default))
        }


def text(values: State, name: str) -> str:
    """Give a string that the check has made sure of."""
    value = values[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is not a string")
    return value


def numbered_id(resource_id: str) -> tuple[str, str]:
    """Split an id `project:number`; PluginError for anything else."""
    project, _, number = resource_id.partition(":")
    if not project or not number:
        raise PluginError("Error parsing Id", "Could not parse Id into project and deployTokenId")
    if not number.isdigit():
        failed = f'strconv.ParseInt: parsing "{number}": invalid syntax'
        raise PluginError(
            "Error parsing deploy token Id", f'Could not parse deploy token Id "{number}" to int: {failed}'
        )
    return project, number


def _same(old: Plain, new: Plain) -> bool:
    """Compare; the one list among the inputs, `scopes`, is a set."""
    if isinstance(old, list) and isinstance(new, list):
        return sorted(map(str, old)) == sorted(map(str, new))
    return old == new
