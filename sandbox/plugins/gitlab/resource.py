"""What all resource types of the plugin share: checked inputs, differences, previews."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from pulumi.provider.experimental.provider import CheckFailure, DiffResponse, PropertyDiff, PropertyDiffKind
from pulumi.runtime.rpc import UNKNOWN

from sandbox.plugins.gitlab.client import Client, PluginError
from sandbox.plugins.gitlab.values import Plain, State, is_unknown

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
    default: str | bool | None = None
    """What it is where the program leaves it out."""
    clears: bool = False
    """Left out means none. For other inputs without a default it means whatever GitLab has, and is no difference."""
    choices: tuple[str, ...] = ()
    """The only values allowed, of the input or of its elements."""


class Resource(ABC):
    """One resource type. Ids and outputs are those of the official plugin; every method may raise PluginError."""

    token: ClassVar[str]
    inputs: ClassVar[Mapping[str, Input]]
    outputs: ClassVar[Mapping[str, Kind]]
    """The outputs that are not inputs."""
    secret_outputs: ClassVar[frozenset[str]] = frozenset()
    """The outputs that are secret whatever the program says."""
    secret_imports: ClassVar[frozenset[str]] = frozenset()
    """The inputs that are taken as secret on an import, when no program has said so yet."""

    @abstractmethod
    def create(self, client: Client, name: str, inputs: State) -> State:
        """Create it and give its outputs, `id` among them. `name` is the resource's name in the program."""

    @abstractmethod
    def read(self, client: Client, resource_id: str, state: State) -> State | None:
        """Give its outputs as GitLab has them, None where it is gone. `state` is empty on an import."""

    @abstractmethod
    def update(self, client: Client, state: State, inputs: State) -> State:
        """Change it in place and give its outputs. `state` is its outputs until now."""

    @abstractmethod
    def delete(self, client: Client, state: State) -> None:
        """Delete it; that it is gone already is no error."""

    @abstractmethod
    def problems(self, inputs: State) -> Iterator[CheckFailure]:
        """Give what is wrong with the inputs beyond types, choices and presence."""

    def check(self, inputs: State) -> list[CheckFailure]:
        """Give all that is wrong with the inputs.

        The failures name the input in their text alone: for a named property the engine prints the value too.
        """
        failures = [
            CheckFailure("", f"{name} is required")
            for name, spec in self.inputs.items()
            if spec.required and name not in inputs
        ]
        for name, value in inputs.items():
            spec = self.inputs.get(name)
            if spec is None:
                failures.append(CheckFailure("", f"{name} is not an input; the inputs are {', '.join(self.inputs)}"))
            elif is_unknown(value):
                continue
            elif not isinstance(value, _PYTHON_TYPES[spec.kind]):
                failures.append(CheckFailure("", f"{name} must be {_ARTICLES[spec.kind]} {spec.kind}"))
            elif spec.choices and not set(value if isinstance(value, list) else [value]) <= set(spec.choices):
                failures.append(CheckFailure("", f"{name} must be of {', '.join(spec.choices)}, not {value}"))
        return failures or list(self.problems(inputs))

    def diff(self, state: State, inputs: State, ignored: Collection[str]) -> DiffResponse:
        """Compare what is wanted with what was last known; a difference in a replacing input asks for a replacement."""
        changes: dict[str, PropertyDiff] = {}
        for name, spec in self.inputs.items():
            old, new = state.get(name), inputs.get(name, spec.default)
            if name in ignored or (new is None and not spec.clears) or (not is_unknown(new) and _same(old, new)):
                continue
            verb = "ADD" if old is None else "DELETE" if new is None else "UPDATE"
            kind = PropertyDiffKind[f"{verb}_REPLACE" if spec.replaces else verb]
            changes[name] = PropertyDiff(kind, input_diff=False)
        return DiffResponse(
            changes=bool(changes),
            replaces=[name for name in changes if self.inputs[name].replaces],
            diffs=list(changes),
            detailed_diff=changes,
        )

    def planned(self, inputs: State) -> State:
        """Give the outputs as far as a preview can know them."""
        known = {name: inputs.get(name, spec.default) for name, spec in self.inputs.items()}
        outputs: State = {name: UNKNOWN if value is None else value for name, value in known.items()}
        return outputs | dict.fromkeys(self.outputs, UNKNOWN)

    def imported_inputs(self, state: State) -> State:
        """Give the inputs that describe what was just imported: those required, and what differs from a default."""
        return {
            name: state[name]
            for name, spec in self.inputs.items()
            if name in state and (spec.required or state[name] not in (None, "", False, spec.default))
        }


def text(values: State, name: str) -> str:
    """Give a string that the check has made sure of."""
    value = values[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is not a string")
    return value


def numbered_id(resource_id: str) -> tuple[str, str]:
    """Split an id `project:number`; raises PluginError where it is something else."""
    project, _, number = resource_id.partition(":")
    if not project or not number.isdigit():
        raise PluginError(f"The id {resource_id!r} is not of the form project:number, such as group/blog:7.")
    return project, number


def _same(old: Plain, new: Plain) -> bool:
    """Compare; the one list among the inputs, `scopes`, is a set."""
    if isinstance(old, list) and isinstance(new, list):
        return sorted(map(str, old)) == sorted(map(str, new))
    return old == new
