"""Runs the plugin: `python -m sandbox.plugins.gitlab ENGINE_ADDRESS`, as the Pulumi engine starts it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2_grpc
from pulumi.runtime.proto.provider_pb2 import DiffRequest, DiffResponse, ReadRequest, ReadResponse

from sandbox.plugins.gitlab import VERSION
from sandbox.plugins.gitlab.client import PluginError, UnservedError
from sandbox.plugins.gitlab.provider import GitlabProvider

ORPHANED_SECONDS = 1
"""How often the plugin looks whether the engine that started it is still there."""


class _Errors(grpc.aio.ServerInterceptor):
    """Reports an error as Pulumi's bridge does: once in the engine's log, and once more as the answer.

    The SDK's own server would show class names and tracebacks.
    """

    def __init__(self, engine: str) -> None:
        self._engine = engine_pb2_grpc.EngineStub(grpc.aio.insecure_channel(engine))

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        handler = await continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler
        method: Callable[..., Any] = handler.unary_unary

        async def behave(request: object, context: Any) -> object:  # noqa: ANN401 - grpc types the aio context wrongly
            try:
                return await method(request, context)
            except Exception as raised:
                # The SDK may put an error with its traceback in place of the one that was raised.
                error = raised.__context__ if type(raised) is Exception and raised.__context__ else raised
            if isinstance(error, PluginError):
                await self._log(error.logged, getattr(request, "urn", ""))
                code, text = grpc.StatusCode.UNKNOWN, str(error)
            elif isinstance(error, UnservedError | NotImplementedError):
                code, text = grpc.StatusCode.UNIMPLEMENTED, str(error)
            else:
                # The text of an unforeseen error may hold a secret.
                frame = traceback.extract_tb(error.__traceback__)[-1]
                where = f"{type(error).__name__} in {frame.filename}, line {frame.lineno}"
                code, text = grpc.StatusCode.INTERNAL, f"The gitlab plugin failed, a fault of its own: {where}."
            return await context.abort(code, text)

        return grpc.unary_unary_rpc_method_handler(behave, handler.request_deserializer, handler.response_serializer)

    async def _log(self, message: str, urn: str) -> None:
        request = engine_pb2.LogRequest(severity=engine_pb2.LogSeverity.ERROR, message=message, urn=urn)
        with contextlib.suppress(grpc.aio.AioRpcError):
            await self._engine.Log(request)


class _Servicer(ProviderServicer):
    """The SDK's servicer, with what it cannot say by itself."""

    async def Read(self, request: ReadRequest, context: object) -> ReadResponse:  # noqa: N802 - named by the protocol
        response: ReadResponse = await super().Read(request, context)
        return response if response.id else ReadResponse()

    async def Diff(self, request: DiffRequest, context: object) -> DiffResponse:  # noqa: N802 - named by the protocol
        response: DiffResponse = await super().Diff(request, context)
        response.hasDetailedDiff = False
        return response


async def _serve(engine: str) -> None:
    starter = os.getppid()
    server = grpc.aio.server(interceptors=[_Errors(engine)], options=_GRPC_CHANNEL_OPTIONS)
    servicer = _Servicer([engine], VERSION, GitlabProvider(), engine_address=engine)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    # The engine reads the port from the first line, and treats anything else printed there as a fault.
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    try:
        # An engine that is killed ends none of its plugins.
        while await server.wait_for_termination(ORPHANED_SECONDS) and os.getppid() == starter:
            pass
    finally:
        # While its loop is there: grpc.aio's server stops itself when it is collected, and prints what comes of that.
        await server.stop(None)


def main() -> None:
    """Serve until the engine ends the process, or has ended itself."""
    parser = argparse.ArgumentParser(prog="pulumi-resource-gitlab", description=__doc__)
    parser.add_argument("engine", help="the engine's address, given by Pulumi")
    arguments, _ = parser.parse_known_args()
    # What a shell runs in the background ignores the signal by which the engine ends a plugin, and so do its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(arguments.engine))


if __name__ == "__main__":
    main()
