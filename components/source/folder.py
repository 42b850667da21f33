"""Where the files of the team are, and their text."""

import fnmatch
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from components.source.source_error import source_error

FOLDER = "GITLAB_DEPLOY_FILES"
"""Environment variable with the folder of the application's checkout; the jobs of templates/ set it."""
LARGEST_FILE = 2**20

FilesFrom = Literal["program", "application"]


def folder(files_from: FilesFrom, program: Path, environment: Mapping[str, str]) -> Path:
    """The folder that paths of the stack file are relative to; SourceError if nothing says where it is."""
    if files_from == "program":
        return program
    given = environment.get(FOLDER)
    if not given:
        raise source_error(
            "gitlab-deploy:filesFrom",
            f"is 'application', and {FOLDER} does not say where the application's checkout is",
            f"run with {FOLDER}=PATH; the jobs of templates/ set it",
        )
    if not Path(given).is_dir():
        raise source_error(FOLDER, f"is {given!r}, which is no folder", "give the folder of the application's checkout")
    return Path(given)


def matching(key: str, patterns: Iterable[str], within: Path, suffixes: Sequence[str] = ()) -> list[Path]:
    """The files that the patterns name, each once: those of a pattern by name, the patterns in their order.

    `key` is the key of the stack file that names them, and `suffixes` are those of the files that a folder stands for,
    as with kubectl; with none, no folder may be named. SourceError if a pattern names nothing, or what is outside of
    the folder.
    """
    found: dict[Path, None] = {}
    root = within.resolve()
    for pattern in patterns:
        if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
            raise source_error(key, f"names {pattern!r}, which is outside of {within}", "name files inside of it")
        for file in _files(key, pattern, within, suffixes):
            if not file.resolve().is_relative_to(root):
                raise source_error(key, f"names {pattern!r}, which leads out of {within}", "name files inside of it")
            found[file] = None
    return list(found)


def _files(key: str, pattern: str, within: Path, suffixes: Sequence[str]) -> list[Path]:
    parts = Path(pattern).parts
    # What this means differs between the versions of Python.
    if any("**" in part and part != "**" for part in parts):
        raise source_error(
            key, f"names {pattern!r}, which has '**' beside other letters", "write it by itself, as in '**/*.yaml'"
        )
    named = within.joinpath(*parts)
    try:
        if not named.is_dir():
            nothing = f"which no file in {within} matches"
            found = within.glob(pattern)
        elif suffixes:
            nothing = f"a folder with no file {', '.join(f'*{suffix}' for suffix in suffixes)} in it"
            found = (file for file in named.iterdir() if file.suffix in suffixes)
        else:
            raise source_error(key, f"names {pattern!r}, which is a folder", "name the files in it")
        files = sorted(file for file in found if file.is_file() and not _is_hidden(file.relative_to(within), parts))
    except OSError as error:
        cause = f"names {pattern!r}, which cannot be looked for ({error.strerror})"
        raise source_error(key, cause, "correct the path") from None
    if not files:
        raise source_error(key, f"names {pattern!r}, {nothing}", "correct the path")
    return files


def _is_hidden(file: Path, parts: Sequence[str]) -> bool:
    """Whether a shell would leave it out: a dot in front matches nothing but a dot in front."""
    named = [part for part in parts if part.startswith(".")]
    return any(
        part.startswith(".") and not any(fnmatch.fnmatchcase(part, pattern) for pattern in named) for part in file.parts
    )


def text(file: Path, within: Path) -> str:
    """The text of a file; SourceError if it cannot be read, is too large, or is no UTF-8."""
    shown = os.path.relpath(file, within)
    try:
        content = file.read_bytes()[: LARGEST_FILE + 1]
        if len(content) > LARGEST_FILE:
            raise source_error(shown, f"has more than {LARGEST_FILE} bytes", "split the file")
        return content.decode()
    except OSError as error:
        raise source_error(shown, f"cannot be read ({error.strerror})", "check its rights") from None
    except UnicodeDecodeError:
        raise source_error(shown, "is not UTF-8", "save it as UTF-8") from None
