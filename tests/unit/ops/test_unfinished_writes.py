import os
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from ops import unfinished_writes

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)


def attributes(folder: Path, content: str, age: float) -> Path:
    file = folder / ".pulumi" / "stacks" / "gitlab-deploy" / "prod.json.attrs"
    file.parent.mkdir(parents=True)
    file.write_text(content)
    os.utime(file, (0, NOW.timestamp() - age))
    return file


def test_empty_attributes_of_a_run_that_is_over_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "a state"
    file = attributes(folder, "", 61)
    assert unfinished_writes.find(f"file://{quote(str(folder))}", NOW) == [file]


def test_the_home_of_the_user_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert unfinished_writes.find("file://~", NOW) == []
    file = attributes(tmp_path, "", 61)
    assert unfinished_writes.find("file://~", NOW) == [file]


@pytest.mark.parametrize(("content", "age"), [("{}", 3600), ("", 30)])
def test_whole_attributes_and_those_that_are_being_written_stay(tmp_path: Path, content: str, age: float) -> None:
    attributes(tmp_path, content, age)
    assert unfinished_writes.find(tmp_path.as_uri(), NOW) == []


def test_a_state_in_no_folder_has_none() -> None:
    assert unfinished_writes.find("s3://bucket?region=x", NOW) == []
