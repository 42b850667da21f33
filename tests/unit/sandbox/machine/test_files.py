"""Folders are worked in by one command at a time; files are private and whole."""

import shutil
import subprocess
import sys
from pathlib import Path

from sandbox.machine.files import is_locked, locked, write
from sandbox.machine.waiting import wait

HOLD = """
import sys
from pathlib import Path
from sandbox.machine.files import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def hold(folder: Path) -> subprocess.Popen[str]:
    """A process that works in the folder until it is fed a line, or killed."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_lock_makes_a_folder_that_only_its_owner_reads(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    with locked(folder):
        assert folder.stat().st_mode & 0o777 == 0o700
        assert is_locked(folder)
    assert not is_locked(folder)


def test_a_second_command_waits_for_the_first(tmp_path: Path) -> None:
    with hold(tmp_path) as first:
        assert is_locked(tmp_path)
        second = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with second:
            assert second.stdout
            assert first.poll() is None
            first.communicate("go\n")
            assert second.stdout.readline() == b"held\n"
            second.communicate(b"go\n")


def test_a_lock_goes_with_a_killed_process(tmp_path: Path) -> None:
    with hold(tmp_path) as holder:
        holder.kill()
        holder.wait()
        assert not is_locked(tmp_path)


def test_who_waited_for_a_folder_that_was_removed_gets_the_new_one(tmp_path: Path) -> None:
    folder = tmp_path / "instance"
    with locked(folder):
        waiting = subprocess.Popen([sys.executable, "-c", HOLD, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        # "-> FLOCK ADVISORY WRITE PID ...": that process waits for a lock (proc_locks(5)).
        assert wait(lambda: f"-> FLOCK  ADVISORY  WRITE {waiting.pid} " in Path("/proc/locks").read_text(), 10)
        shutil.rmtree(folder)
    with waiting:
        assert waiting.stdout
        assert waiting.stdout.readline() == b"held\n"
        assert is_locked(folder)
        waiting.communicate(b"go\n")


def test_a_missing_folder_is_not_locked(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "missing")


def test_a_file_is_private_and_leaves_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "token"
    write(path, "one")
    write(path, "two")
    assert path.read_text() == "two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["token"]


def test_a_file_that_was_open_to_others_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("old")
    path.chmod(0o644)
    write(path, "new")
    assert path.stat().st_mode & 0o777 == 0o600
