"""The compose files that a stack file names, found and read."""

import os
import posixpath
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pulumi

from components.compose.checkout import Checkout
from components.compose.extending import parse
from components.compose.model import Project
from components.compose.reader import read
from components.settings.settings import Settings
from components.source.folder import folder, matching, text
from components.source.placeholder import is_stack_image
from components.source.source_error import SourceError, source_error

KEY = "gitlab-deploy:dockerHost.compose"


def load(
    patterns: Sequence[str],
    within: Path,
    *,
    env: Mapping[str, str],
    secrets: Sequence[str],
    project: str | None,
    fallback: str | None,
    is_own: Callable[[str], bool],
) -> Project:
    """The project that the files in the folder declare, later ones over earlier ones; SourceError with what is wrong.

    See `reader.read` for the rest.
    """
    files = [file for pattern in patterns for file in matching(KEY, [pattern], within)]
    found = [document for file in files for document in parse(text(file, within), posixpath.relpath(file, within))]
    if not found:
        raise source_error(KEY, "names files with nothing in them", "write a service")
    return read(
        found,
        Checkout(root=within, folder=files[0].parent),
        env=env,
        secrets=secrets,
        project=project,
        fallback=fallback,
        is_stack_image=is_own,
    )


def project(stack: Settings, environment: Mapping[str, str]) -> Project | None:
    """The project of the running stack; RunError, shown with no traceback, lists every problem."""
    try:
        return of_stack(stack, Path(pulumi.get_root_directory() or os.curdir), environment)
    except SourceError as error:
        lines = "".join(f"\n  {problem}" for problem in error.problems)
        raise pulumi.RunError(f"Nothing was changed: the compose files cannot be used:{lines}") from None


def of_stack(stack: Settings, program: Path, environment: Mapping[str, str]) -> Project | None:
    """The project of a stack, None if it has none; `program` is the program's folder. SourceError with the problems."""
    if stack.docker_host is None or stack.docker_host.compose is None or stack.image is None:
        return None
    image, app = stack.image.deployed.image, stack.app
    last = stack.scalars.gitlab_project.rpartition("/")[2].lower()
    return load(
        stack.docker_host.compose,
        folder(stack.scalars.files_from, program, environment),
        env={"IMAGE": str(image), **_of_ci(image.name, stack.scalars.gitlab_project), **(app.env if app else {})},
        secrets=sorted(app.secrets) if app else (),
        project=stack.docker_host.project or None,
        fallback=None if last.isdigit() else last or None,
        is_own=lambda text: is_stack_image(text, image),
    )


def _of_ci(repository: str, project: str) -> dict[str, str]:
    """What GitLab's jobs call the project's part of the registry, by which a file may name the stack's image."""
    registry, found, _ = repository.partition(f"/{project.lower()}")
    return {"CI_REGISTRY_IMAGE": f"{registry}{found}"} if project and found else {}
