"""Where the files of the team are, and their text."""

import os
from collections.abc import Iterable, Mapping
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


def matching(key: str, patterns: Iterable[str], within: Path) -> list[Path]:
    """The files that the patterns name, each once: those of a pattern by name, the patterns in their order.

    `key` is the key of the stack file that names them. SourceError if a pattern names nothing, or what is outside of
    the folder.
    """
    found: dict[Path, None] = {}
    root = within.resolve()
    for pattern in patterns:
        if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
            raise source_error(key, f"names {pattern!r}, which is outside of {within}", "name files inside of it")
        files = sorted(file for file in within.glob(pattern) if file.is_file())
        if not files:
            raise source_error(key, f"names {pattern!r}, which no file in {within} matches", "correct the path")
        for file in files:
            if not file.resolve().is_relative_to(root):
                raise source_error(key, f"names {pattern!r}, which leads out of {within}", "name files inside of it")
            found[file] = None
    return list(found)


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
