"""Loads of the providers' SDKs what a run uses.

Their packages import every module they have as soon as one is named: `pulumi_gitlab` some 230, where this program needs
three. That would be most of what a run computes.
"""

import re
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

_PACKAGES = re.compile(r"pulumi_(gitlab|docker|kubernetes(\.\w+\.v\w+)?)")


def load_as_used() -> None:
    """From now on, a package of an SDK that is imported runs none of its code until that is needed.

    A class or function comes from the one module that defines it. A name with no module of its own loads the whole
    package, as slow as without this and no less right.
    """
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finds the packages where they are."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if _PACKAGES.fullmatch(fullname) else None
        if spec and spec.loader and spec.submodule_search_locations is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(Loader):
    """Loads a package and leaves its code for later."""

    def __init__(self, code: Loader) -> None:
        self.code = code

    def exec_module(self, module: ModuleType) -> None:
        module.__class__ = _Package


class _Package(ModuleType):
    """A package whose code did not run yet."""

    def __setattr__(self, name: str, value: object) -> None:
        # An import of the module Secret sets it as the package's `Secret`, which is the class in it.
        super().__setattr__(name, getattr(value, name, value) if isinstance(value, ModuleType) else value)

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(f"module '{self.__name__}' has no attribute '{name}'")
        snake_case = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        for candidate in (name, snake_case, "_inputs"):
            module = self._module(candidate)
            if module and candidate == name:
                # Not there yet if the module, while it runs, imports itself.
                return vars(self).get(name, module)
            if hasattr(module, name):
                setattr(self, name, getattr(module, name))
                return vars(self)[name]
        self.__class__ = ModuleType  # type: ignore[assignment]
        self.__spec__.loader.code.exec_module(self)  # type: ignore[union-attr]
        return getattr(self, name)

    def _module(self, name: str) -> ModuleType | None:
        full = f"{self.__name__}.{name}"
        known = full in sys.modules or PathFinder.find_spec(full, self.__path__)
        return import_module(full) if known else None
