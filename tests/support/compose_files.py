"""Compose files that a test writes, read as the program reads them."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from components.compose.load import load
from components.compose.model import Project
from components.image.reference import ImageReference
from components.source.placeholder import is_stack_image
from components.source.source_error import SourceError

IMAGE = ImageReference.parse("registry.example.com/group/blog:1.0.0")


def read(
    *texts: str,
    env: Mapping[str, str] | None = None,
    secrets: Sequence[str] = (),
    files: Mapping[str, str | bytes] | None = None,
    project: str | None = None,
) -> Project:
    """The project of these files, a later one over an earlier one, beside others; SourceError with their problems."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        names = [f"compose.{number}.yml" for number in range(len(texts))]
        for name, content in {**dict(zip(names, texts, strict=True)), **(files or {})}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
            (folder / name).chmod(0o755 if name.endswith(".sh") else 0o644)
        return load(
            names,
            folder,
            env={"IMAGE": str(IMAGE), **(env or {})},
            secrets=secrets,
            project=project,
            fallback="blog",
            is_own=lambda text: is_stack_image(text, IMAGE),
        )


def problems(*texts: str, **others: object) -> list[str]:
    """The problems of these files, one line each; none if there are none."""
    try:
        read(*texts, **others)  # type: ignore[arg-type]
    except SourceError as error:
        return [str(problem) for problem in error.problems]
    return []


def service(body: str, **others: object) -> str:
    """A file whose service `web` has the stack's image and these further keys, indented by nothing."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    rest = "".join(f"{line}\n" for line in str(others.get("rest", "")).splitlines())
    return f"services:\n  web:\n    image: IMAGE\n{lines}{rest}"
