"""The SDK's gRPC stubs without the SDK: importing `pulumi` costs half a second of CPU, the stubs a tenth."""

import sys
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

# Packages with a path and no code: their own __init__ imports everything. This process uses nothing else of the SDK.
for _name in _PACKAGES:
    _package = ModuleType(_name)
    _package.__path__ = [str(FOLDER.joinpath(*_name.split(".")[1:]))]
    sys.modules.setdefault(_name, _package)

from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2  # noqa: E402 - the packages come first

__all__ = ["FOLDER", "language_pb2", "language_pb2_grpc", "plugin_pb2"]
