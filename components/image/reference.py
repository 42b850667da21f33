"""Image references, as the distribution specification writes them. Pure."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from components.settings import image_rules
from components.settings.problem import quoted

_REFERENCE = re.compile(
    rf"(?P<name>{image_rules.IMAGE_NAME})(?::(?P<tag>{image_rules.IMAGE_TAG}))?(?:@(?P<digest>{image_rules.IMAGE_DIGEST}))?",
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
            raise ValueError(f"{quoted(text)} {image_rules.IMAGE.cause}; {image_rules.IMAGE.remedy}")
        return cls(name=match["name"], tag=match["tag"], digest=match["digest"])

    def __str__(self) -> str:
        tag, digest = f":{self.tag}" if self.tag else "", f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"

    @property
    def registry(self) -> str:
        """The host of the registry, with its port if one is given."""
        host, slash, _ = self.name.partition("/")
        return host if slash and (set(host) & set(".:[") or host == "localhost") else "docker.io"

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
