"""Runs the language host, as the Pulumi engine starts it: `pulumi-language-python [flags] ENGINE_ADDRESS`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc

from sandbox.plugins.language_python.children import Children
from sandbox.plugins.language_python.host_error import HostError
from sandbox.plugins.language_python.servicer import LanguageHost
from sandbox.plugins.starter import wait_for_end
from sandbox.plugins.stubs import language_pb2_grpc

MESSAGE_BYTES = 400 << 20
"""The engine's own limit."""
CALLS = 16
"""Calls at once: a program and each of its policy packs and plugins hold one for as long as they run."""


class _PlainErrors(grpc.ServerInterceptor):
    """Hands an error to the engine as its text alone; grpc would print a traceback."""

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        if handler.unary_stream:
            stream: Callable[..., Any] = handler.unary_stream

            def iterate(request: object, context: grpc.ServicerContext) -> Any:  # noqa: ANN401 - any message
                try:
                    yield from stream(request, context)
                except (HostError, NotImplementedError, OSError) as error:
                    _abort(context, error)

            return grpc.unary_stream_rpc_method_handler(
                iterate, handler.request_deserializer, handler.response_serializer
            )
        answer: Callable[..., Any] | None = handler.unary_unary

        def call(request: object, context: grpc.ServicerContext) -> Any:  # noqa: ANN401 - any message
            try:
                return answer(request, context) if answer else None
            except (HostError, NotImplementedError, OSError) as error:
                _abort(context, error)

        return grpc.unary_unary_rpc_method_handler(call, handler.request_deserializer, handler.response_serializer)


def _abort(context: grpc.ServicerContext, error: Exception) -> None:
    code = grpc.StatusCode.UNIMPLEMENTED if isinstance(error, NotImplementedError) else grpc.StatusCode.UNKNOWN
    context.abort(code, str(error))


def main() -> None:
    """Serve until the engine ends the process, or has ended itself; then kill what the host has started."""
    starter = os.getppid()
    parser = argparse.ArgumentParser(prog="pulumi-language-python", description=__doc__)
    parser.add_argument("--use-executor", type=Path, required=True, help="the script in which a program runs")
    parser.add_argument("engine", nargs="?", default="", help="the engine's address, given by Pulumi")
    arguments, _ = parser.parse_known_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit())
    children = Children()
    server = grpc.server(
        futures.ThreadPoolExecutor(CALLS),
        interceptors=[_PlainErrors()],
        options=[("grpc.max_receive_message_length", MESSAGE_BYTES)],
    )
    host = LanguageHost(arguments.engine, arguments.use_executor, children)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    # The engine reads the port from the first line.
    print(port, flush=True)
    try:
        wait_for_end(starter)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        children.end()
        server.stop(None).wait()


if __name__ == "__main__":
    main()
