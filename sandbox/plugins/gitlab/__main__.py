"""Runs the plugin: `python -m sandbox.plugins.gitlab ENGINE_ADDRESS`, as the Pulumi engine starts it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2_grpc
from pulumi.runtime.proto.provider_pb2 import ReadRequest, ReadResponse

from sandbox.plugins.gitlab import VERSION
from sandbox.plugins.gitlab.client import PluginError
from sandbox.plugins.gitlab.provider import GitlabProvider

ORPHANED_SECONDS = 1
"""How often the plugin looks whether the engine that started it is still there."""


class _PlainErrors(grpc.aio.ServerInterceptor):
    """Hands an error to the engine as its text alone; the SDK's own server shows class names and tracebacks."""

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
                return await context.abort(*_plain(raised))

        return grpc.unary_unary_rpc_method_handler(behave, handler.request_deserializer, handler.response_serializer)


def _plain(raised: Exception) -> tuple[grpc.StatusCode, str]:
    """The status and text for the engine. The SDK raises an Exception with a traceback in its text from another's."""
    wrapped = raised.__context__ if type(raised) is Exception else None
    error = wrapped or raised
    if isinstance(error, PluginError):
        return grpc.StatusCode.FAILED_PRECONDITION, str(error)
    if isinstance(error, NotImplementedError):
        return grpc.StatusCode.UNIMPLEMENTED, str(error)
    # The text of an unforeseen error may hold a secret.
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__} in {frame.filename}, line {frame.lineno}"
    return grpc.StatusCode.INTERNAL, f"The gitlab plugin failed, a fault of its own: {where}."


class _Servicer(ProviderServicer):
    """The SDK's servicer, which cannot say by itself that what was to be imported is not there."""

    async def Read(self, request: ReadRequest, context: object) -> ReadResponse:  # noqa: N802 - named by the protocol
        response: ReadResponse = await super().Read(request, context)
        return response if response.id else ReadResponse()


async def _serve(engine: str) -> None:
    starter = os.getppid()
    server = grpc.aio.server(interceptors=[_PlainErrors()], options=_GRPC_CHANNEL_OPTIONS)
    servicer = _Servicer([engine], VERSION, GitlabProvider(), engine_address=engine)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    # The engine reads the port from the first line, and treats anything else printed there as a fault.
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    # An engine that is killed ends none of its plugins.
    while await server.wait_for_termination(ORPHANED_SECONDS) and os.getppid() == starter:
        pass


def main() -> None:
    """Serve until the engine ends the process, or has ended itself."""
    parser = argparse.ArgumentParser(prog="pulumi-resource-gitlab", description=__doc__)
    parser.add_argument("engine", help="the engine's address, given by Pulumi")
    arguments, _ = parser.parse_known_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(arguments.engine))


if __name__ == "__main__":
    main()
