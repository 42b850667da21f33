"""Which image of a team's own file is the stack's. Pure."""

import re

from components.image.reference import ImageReference

PLACEHOLDERS = ("IMAGE", "$IMAGE", "${IMAGE}")
"""What stands for the stack's image, as `sed` and `envsubst` have it in the files of the recipe."""


def is_stack_image(text: str, image: ImageReference) -> bool:
    """Whether an image of a file is the stack's: a placeholder, or of the same repository, whatever its tag.

    The tag may be one that the tools of before have put in, such as `:$CI_COMMIT_SHA`.
    """
    name = re.sub(r"(:[^/@]*)?(@.*)?$", "", text)
    return text in PLACEHOLDERS or _full(name) == _full(image.name)


def _full(name: str) -> str:
    """The repository with its registry, which is Docker Hub if the name has none."""
    first, slash, _ = name.partition("/")
    if not slash:
        return f"docker.io/library/{name}"
    return name if "." in first or ":" in first or first == "localhost" else f"docker.io/{name}"
