"""Which image of a team's own file is the stack's. Pure."""

import re

from components.image.reference import ImageReference
from components.settings.problem import quoted

PLACEHOLDERS = ("IMAGE", "$IMAGE", "${IMAGE}")
"""What stands for the stack's image, as `sed` and `envsubst` have it in the files of the recipe."""


_IN_BRACES = r"\{\{[ \t]*[A-Za-z_][\w.-]*[ \t]*\}\}"
_UNQUOTED = re.compile(
    r"""(?:^|[\s{,])["']?image["']?[ \t]*:[ \t]*"""
    rf"""((?:{_IN_BRACES}|%[\w.-]+%|@[\w.-]+@)(?:{_IN_BRACES}|[^\s,{{}}])*)[ \t]*(?=$|[,}}]|[ \t]\#)"""
)


def is_stack_image(text: str, image: ImageReference) -> bool:
    """Whether an image of a file is the stack's: a placeholder, or of the same repository, whatever its tag.

    The tag may be one that the tools of before have put in, such as `:$CI_COMMIT_SHA`.
    """
    name = re.sub(r"(:[^/@]*)?(@.*)?$", "", text)
    return text in PLACEHOLDERS or _full(name) == _full(image.name)


def unquoted(line: str) -> str | None:
    """The image of a line if it starts with a placeholder, which without quotes is no YAML; not with one of Helm."""
    found = _UNQUOTED.search(line)
    return found[1] if found else None


def no_reference(image: str) -> tuple[str, str]:
    """What is wrong with an image that is none, and what to do."""
    return (
        f"has the image {quoted(image)}, which is no image reference",
        f"write {PLACEHOLDERS[0]} if it stands for the stack's image, or the whole reference",
    )


def _full(name: str) -> str:
    """The repository with its registry, which is Docker Hub if the name has none."""
    first, slash, _ = name.partition("/")
    if not slash:
        return f"docker.io/library/{name}"
    return name if "." in first or ":" in first or first == "localhost" else f"docker.io/{name}"
