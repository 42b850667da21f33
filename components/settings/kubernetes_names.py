"""Names of what an application keeps in its namespace, and of the keys in it. Pure: no Pulumi here."""

import hashlib
import re
from collections.abc import Mapping


def claim_name(application: str, path: str) -> str:
    """The name of the PersistentVolumeClaim for a path: `web-var-lib-blog`, never the same for two paths."""
    slug = re.sub("[^a-z0-9]+", "-", path.lower()).strip("-")[:40].strip("-")
    exact = f"/{slug.replace('-', '/')}" == path
    return f"{application}-{slug}" if exact else f"{application}-{slug}-{hashlib.sha256(path.encode()).hexdigest()[:8]}"


def file_key(path: str) -> str:
    """The key of a file in a ConfigMap or Secret, never the same for two paths: `etc_2fapp.conf`."""
    return re.sub("[^A-Za-z0-9.-]", lambda match: f"_{ord(match[0]):02x}", path.removeprefix("/"))


def plain_files(files: Mapping[str, object]) -> dict[str, str]:
    """The files that are in clear in the stack file, by path."""
    return {path: text for path, text in files.items() if isinstance(text, str)}


def sealed_files(files: Mapping[str, object]) -> list[str]:
    """The paths of the files that are encrypted in the stack file."""
    return sorted(path for path, text in files.items() if not isinstance(text, str))
