"""Services that extend another one, of the same file or of one beside it (compose specification: extends). Pure."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components.compose.checkout import Checkout, CheckoutError
from components.compose.merging import merged
from components.compose.source import Source
from components.source.source_error import SourceError, source_error
from components.source.yaml_file import Path, documents

_Lines = Mapping[Path, str]


@dataclass(frozen=True, kw_only=True)
class _File:
    """A file with services."""

    name: str
    """Relative to the compose file; empty for the compose files themselves."""
    services: Mapping[str, Any]
    lines: _Lines
    """FILE:LINE of each value by its path."""


@dataclass(frozen=True, kw_only=True)
class _Written:
    """A service as a later file that overrides another one."""

    lines: _Lines

    def where(self, *path: str | int) -> str:
        """FILE:LINE of a value, or of the nearest one that it would be in."""
        while path not in self.lines:
            path = path[:-1]
        return self.lines[path]


def extend(source: Source, checkout: Checkout) -> Source:
    """The same with the keys of what a service extends written out in it; what cannot be followed is recorded."""
    services, lines = dict(source.value["services"]), dict(source.lines)
    extending = _Extending(checkout=checkout)
    files = _File(name="", services=source.value["services"], lines=source.lines)
    for name, service in source.value["services"].items():
        if "extends" not in service:
            continue
        try:
            services[name], found = extending.service(files, name, name, ())
        except CheckoutError as error:
            source.refuse(("services", name, "extends"), error.cause, error.remedy)
            services[name] = {key: value for key, value in service.items() if key != "extends"}
        else:
            lines.update(found)
    return Source(value={**source.value, "services": services}, lines=lines, problems=source.problems)


@dataclass(frozen=True, kw_only=True)
class _Extending:
    checkout: Checkout
    _files: dict[str, _File] = field(default_factory=dict)

    def service(
        self, file: _File, name: str, wanted: str, above: tuple[tuple[str, str], ...]
    ) -> tuple[dict[str, Any], _Lines]:
        """A service of a file, and the lines of its values if it is the service `wanted`."""
        if (file.name, name) in above:
            raise CheckoutError("goes in a circle", "cut it")
        own, lines = file.services.get(name), _moved(file.lines, name, wanted)
        if not isinstance(own, dict):
            raise CheckoutError(f"names the service {name!r}, which is not in {file.name or 'the file'}", "correct it")
        if "extends" not in own:
            return own, lines
        extends = own["extends"]
        base, other = (extends.get("service"), extends.get("file")) if isinstance(extends, dict) else (extends, None)
        from_file = self._read(str(other)) if other else file
        found, base_lines = self.service(from_file, str(base), wanted, (*above, (file.name, name)))
        all_lines = dict(base_lines)
        less = {key: value for key, value in own.items() if key != "extends"}
        value = merged(found, less, ("services", wanted), all_lines, _Written(lines=lines))
        return value, all_lines

    def _read(self, name: str) -> _File:
        if posixpath.dirname(posixpath.normpath(name)):
            raise CheckoutError(
                f"names {name!r}, and paths in a file of another folder are relative to that folder",
                "put the file beside the compose file",
            )
        if name not in self._files:
            try:
                found = documents(self.checkout.read(name).decode(), name, "yaml 1.2")
                if len(found) != 1 or not isinstance(found[0].value, dict):
                    raise source_error(name, "is no mapping", "write a compose file")
            except UnicodeDecodeError:
                raise CheckoutError(f"names {name!r}, which is not UTF-8", "save it as UTF-8") from None
            except SourceError as error:
                problem = error.problems[0]
                raise CheckoutError(f"names {problem.path}, which {problem.cause}", problem.remedy) from None
            document = found[0]
            services = document.value.get("services")
            self._files[name] = _File(
                name=name,
                services=services if isinstance(services, dict) else {},
                lines={path: document.where(*path) for path in document.lines},
            )
        return self._files[name]


def _moved(lines: _Lines, name: str, wanted: str) -> _Lines:
    """The lines of a service, as those of another one."""
    return {("services", wanted, *path[2:]): where for path, where in lines.items() if path[:2] == ("services", name)}
