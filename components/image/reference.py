"""Image references, as the distribution specification writes them. Pure: no Pulumi here."""

import re
from dataclasses import dataclass

from components.settings.rules import IMAGE_DIGEST, IMAGE_NAME, IMAGE_TAG

_REFERENCE = re.compile(rf"(?P<name>{IMAGE_NAME})(?::(?P<tag>{IMAGE_TAG}))?(?:@(?P<digest>{IMAGE_DIGEST}))?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class ImageReference:
    """What a reference is made of."""

    name: str
    """Registry and repository, such as `registry.example.com/group/blog`."""
    tag: str | None
    """What stands behind the `:`, or None."""
    digest: str | None
    """What stands behind the `@`, such as `sha256:...`, or None."""


def parse(reference: str) -> ImageReference | None:
    """The parts of a reference, or None where it is malformed."""
    match = _REFERENCE.fullmatch(reference)
    if match is None or len(match["name"]) > 255:
        return None
    return ImageReference(name=match["name"], tag=match["tag"], digest=match["digest"])
