"""Services that extend another one, of the same file or of one beside it (compose specification: extends). Pure."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from components.compose.checkout import Checkout, CheckoutError
from components.compose.interpolation import names
from components.compose.merging import merged, without
from components.compose.resolving import Unresolved, resolved
from components.compose.source import Source
from components.source.source_error import SourceError, source_error
from components.source.yaml_file import Document, Path, documents

_TAGS = {"!reset": False, "!override": True}
"""What takes away or replaces what an earlier file says, and whether it says something itself."""


def parse(text: str, name: str) -> list[Document]:
    """The documents of a compose file; SourceError as `documents` has it."""
    return documents(text, name, "yaml 1.2", _TAGS)


def _source(document: Document, variables: Mapping[str, str]) -> Source:
    """One file, with its variables resolved."""
    return Source(
        value=resolved(document.value, (), variables),
        lines={path: document.where(*path) for path in document.lines},
        replaced=document.tagged,
    )


def extend(document: Document, checkout: Checkout, variables: Mapping[str, str]) -> Source:
    """One file, with its variables resolved, and the keys of what its services extend written out in them.

    What cannot be followed is recorded.
    """
    file = _source(document, variables)
    given = file.value.get("services")
    if not isinstance(given, dict):
        return file
    services, lines = dict(given), dict(file.lines)
    extending = _Extending(checkout=checkout, variables=variables)
    for name, service in given.items():
        if not isinstance(service, dict) or "extends" not in service:
            continue
        try:
            services[name], found = extending.service(file, "", name, name, ())
        except CheckoutError as error:
            file.refuse(("services", name, "extends"), error.cause, error.remedy)
            services[name] = {key: value for key, value in service.items() if key != "extends"}
        else:
            lines.update(found)
    return replace(file, value={**file.value, "services": services}, lines=lines)


@dataclass(frozen=True, kw_only=True)
class _Extending:
    checkout: Checkout
    variables: Mapping[str, str]
    _files: dict[str, Source] = field(default_factory=dict)

    def service(
        self, file: Source, file_name: str, name: str, wanted: str, above: tuple[tuple[str, str], ...]
    ) -> tuple[dict[str, Any], Mapping[Path, str]]:
        """A service of a file, and the lines of its values if it is the service `wanted`.

        The name of the file is relative to the compose file, and empty for that itself.
        """
        if (file_name, name) in above:
            raise CheckoutError("goes in a circle", "cut it")
        services = file.value.get("services")
        own = services.get(name) if isinstance(services, dict) else None
        if not isinstance(own, dict):
            raise CheckoutError(f"names the service {name!r}, which is not in {file_name or 'the file'}", "correct it")
        over = _moved(file, name, wanted)
        if "extends" not in own:
            return own, over.lines
        extends = own["extends"]
        base, other = (extends.get("service"), extends.get("file")) if isinstance(extends, dict) else (extends, None)
        for text in (base, other):
            if isinstance(text, Unresolved):
                raise CheckoutError(text.error.cause, text.error.remedy)
            if secret := names(str(text)):
                raise CheckoutError(f"takes {', '.join(sorted(secret))}, which is encrypted", "put it into app.env")
        from_file, from_name = (self._read(str(other)), str(other)) if other else (file, file_name)
        found, base_lines = self.service(from_file, from_name, str(base), wanted, (*above, (file_name, name)))
        all_lines = dict(base_lines)
        less = {key: value for key, value in own.items() if key != "extends"}
        path: Path = ("services", wanted)
        return merged(without(found, over.replaced, path), less, path, all_lines, over), all_lines

    def _read(self, name: str) -> Source:
        if posixpath.dirname(posixpath.normpath(name)):
            raise CheckoutError(
                f"names {name!r}, and paths in a file of another folder are relative to that folder",
                "put the file beside the compose file",
            )
        if name not in self._files:
            try:
                found = parse(self.checkout.read(name).decode(), name)
                if len(found) != 1 or not isinstance(found[0].value, dict):
                    raise source_error(name, "is no mapping", "write a compose file")
            except UnicodeDecodeError:
                raise CheckoutError(f"names {name!r}, which is not UTF-8", "save it as UTF-8") from None
            except SourceError as error:
                problem = error.problems[0]
                raise CheckoutError(f"names {problem.path}, which {problem.cause}", problem.remedy) from None
            self._files[name] = _source(found[0], self.variables)
        return self._files[name]


def _moved(file: Source, name: str, wanted: str) -> Source:
    """A service of a file, as another one that is alone in it: where it is, and what it takes away."""
    own: Path = ("services", name)
    return Source(
        value={},
        lines={("services", wanted, *path[2:]): where for path, where in file.lines.items() if path[:2] == own},
        replaced=frozenset(("services", wanted, *path[2:]) for path in file.replaced if path[:2] == own),
    )
