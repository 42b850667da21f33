"""The SDK's gRPC stubs without the SDK: importing `pulumi` costs half a second of CPU, the stubs a tenth."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

_PACKAGES = ("pulumi", "pulumi.runtime", "pulumi.runtime.proto")


def _folder() -> Path:
    found = PathFinder.find_spec("pulumi")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("the Python package pulumi is missing: install requirements.txt")
    return Path(found.submodule_search_locations[0])


FOLDER = _folder()
"""Where the SDK is installed."""


@contextmanager
def _without_code() -> Iterator[None]:
    """Has packages with a path and no code, until the block ends: their own __init__ imports everything."""
    made = [name for name in _PACKAGES if name not in sys.modules]
    for name in made:
        package = ModuleType(name)
        package.__path__ = [str(FOLDER.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package
    try:
        yield
    finally:
        for name in made:
            del sys.modules[name]


with _without_code():
    from pulumi.runtime.proto import (
        engine_pb2,
        engine_pb2_grpc,
        language_pb2,
        language_pb2_grpc,
        plugin_pb2,
        provider_pb2,
        provider_pb2_grpc,
    )

__all__ = [
    "FOLDER",
    "engine_pb2",
    "engine_pb2_grpc",
    "language_pb2",
    "language_pb2_grpc",
    "plugin_pb2",
    "provider_pb2",
    "provider_pb2_grpc",
]
