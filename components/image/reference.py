"""Image references, as the distribution specification writes them. Pure: no Pulumi here."""

import re
from dataclasses import dataclass

from components.settings.rules import quoted

# Grammar: github.com/distribution/reference. A repository is lower case; a tag is at most 128 characters.
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*"
_REFERENCE = re.compile(
    rf"(?P<name>(?:(?:{_HOST}|\[[0-9a-fA-F:]+\])(?::[0-9]+)?/)?{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}))?",
    re.ASCII,
)


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


def image_reference(value: str) -> str | None:
    """The rule for an image to deploy: well formed (github.com/distribution/reference), and the same one for good."""
    found = parse(value)
    if found is None:
        return (
            f"{quoted(value)} is not an image reference; use REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:"
            "DIGEST, the repository in lower case and the digest in full"
        )
    if found.digest is None and found.tag in {None, "latest"}:
        return (
            f"{quoted(value)} is another image from one day to the next, and no diff would show it; use a tag that is "
            "given once, such as a commit's, or a digest"
        )
    return None
