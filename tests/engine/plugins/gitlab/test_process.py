"""The plugin's process, as an engine sees it over the wire."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc

from sandbox.machine.waiting import wait
from tests.support.gitlab_double import GitLabDouble
from tests.support.processes import runs
from tests.support.project import ROOT

TOKEN_URN = "urn:pulumi:test::plugin::gitlab:index/projectDeployToken:ProjectDeployToken::pull"

# Starts the plugin as the engine does, says its pid once it serves, and stays.
ENGINE = """
import subprocess, sys
command = [sys.executable, "-m", "sandbox.plugins.gitlab", "127.0.0.1:1"]
plugin = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
plugin.stdout.readline()
print(plugin.pid, flush=True)
sys.stdin.read()
"""


def test_it_serves_while_its_engine_is_there_and_ends_with_an_engine_that_is_killed() -> None:
    command = [sys.executable, "-c", ENGINE]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, text=True, stdin=pipe, stdout=pipe) as engine:
        assert engine.stdout
        plugin = int(engine.stdout.readline())
        # Longer than it takes to look whether the engine is there.
        assert not wait(lambda: not runs(plugin), 2.5)
        engine.kill()
    assert wait(lambda: not runs(plugin), 60)


class Log(engine_pb2_grpc.EngineServicer):
    """An engine of which there is the log alone."""

    def __init__(self) -> None:
        self.errors: list[tuple[str, str]] = []

    def Log(self, request: engine_pb2.LogRequest, context: object) -> empty_pb2.Empty:  # noqa: N802, ARG002 - of the protocol
        assert request.severity == engine_pb2.LogSeverity.ERROR
        self.errors.append((request.urn, request.message))
        return empty_pb2.Empty()


@contextmanager
def served(stderr: Path) -> Iterator[tuple[Any, Log]]:
    """A running plugin, and what it logs; it is interrupted at the end, as by an engine's user."""
    log = Log()
    engine = grpc.server(ThreadPoolExecutor(2))
    engine_pb2_grpc.add_EngineServicer_to_server(log, engine)
    port = engine.add_insecure_port("127.0.0.1:0")
    engine.start()
    command = [sys.executable, "-m", "sandbox.plugins.gitlab", f"127.0.0.1:{port}"]
    with (
        stderr.open("w") as errors,
        subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=errors) as plugin,
    ):
        try:
            assert plugin.stdout
            with grpc.insecure_channel(f"127.0.0.1:{plugin.stdout.readline().strip()}") as channel:
                yield provider_pb2_grpc.ResourceProviderStub(channel), log
        finally:
            plugin.send_signal(signal.SIGINT)
            plugin.wait(60)
            engine.stop(None)


def struct(**fields: Any) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(fields)
    return made


def test_a_failure_is_in_the_engines_log_and_in_the_answer_alone(gitlab_double: GitLabDouble, tmp_path: Path) -> None:
    with served(tmp_path / "stderr") as (plugin, log):
        args = struct(baseUrl=gitlab_double.url, token="glpat-wrong")
        with pytest.raises(grpc.RpcError) as refused:
            plugin.Configure(provider_pb2.ConfigureRequest(args=args))
        detail = (
            "The provider failed to create a new GitLab Client from the given configuration: "
            f"GET {gitlab_double.url}/api/v4/user: 401 {{message: 401 Unauthorized}}"
        )
        summary = "Failed to create GitLab Client from provider configuration"
        assert (refused.value.code(), refused.value.details()) == (grpc.StatusCode.UNKNOWN, f"{summary}: {detail}")
        assert log.errors == [("", f"[ERROR] {detail}: {summary}")]

        args = struct(baseUrl=gitlab_double.url, token=gitlab_double.token)
        plugin.Configure(provider_pb2.ConfigureRequest(args=args))
        request = provider_pb2.DeleteRequest(
            urn=TOKEN_URN, id="group/blog:4711", properties=struct(id="group/blog:4711")
        )
        with pytest.raises(grpc.RpcError) as gone:
            plugin.Delete(request)
        detail = "Could not delete project deploy token, unexpected error: 404 Not Found"
        assert gone.value.details() == f"Error deleting project deploy token: {detail}"
        assert log.errors[1:] == [(TOKEN_URN, f"[ERROR] {detail}: Error deleting project deploy token")]
    assert (tmp_path / "stderr").read_text() == ""


def test_differences_have_names_and_no_detail(gitlab_double: GitLabDouble, tmp_path: Path) -> None:
    with served(tmp_path / "stderr") as (plugin, _):
        args = struct(baseUrl=gitlab_double.url, token=gitlab_double.token)
        plugin.Configure(provider_pb2.ConfigureRequest(args=args))
        news = {"project": "group/blog", "name": "a", "scopes": ["read_registry"]}
        made = plugin.Create(provider_pb2.CreateRequest(urn=TOKEN_URN, properties=struct(**news)))
        found = plugin.Diff(
            provider_pb2.DiffRequest(
                urn=TOKEN_URN, id=made.id, olds=made.properties, news=struct(**{**news, "name": "b"})
            )
        )
    assert not found.hasDetailedDiff
    assert list(found.diffs) == ["expired", "expiresAt", "name", "revoked", "token", "username"]
    assert list(found.replaces) == ["expiresAt", "name", "username"]
    assert (tmp_path / "stderr").read_text() == ""
