"""Runs the plugin: `python -m sandbox.plugins.gitlab ENGINE_ADDRESS`, as the Pulumi engine starts it."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc

from sandbox.plugins.gitlab.client import PluginError, UnservedError
from sandbox.plugins.gitlab.provider import GitlabProvider
from sandbox.plugins.starter import wait_for_end
from sandbox.plugins.stubs import engine_pb2, engine_pb2_grpc, provider_pb2_grpc

MESSAGE_BYTES = 400 << 20
"""The engine's own limit."""
CALLS = 16
"""Requests at once: as many as the engine sends of a program, by default, and some."""


class _Errors(grpc.ServerInterceptor):
    """Reports an error as Pulumi's bridge does: once in the engine's log, and once more as the answer."""

    def __init__(self, engine: str) -> None:
        self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(engine))

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        handler = continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler
        method: Callable[..., Any] = handler.unary_unary

        def behave(request: object, context: grpc.ServicerContext) -> object:
            try:
                return method(request, context)
            except PluginError as error:
                self._log(error.logged, getattr(request, "urn", ""))
                context.abort(grpc.StatusCode.UNKNOWN, str(error))
            except (UnservedError, NotImplementedError) as error:
                context.abort(grpc.StatusCode.UNIMPLEMENTED, str(error))
            except Exception as error:
                frame = traceback.extract_tb(error.__traceback__)[-1]
                where = f"{type(error).__name__} in {frame.filename}, line {frame.lineno}"
                context.abort(grpc.StatusCode.INTERNAL, f"The gitlab plugin failed, a fault of its own: {where}.")

        return grpc.unary_unary_rpc_method_handler(behave, handler.request_deserializer, handler.response_serializer)

    def _log(self, message: str, urn: str) -> None:
        request = engine_pb2.LogRequest(severity=engine_pb2.LogSeverity.ERROR, message=message, urn=urn)
        with contextlib.suppress(grpc.RpcError):
            self._engine.Log(request)


def _serve(engine: str) -> None:
    starter = os.getppid()
    server = grpc.server(
        futures.ThreadPoolExecutor(CALLS),
        interceptors=[_Errors(engine)],
        options=[("grpc.max_receive_message_length", MESSAGE_BYTES)],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(GitlabProvider(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    # The engine reads the port from the first line, and treats anything else printed there as a fault.
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    try:
        wait_for_end(starter)
    finally:
        server.stop(None).wait()


def main() -> None:
    """Serve until the engine ends the process, or has ended itself."""
    parser = argparse.ArgumentParser(prog="pulumi-resource-gitlab", description=__doc__)
    parser.add_argument("engine", help="the engine's address, given by Pulumi")
    arguments, _ = parser.parse_known_args()
    # What a shell runs in the background ignores the signal by which the engine ends a plugin, and so do its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        _serve(arguments.engine)


if __name__ == "__main__":
    main()
