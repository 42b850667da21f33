"""What a run that was killed as it wrote its state leaves of it in a folder: empty attributes beside a whole file.

The engine writes NAME.json.attrs beside NAME.json in place (gocloud.dev/blob/fileblob, no_tmp_dir); if one of them is
empty it reads neither: "failed to load checkpoint: EOF".
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

TOLERANCE = timedelta(minutes=1)
"""A run that goes on fills such a file within a moment."""


def find(url: str, now: datetime) -> list[Path]:
    """The empty attributes in a state at `url` that no run is about to write; none if the state is in no folder."""
    place = urlsplit(url)
    if place.scheme != "file":
        return []
    folder = Path(unquote(place.netloc + place.path)).expanduser() / ".pulumi"
    return sorted(file for file in folder.rglob("*.attrs") if _is_left(file, now))


def _is_left(file: Path, now: datetime) -> bool:
    found = file.stat()
    return not found.st_size and now - datetime.fromtimestamp(found.st_mtime, UTC) > TOLERANCE
