"""The files that a compose file names: those beside it, in the checkout."""

import os
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from components.source.folder import LARGEST_FILE

MOST_FILES = 100
"""Of a folder that is put into a container."""


class CheckoutError(Exception):
    """A file that cannot be used: cause and remedy."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause}; {remedy}")
        self.cause, self.remedy = cause, remedy


@contextmanager
def _readable(path: str) -> Iterator[None]:
    """CheckoutError for what the system says of the path: too long, not allowed, or no path at all."""
    try:
        yield
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise CheckoutError(f"names {path[:200]!r}, which cannot be read ({reason})", "check it") from None


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """The files of an application, seen from its first compose file."""

    root: Path
    """The folder that nothing leads out of."""
    folder: Path
    """The folder of the compose file, which paths in it are relative to."""

    def exists(self, path: str) -> bool:
        """Whether there is such a file or folder."""
        with _readable(path):
            return self._inside(path).exists()

    def read(self, path: str) -> bytes:
        """The content of a file; CheckoutError if there is none, or it is too large."""
        with _readable(path):
            file = self._inside(path)
            if not file.is_file():
                raise CheckoutError(f"names {path!r}, which is no file of the checkout", "add it, or correct the path")
            return self._content(file, path)

    def tree(self, path: str) -> dict[str, tuple[bytes, bool]]:
        """The file, as "", or the files in a folder by their paths in it: content, and whether it can be run.

        CheckoutError as above.
        """
        with _readable(path):
            return self._tree(path)

    def _tree(self, path: str) -> dict[str, tuple[bytes, bool]]:
        found = self._inside(path)
        if found.is_file():
            return {"": self._described(found, path)}
        if not found.is_dir():
            raise CheckoutError(
                f"mounts {path!r}, which is not in the checkout",
                "use a named volume for data, or an absolute path for a folder of the Docker host",
            )
        files = sorted(file for file in found.rglob("*") if file.is_file())
        if not files or len(files) > MOST_FILES:
            raise CheckoutError(
                f"mounts {path!r}, which has {len(files)} files",
                f"put one to {MOST_FILES} files into a container like this, and what is more into the image",
            )
        return {
            file.relative_to(found).as_posix(): self._described(self._inside_root(file, path), path) for file in files
        }

    def _inside(self, path: str) -> Path:
        return self._inside_root(self.folder / posixpath.normpath(path), path)

    def _inside_root(self, file: Path, shown: str) -> Path:
        if not file.resolve().is_relative_to(self.root.resolve()):
            raise CheckoutError(f"names {shown!r}, which leads out of the checkout", "name what is inside of it")
        return file

    def _described(self, file: Path, shown: str) -> tuple[bytes, bool]:
        return self._content(file, shown), os.access(file, os.X_OK)

    def _content(self, file: Path, shown: str) -> bytes:
        content = file.read_bytes()[: LARGEST_FILE + 1]
        if len(content) > LARGEST_FILE:
            raise CheckoutError(f"names {shown!r}, which has more than {LARGEST_FILE} bytes", "put it into the image")
        return content
