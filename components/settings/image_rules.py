"""Rules for image references. Pure: no Pulumi here."""

import re

from components.settings.rule import Rule


def _has_short_name(image: str) -> bool:
    """Whether the registry and repository of an image reference have at most 255 characters."""
    return len(re.sub(r"(:[^:/]*)?(@.*)?$", "", image)) <= 255


# Grammar: github.com/distribution/reference. A repository is lower case; a tag is at most 128 characters.
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*"
IMAGE_NAME = rf"(?:(?:{_HOST}|\[[0-9a-fA-F:]+\])(?::[0-9]+)?/)?{_COMPONENT}(?:/{_COMPONENT})*"
IMAGE_TAG = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
IMAGE_DIGEST = "sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}"

IMAGE = Rule(
    pattern=f"{IMAGE_NAME}(?::{IMAGE_TAG})?(?:@(?:{IMAGE_DIGEST}))?",
    check=_has_short_name,
    cause="is not an image reference",
    remedy=(
        "use REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:DIGEST, the repository in lower case and the digest "
        "in full"
    ),
)
"""Well formed (github.com/distribution/reference)."""

IMMUTABLE = Rule(
    pattern=r"[^\n]*@[^\n]*|(?![^\n]*:latest$)[^\n]*:[^\n/]*",
    cause="is another image from one day to the next, and no diff would show it",
    remedy="use an immutable tag, such as a commit's, or a digest",
)
"""The same image for good: a digest, or a tag other than `latest`."""
