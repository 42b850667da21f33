"""Which image a tag stands for, asked of its registry. No Pulumi here.

Whatever the registry and its token server do, the answer is there after a few seconds: if they give none, the tag stays
a tag.
"""

import http.client
from collections.abc import Mapping

from components.deadline import call_within
from components.image.reference import ImageReference
from components.image.registry import Repository

TOTAL_SECONDS = 6
"""For everything: names, connections, the registry and its token server."""


def pinned(image: ImageReference, environment: Mapping[str, str]) -> ImageReference:
    """The image with the digest that its tag stands for now, or as it is if the registry does not say."""
    if image.digest or not image.tag:
        return image
    path = f"manifests/{image.tag}"
    try:
        repository = Repository.of(image, environment)
        if repository is None:
            return image
        headers, _ = call_within(TOTAL_SECONDS, lambda: repository.ask("HEAD", path))
        return image.with_digest(headers.get("Docker-Content-Digest", ""))
    except (OSError, ValueError, RecursionError, http.client.HTTPException):
        return image
