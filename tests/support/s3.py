"""A real S3 server on this machine, for stacks whose state is in a bucket."""

import os
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.machine.probe import answers
from sandbox.machine.waiting import wait
from sandbox.names import CACHE
from sandbox.toolchain.build import programs
from sandbox.toolchain.modules import S3

BUCKET = "state"


@contextmanager
def bucket(folder: Path) -> Iterator[dict[str, str]]:
    """The variables with which `pulumi` keeps its state there, while the context lasts."""
    server = programs(S3, CACHE)["versitygw"]
    data = folder / "data"
    # A bucket is a folder.
    (data / BUCKET).mkdir(parents=True)
    (folder / "attributes").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    key, secret = secrets.token_hex(8), secrets.token_hex(16)
    environment = os.environ | {"ROOT_ACCESS_KEY_ID": key, "ROOT_SECRET_ACCESS_KEY": secret}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [server, "--port", address, "posix", "--sidecar", folder / "attributes", data],
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        assert wait(lambda: answers(f"http://{address}") or process.poll() is not None, 120)
        assert process.poll() is None, (folder / "log").read_text()
        yield {
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "PULUMI_BACKEND_URL": f"s3://{BUCKET}?endpoint=http://{address}&s3ForcePathStyle=true&region=us-east-1",
        }
    finally:
        process.terminate()
        process.wait(60)
