"""The sandbox's shell has its own programs, plugins and state, and shows no secret."""

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.names import ROOT
from sandbox.plugins.gitlab import VERSION
from sandbox.toolchain.shell import Shell, exports
from tests.support.programs import program

TOKEN = "glpat-canary"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell of a machine that has nothing of its own."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PULUMI_HOME", raising=False)
    return Shell(tmp_path / "repository", tmp_path / "repository" / ".sandbox" / "one")


@pytest.fixture
def tools(tmp_path: Path) -> dict[str, Path]:
    """The programs it needs, each of which prints its name."""
    names = [
        "kubectl",
        "pulumi",
        "pulumi-language-python",
        "pulumi-language-python-exec",
        "pulumi-resource-docker",
        "pulumi-resource-kubernetes",
        "kubelet",
    ]
    return {name: program(tmp_path / "tools", name, f"echo {name}") for name in names}


def gitlab_plugin(shell: Shell) -> Path:
    home = Path(shell.variables(Path("kubeconfig"), "http://gitlab")["PULUMI_HOME"])
    return home / "plugins" / f"resource-gitlab-v{VERSION}" / "pulumi-resource-gitlab"


def test_the_exports_never_show_the_token_and_yet_set_it(tmp_path: Path, shell: Shell) -> None:
    token = tmp_path / "a folder" / "token"
    token.parent.mkdir()
    token.write_text(f"{TOKEN}\n")
    printed = exports(shell.variables(tmp_path / "kube config", "http://10.213.0.3"), token)
    assert TOKEN not in printed
    script = f'{printed}\nprintf "%s\\n" "$GITLAB_TOKEN" "$KUBECONFIG" "$GITLAB_BASE_URL"'
    done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [TOKEN, str(tmp_path / "kube config"), "http://10.213.0.3/api/v4/"]


def test_its_programs_come_first_and_once_however_often_it_is_entered(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tools: dict[str, Path]
) -> None:
    shell.prepare(tools)
    path = shell.variables(Path("kubeconfig"), "http://gitlab")["PATH"]
    programs, environment = path.split(":")[:2]
    assert environment == f"{sys.prefix}/bin"
    assert sorted(entry.name for entry in Path(programs).iterdir()) == [
        "kubectl",
        "pulumi",
        "pulumi-language-python",
        "pulumi-language-python-exec",
    ]
    monkeypatch.setenv("PATH", path)
    assert shell.variables(Path("kubeconfig"), "http://gitlab")["PATH"] == path


def test_what_a_sandbox_put_there_is_not_taken_for_the_machines_own(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "repository" / ".sandbox" / "other"
    monkeypatch.setenv("PATH", f"{other / 'bin'}:/usr/bin")
    monkeypatch.setenv("PULUMI_HOME", str(other / "pulumi"))
    assert shell.machine_path == "/usr/bin"
    assert shell.machine_home == tmp_path / "home" / ".pulumi"


def test_the_official_gitlab_plugin_is_used_where_the_user_has_it(
    shell: Shell, tmp_path: Path, tools: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    shell.prepare(tools)
    assert "uses      the sandbox's own gitlab plugin" in capsys.readouterr().out
    official = tmp_path / "home" / ".pulumi" / "plugins" / f"resource-gitlab-v{VERSION}"
    program(official, "pulumi-resource-gitlab", "echo official")
    shell.prepare(tools)
    assert capsys.readouterr().out == ""
    assert gitlab_plugin(shell).samefile(official / "pulumi-resource-gitlab")
    (official / "pulumi-resource-gitlab").unlink()
    shell.prepare(tools)
    assert "-m sandbox.plugins.gitlab" in gitlab_plugin(shell).read_text()


def test_an_official_gitlab_plugin_on_path_is_used(
    shell: Shell, tmp_path: Path, tools: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    official = program(tmp_path / "bin", "pulumi-resource-gitlab", "echo official")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    shell.prepare(tools)
    assert gitlab_plugin(shell).samefile(official)


def test_the_sandboxs_own_gitlab_plugin_runs_from_any_folder(tmp_path: Path, tools: dict[str, Path]) -> None:
    shell = Shell(ROOT, tmp_path / "one")
    shell.prepare(tools)
    (tmp_path / "sandbox.py").write_text("raise SystemExit('not this one')")
    done = subprocess.run([gitlab_plugin(shell), "--help"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_passphrase_is_a_private_file_and_the_state_a_private_folder(shell: Shell, tools: dict[str, Path]) -> None:
    shell.prepare(tools)
    variables = shell.variables(Path("kubeconfig"), "http://gitlab")
    passphrase = Path(variables["PULUMI_CONFIG_PASSPHRASE_FILE"])
    state = Path(variables["PULUMI_BACKEND_URL"].removeprefix("file://"))
    assert passphrase.stat().st_mode & 0o777 == 0o600
    assert state.stat().st_mode & 0o777 == 0o700


def test_the_machines_own_language_host_is_used_where_there_is_one(
    shell: Shell, tools: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    host = Path(shell.variables(Path("kubeconfig"), "http://gitlab")["PATH"].split(":")[0]) / "pulumi-language-python"
    shell.prepare(tools)
    assert host.samefile(tools["pulumi-language-python"])
    assert "language host" not in capsys.readouterr().out
    shell.prepare({name: place for name, place in tools.items() if name != "pulumi-language-python"})
    assert "uses      the sandbox's own Python language host" in capsys.readouterr().out
    assert "sandbox.plugins.language_python" in host.read_text()
    assert tools["pulumi-language-python"].read_text().endswith("echo pulumi-language-python\n")


def test_the_sandboxs_own_language_host_runs_in_any_folder_and_environment(
    tmp_path: Path, tools: dict[str, Path]
) -> None:
    shell = Shell(ROOT, tmp_path / "one")
    shell.prepare({name: place for name, place in tools.items() if name != "pulumi-language-python"})
    (tmp_path / "sandbox.py").write_text("raise SystemExit('not this one')")
    host = tmp_path / "one" / "bin" / "pulumi-language-python"
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([host, "--help"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
