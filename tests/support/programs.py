"""Programs of the machine, replaced by scripts that say what a test needs."""

from pathlib import Path


def program(folder: Path, name: str, script: str) -> Path:
    """A program in `folder` that runs the script in sh."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path
