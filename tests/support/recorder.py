"""Runs a Pulumi program with no engine, and remembers every declaration it makes.

The recorder invents nothing: a resource's outputs are its inputs, and the computed outputs a test names. It refuses
two resources of one URN, as the engine does and Pulumi's own mocks do not.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.runtime import mocks, rpc

Inputs = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """One resource as it was registered with the engine."""

    type: str
    name: str
    inputs: Inputs
    """With the values of secrets in clear; see `secret`."""
    secret: frozenset[str]
    """Top-level inputs that were marked as secret."""
    parent: str
    """Name of the parent resource; the stack's own for a resource with no parent."""
    provider: str
    """Name of the explicit provider; empty for a default one."""
    custom: bool
    protect: bool
    ignore_changes: tuple[str, ...]
    depends_on: frozenset[str]


class Recorder(mocks.MockMonitor, mocks.Mocks):
    """A resource monitor that keeps what was declared."""

    def __init__(self, outputs: Mapping[str, Inputs], left: Inputs, kept: Inputs) -> None:
        mocks.MockMonitor.__init__(self, self)
        self.declarations: list[Declaration] = []
        self.hooks: dict[str, Any] = {}
        """Hooks of resources, by name; to be called by the test that is about them."""
        self._outputs = outputs
        self._left = left
        self._kept = kept

    def one(self, type_: str, name: str | None = None) -> Declaration:
        """The only declaration of this type (and name); fails with what there is instead."""
        found = [d for d in self.declarations if d.type == type_ and name in (None, d.name)]
        assert len(found) == 1, f"{type_} {name or ''}: {[(d.type, d.name) for d in self.declarations]}"
        return found[0]

    def types(self) -> list[str]:
        """The types of all custom resources but providers, sorted."""
        return sorted(d.type for d in self.declarations if d.custom and not d.type.startswith("pulumi:providers:"))

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the name of the remote procedure
        if request.type != "pulumi:pulumi:Stack":
            urn = self.make_urn(request.parent, request.type, request.name)
            assert urn not in self.resources, f"declared twice: {urn}"
            raw = rpc.deserialize_properties(request.object)
            self.declarations.append(
                Declaration(
                    type=request.type,
                    name=request.name,
                    inputs={key: _clear(value) for key, value in raw.items()},
                    secret=frozenset(key for key, value in raw.items() if _is_secret(value)),
                    parent=_name(request.parent),
                    provider=_name(request.provider.rpartition("::")[0]),
                    custom=request.custom,
                    protect=request.protect,
                    ignore_changes=tuple(request.ignoreChanges),
                    depends_on=frozenset(_name(urn) for urn in request.dependencies),
                )
            )
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]

    def register_resource_hook(self, hook: pulumi.ResourceHook) -> None:
        self.hooks[hook.name] = hook

    def register_error_hook(self, hook: pulumi.ErrorHook) -> None:
        self.hooks[hook.name] = hook

    def call(self, args: mocks.MockCallArgs) -> tuple[Inputs, list[tuple[str, str]] | None]:
        left = {"readStackOutputs": self._left, "readStackResourceOutputs": self._kept}
        function = args.token.removeprefix("pulumi:pulumi:")
        assert function in left, f"no function was to be called: {args.token}"
        assert list(args.args.values()) == ["organization/gitlab-deploy/test"]
        return {"outputs": left[function]}, []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, Inputs]:
        return f"{args.name}-id", {**args.inputs, **self._outputs.get(args.typ, {})}


def deploy(
    program: Callable[[], object],
    outputs: Mapping[str, Inputs] | None = None,
    *,
    preview: bool = False,
    left: Inputs | None = None,
    kept: Inputs | None = None,
) -> Recorder:
    """Runs the program to its end, raising what it raises, also inside of an `apply`.

    `outputs` maps a resource type to the computed outputs its resources get; in a preview they are left out. `left` are
    the stack's own outputs of the run before, and `kept` the resources in its state, by URN.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    recorder = Recorder({} if preview else outputs or {}, left or {}, kept or {})
    try:
        mocks.set_mocks(
            recorder,
            project="gitlab-deploy",
            stack="test",
            organization="organization",
            preview=preview,
            monitor=recorder,
        )
        # Where the engine has a server that calls hooks back.
        pulumi.runtime.settings.SETTINGS.callbacks = recorder
        pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
        return recorder
    finally:
        loop.close()
        asyncio.set_event_loop(None)


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def _is_secret(value: object) -> bool:
    return isinstance(value, dict) and value.get(rpc._special_sig_key) == rpc._special_secret_sig


def _clear(value: Any) -> Any:
    if _is_secret(value):
        return _clear(value["value"])
    if isinstance(value, dict):
        return {key: _clear(item) for key, item in value.items()}
    return [_clear(item) for item in value] if isinstance(value, list) else value
