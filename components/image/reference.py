"""Image references, as the distribution specification writes them. Pure."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Self

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
    """A well-formed reference: parsed once, then handed on. `str()` gives the text back."""

    name: str
    """Registry and repository, such as `registry.example.com/group/blog`."""
    tag: str | None
    """What follows the `:`, or None."""
    digest: str | None
    """What follows the `@`, such as `sha256:...`, or None."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The reference that the text is. ValueError, with value and remedy in one sentence, if it is malformed."""
        match = _REFERENCE.fullmatch(text)
        if match is None or len(match["name"]) > 255:
            raise ValueError(
                f"{quoted(text)} is not an image reference; use REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:"
                "DIGEST, the repository in lower case and the digest in full"
            )
        return cls(name=match["name"], tag=match["tag"], digest=match["digest"])

    @classmethod
    def parse_deployable(cls, text: str) -> Self:
        """The same, for an image to deploy. ValueError also if the reference is mutable."""
        found = cls.parse(text)
        found.require_immutable()
        return found

    def require_immutable(self) -> None:
        """ValueError if the reference is `latest`, or has neither tag nor digest."""
        if self.digest is None and self.tag in {None, "latest"}:
            raise ValueError(
                f"{quoted(str(self))} is another image from one day to the next, and no diff would show it; use an "
                "immutable tag, such as a commit's, or a digest"
            )

    def __str__(self) -> str:
        tag, digest = f":{self.tag}" if self.tag else "", f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"

    @cached_property
    def identities(self) -> tuple[str, ...]:
        """What the image can be known by, the most exact last: its repository with the tag, and with the digest."""
        tag = (f"{self.name}:{self.tag}",) if self.tag else ()
        return (*tag, f"{self.name}@{self.digest}") if self.digest else tag or (self.name,)

    def is_same(self, other: "ImageReference") -> bool:
        """Whether both name one image: by digest if both have one, else by tag."""
        if self.digest and other.digest:
            return self.identities[-1] == other.identities[-1]
        return not set(self.identities).isdisjoint(other.identities)

    def with_digest(self, digest: str) -> "ImageReference":
        """The same with a digest. ValueError if the digest is malformed."""
        return ImageReference.parse(f"{self.name}{f':{self.tag}' if self.tag else ''}@{digest}")
