"""What a sandbox remembers from one command to the next: its number and its processes."""

import json
import threading
from pathlib import Path
from typing import Any

from sandbox.machine.files import write
from sandbox.machine.process import Process


class State:
    """The file `state.json` of a sandbox; every change is on disk before the next step is taken."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    @property
    def index(self) -> int | None:
        """The number that the sandbox's addresses, interface and control groups bear; None before its first start."""
        index: int | None = self._load().get("index")
        return index

    @index.setter
    def index(self, index: int) -> None:
        with self._lock:
            write(self._path, json.dumps({**self._load(), "index": index}, indent=2))

    def process(self, key: str) -> Process | None:
        """The process recorded as `key` (HOST, or HOST/SERVICE), if it still runs."""
        entry = self._load().get("processes", {}).get(key)
        process = Process(**entry) if entry else None
        return process if process and process.alive else None

    def record(self, key: str, process: Process) -> None:
        """Remember a process."""
        with self._lock:
            state = self._load()
            state.setdefault("processes", {})[key] = {"pid": process.pid, "started": process.started}
            write(self._path, json.dumps(state, indent=2))

    def recorded(self) -> dict[str, Process | None]:
        """Every key there is, with its process if that still runs."""
        return {key: self.process(key) for key in self._load().get("processes", {})}

    def _load(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return state
