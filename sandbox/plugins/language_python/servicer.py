"""The engine's LanguageRuntime service, as the official pulumi-language-python serves it."""

# ruff: noqa: ARG002, N802 - the protocol names the methods and their arguments

import json
from collections.abc import Iterator
from pathlib import Path

import grpc
from google.protobuf import empty_pb2  # type: ignore[import-untyped]

from sandbox.plugins.language_python import options, packages
from sandbox.plugins.language_python.children import Children, output
from sandbox.plugins.language_python.host_error import HostError
from sandbox.plugins.language_python.pip import Pip
from sandbox.plugins.stubs import (
    FOLDER,
    engine_pb2,
    engine_pb2_grpc,
    language_pb2,
    language_pb2_grpc,
    plugin_pb2,
)

REPORTED = 32
"""Exit status of a program that has reported its error to the engine itself (pulumi-language-python-exec)."""


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs programs, policy packs and plugins; pulumi/language.proto documents the methods."""

    def __init__(self, engine: str, executor: Path, children: Children) -> None:
        """For the engine at an address; `executor` is the script in which a program runs."""
        self._engine = engine
        self._executor = executor
        self._children = children

    def Handshake(
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        """Take the address of an engine that did not start the host."""
        self._engine = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        """The host's version, which is the SDK's."""
        own = (package.version for package in packages.installed([str(FOLDER.parent)]) if package.name == "pulumi")
        return plugin_pb2.PluginInfo(version=next(own, ""))

    def About(self, request: language_pb2.AboutRequest, context: grpc.ServicerContext) -> language_pb2.AboutResponse:
        """For `pulumi about`: the interpreter."""
        pip = self._pip(request.info)
        pip.validate()
        version = pip.ask("--version").removeprefix("Python ")
        return language_pb2.AboutResponse(executable=pip.interpreter, version=version)

    def GetProgramDependencies(
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        """For `pulumi about`: the Python packages."""
        pip = self._pip(request.info)
        pip.validate()
        found = packages.dependencies(pip.search_path(), transitive=request.transitiveDependencies)
        return language_pb2.GetProgramDependenciesResponse(dependencies=found)

    def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        """The plugins that the program's packages name. A virtual environment that does not exist is made first."""
        pip = self._pip(request.info)
        if pip.missing:
            self._log(pip.install(Path(request.info.program_directory)))
        pip.validate()
        return language_pb2.GetRequiredPackagesResponse(packages=packages.required(pip.search_path()))

    def InstallDependencies(
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """For `pulumi install`."""
        yield language_pb2.InstallDependenciesResponse(stdout=b"Installing dependencies...\n\n")
        pip = self._pip(request.info, plugin=request.is_plugin)
        for is_error, text in pip.install(Path(request.info.program_directory)):
            response = language_pb2.InstallDependenciesResponse
            yield response(stderr=text) if is_error else response(stdout=text)
        yield language_pb2.InstallDependenciesResponse(stdout=b"Finished installing dependencies\n\n")

    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> language_pb2.RunResponse:
        """Run the program to its end."""
        if request.attach_debugger:
            raise HostError(
                "the sandbox's own language host attaches no debugger: install a release of Pulumi, whose language "
                "host the sandbox then uses"
            )
        pip = self._pip(request.info)
        pip.validate()
        configuration = {
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        command = [pip.interpreter, str(self._executor), *self._arguments(request)]
        with self._children.run(command, pip.environment() | configuration, captured=False) as program:
            code = program.wait()
        if code == REPORTED:
            return language_pb2.RunResponse(bail=True)
        # A program that a signal ended has the exit status -1 in Go, whose words these are.
        error = f"program exited with non-zero exit code: {max(code, -1)}" if code else ""
        return language_pb2.RunResponse(error=error)

    def RunPlugin(
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Run a policy pack or a source-based plugin to its end."""
        pip = self._pip(request.info, plugin=True)
        pip.validate()
        environment = pip.environment() | dict(item.split("=", 1) for item in request.env)
        command = [pip.interpreter, *_plugin(request)]
        with self._children.run(command, environment, Path(request.pwd), captured=True) as plugin:
            # The engine ends a plugin by ending the call.
            context.add_callback(plugin.kill)
            for is_error, line in output(plugin):
                response = language_pb2.RunPluginResponse
                yield response(stderr=line) if is_error else response(stdout=line)
            yield language_pb2.RunPluginResponse(exitcode=plugin.wait())

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Interrupt what runs: the engine has no more use for it."""
        self._children.interrupt()
        return empty_pb2.Empty()

    def _pip(self, info: language_pb2.ProgramInfo, *, plugin: bool = False) -> Pip:
        return Pip(options.of(info, plugin=plugin), self._children)

    def _arguments(self, request: language_pb2.RunRequest) -> list[str]:
        """For pulumi-language-python-exec: what is empty is left out."""
        named = {
            "monitor": request.monitor_address,
            "engine": self._engine,
            "project": request.project,
            "root_directory": request.info.root_directory,
            "stack": request.stack,
            "pwd": request.pwd,
            "dry_run": str(request.dryRun).lower(),
            "parallel": str(request.parallel),
            "organization": request.organization,
        }
        given = [part for name, text in named.items() if text for part in (f"--{name}", text)]
        return [*given, request.info.entry_point, *request.args]

    def _log(self, printed: Iterator[tuple[bool, bytes]]) -> None:
        """Show it in the engine's progress, as what goes on at the moment."""
        with grpc.insecure_channel(self._engine) as channel:
            engine = engine_pb2_grpc.EngineStub(channel)
            for is_error, text in printed:
                severity = engine_pb2.ERROR if is_error else engine_pb2.INFO
                message = text.decode(errors="replace")
                engine.Log(engine_pb2.LogRequest(message=message, severity=severity, ephemeral=True, streamId=1))


def _plugin(request: language_pb2.RunPluginRequest) -> list[str]:
    """Python's arguments for a policy pack, a folder with a __main__.py, or a package that can be built."""
    folder = Path(request.info.program_directory)
    if request.kind == "analyzer":
        return ["-u", "-m", "pulumi.policy", *request.args, str(folder)]
    if (folder / "__main__.py").exists():
        return [str(folder), *request.args]
    # Of packages alone.
    import tomllib  # noqa: PLC0415

    file = folder / "pyproject.toml"
    project = tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if "build-system" not in project:
        raise HostError("plugin is not runnable, it provides neither __main__.py nor a buildable pyproject.toml")
    return ["-m", "pulumi.run.plugin", project["project"]["name"], *request.args]
