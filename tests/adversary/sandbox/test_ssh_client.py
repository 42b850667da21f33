"""A real ssh and real sshds, one of them a jump host, with whatever the user's ssh config says."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.docker_app import control_folder, engine_connection
from components.docker_app.host_check import host_problem
from components.docker_app.remote_docker import RemoteDocker
from components.docker_app.ssh_errors import WrongHostKeyError
from components.docker_app.ssh_options import ssh_options
from sandbox.machine.waiting import wait

HOSTILE = {
    "AddKeysToAgent": "yes",
    "BatchMode": "no",
    "CheckHostIP": "yes",
    "ConnectTimeout": "900",
    "ControlMaster": "auto",
    "ControlPath": "/tmp/anybodys",
    "ControlPersist": "1h",
    "DynamicForward": "1080",
    "FingerprintHash": "md5",
    "ForkAfterAuthentication": "yes",
    "ForwardAgent": "yes",
    "ForwardX11": "yes",
    "GSSAPIDelegateCredentials": "yes",
    "GlobalKnownHostsFile": "/tmp/anybodys",
    "HostKeyAlgorithms": "ssh-rsa",
    "KnownHostsCommand": "/bin/echo anything",
    "LocalCommand": "touch /tmp/anybodys",
    "LocalForward": "8080 127.0.0.1:80",
    "LogLevel": "QUIET",
    "NoHostAuthenticationForLocalhost": "yes",
    "PermitLocalCommand": "yes",
    "RemoteCommand": "rm -rf /",
    "RemoteForward": "9090 127.0.0.1:90",
    "RequestTTY": "force",
    "ServerAliveCountMax": "900",
    "ServerAliveInterval": "0",
    "SessionType": "none",
    "StdinNull": "yes",
    "StrictHostKeyChecking": "no",
    "Tunnel": "yes",
    "UpdateHostKeys": "yes",
    "UserKnownHostsFile": "/tmp/anybodys",
    "VerifyHostKeyDNS": "yes",
    "VisualHostKey": "yes",
}
SAFE = {
    "addkeystoagent": "false",
    "batchmode": "yes",
    "checkhostip": "no",
    "clearallforwardings": "yes",
    "connecttimeout": "10",
    "controlmaster": "false",
    "controlpersist": "no",
    "fingerprinthash": "SHA256",
    "forkafterauthentication": "no",
    "forwardagent": "no",
    "forwardx11": "no",
    "globalknownhostsfile": "/dev/null",
    "gssapidelegatecredentials": "no",
    "hostkeyalgorithms": "ssh-ed25519",
    "identitiesonly": "yes",
    "loglevel": "INFO",
    "nohostauthenticationforlocalhost": "no",
    "permitlocalcommand": "no",
    "remotecommand": "none",
    "requesttty": "false",
    "serveralivecountmax": "3",
    "serveraliveinterval": "15",
    "sessiontype": "default",
    "stdinnull": "no",
    "stricthostkeychecking": "true",
    "tunnel": "false",
    "updatehostkeys": "false",
    "userknownhostsfile": "/dev/null",
    "verifyhostkeydns": "false",
    "visualhostkey": "no",
}
LEFT_TO_THE_USER = {
    # Where the host is and how it is reached.
    *("addressfamily", "bindaddress", "bindinterface", "canonicaldomains", "canonicalizefallbacklocal"),
    *("canonicalizehostname", "canonicalizemaxdots", "canonicalizepermittedcnames", "compression"),
    *("connectionattempts", "host", "hostkeyalias", "hostname", "ipqos", "port", "proxycommand", "proxyjump"),
    *("proxyusefdpass", "tcpkeepalive", "user"),
    # With which keys and ciphers.
    *("casignaturealgorithms", "certificatefile", "ciphers", "enablesshkeysign", "gssapiauthentication"),
    *("gssapiclientidentity", "gssapikexalgorithms", "gssapikeyexchange", "gssapirenewalforcesrekey"),
    *("gssapiserveridentity", "gssapitrustdns", "hostbasedacceptedalgorithms", "hostbasedauthentication"),
    *("identityagent", "identityfile", "kbdinteractiveauthentication", "kexalgorithms", "macs"),
    *("numberofpasswordprompts", "passwordauthentication", "pkcs11provider", "preferredauthentications"),
    *("pubkeyacceptedalgorithms", "pubkeyauthentication", "rekeylimit", "requiredrsasize", "revokedhostkeys"),
    *("securitykeyprovider", "kbdinteractivedevices"),
    # Of no effect without a terminal, a forwarding, or a file of known hosts.
    *("enableescapecommandline", "escapechar", "exitonforwardfailure", "forwardx11timeout", "forwardx11trusted"),
    *("gatewayports", "hashknownhosts", "obscurekeystroketiming", "permitremoteopen", "streamlocalbindmask"),
    *("streamlocalbindunlink", "tunneldevice", "xauthlocation"),
    # Cannot be pinned, or is a matter of the local machine alone.
    *("channeltimeout", "logverbose", "refuseconnection", "sendenv", "setenv", "syslogfacility", "tag"),
    *("versionaddendum", "warnweakcrypto", "knownhostscommand", "localcommand"),
}

ANSWERS_ON = """\
import sys
if sys.argv[1] == "version":
    sys.exit("1.41")
for line in sys.stdin.buffer:
    if line == b"\\r\\n":
        print("HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n[]", end="", flush=True)
"""
"""Stands in for docker, which answers any number of requests of one connection."""


@dataclass(frozen=True, kw_only=True)
class World:
    """A Docker host, a jump host, and a user's ssh config."""

    folder: Path
    port: int
    jump_port: int

    def key(self, name: str) -> str:
        return " ".join((self.folder / f"{name}.pub").read_text().split()[:2])

    def configure(self, text: str) -> None:
        (self.folder / "config").write_text(text)

    def remote(self, address: str, host_key: str | None = None, key: str = "user") -> RemoteDocker:
        return RemoteDocker(
            address=address, host_key=host_key or self.key("host"), identity_file=str(self.folder / key)
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("ssh")
    for name in ("host", "jump", "other", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    (folder / "bin").mkdir()
    docker = (
        '#!/bin/sh\n[ "$1" = system ] || { echo 1.41; exit; }\n'
        'sed "/^\\r$/q" >/dev/null\nprintf "HTTP/1.0 200 OK\\r\\n\\r\\n[]"\n'
    )
    ssh = f'#!/bin/sh\nexec /usr/bin/ssh -F {folder}/config "$@"\n'
    for name, script in (("docker", docker), ("ssh", ssh)):
        (folder / "bin" / name).write_text(script)
        (folder / "bin" / name).chmod(0o755)
    with serve(folder, "host") as port, serve(folder, "jump") as jump_port:
        yield World(folder=folder, port=port, jump_port=jump_port)


@contextmanager
def serve(folder: Path, name: str, **changed: str) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    options = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": folder / name,
        "AuthorizedKeysFile": folder / "user.pub",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PermitRootLogin": "yes",
        "SetEnv": f"PATH={folder}/bin:/usr/bin:/bin",
        "LogLevel": "VERBOSE",
        **changed,
    }
    Path("/run/sshd").mkdir(exist_ok=True)
    words = [word for option, value in options.items() for word in ("-o", f"{option}={value}")]
    command = ["/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", *words]
    with (folder / f"{name}.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        assert wait(lambda: "Server listening" in (folder / f"{name}.log").read_text(), 20)
        yield port
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(autouse=True)
def _own_ssh(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The user's config, and no connection of an earlier test."""
    monkeypatch.setenv("PATH", f"{world.folder}/bin:/usr/bin:/bin")
    world.configure("")
    control_folder.control_folder.cache_clear()
    yield
    engine_connection.close()
    folder = control_folder.control_folder()
    if folder:
        control_folder.close(folder)
    control_folder.control_folder.cache_clear()


def effective(world: World, *options: str) -> dict[str, str]:
    """What ssh would do, as `ssh -G` shows it."""
    command = ["/usr/bin/ssh", "-F", str(world.folder / "config"), "-G", *options, "--", "target"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    words = (line.partition(" ") for line in shown.splitlines())
    return {name.lower(): value for name, _, value in words}


def test_no_option_that_matters_is_left_to_the_users_config(world: World) -> None:
    world.configure("\n".join(f"{name} {value}" for name, value in HOSTILE.items()))
    found = effective(world, *ssh_options(world.key("host"), "/key", None))
    assert {name: found.get(name) for name in SAFE if name in found} == {
        name: value for name, value in SAFE.items() if name in found
    }
    # Not shown if it is none, or unknown to a build without Kerberos.
    assert set(SAFE) - set(found) <= {"remotecommand", "gssapidelegatecredentials"}
    assert found["knownhostscommand"] == f"/bin/echo %H {world.key('host')}"
    assert found.get("controlpath", "none") == "none"
    assert not {"localforward", "remoteforward", "dynamicforward"} & set(found)
    assert set(found) - set(SAFE) - {"controlpath"} <= LEFT_TO_THE_USER


def test_hostile_config_is_no_match_for_a_real_connection(world: World) -> None:
    world.configure("\n".join(f"{name} {value}" for name, value in HOSTILE.items()))
    assert host_problem(world.remote(f"ssh://root@127.0.0.1:{world.port}")) is None
    with pytest.raises(WrongHostKeyError):
        host_problem(world.remote(f"ssh://root@127.0.0.1:{world.port}", world.key("other")))


def test_alias_with_its_port_and_a_jump_host_of_the_users_config_work(world: World) -> None:
    (world.folder / "known").write_text(f"[127.0.0.1]:{world.jump_port} {world.key('jump')}\n")
    (world.folder / "included").write_text(
        f"Host target\n  HostName 127.0.0.1\n  Port {world.port}\n  ProxyJump jumper\n"
    )
    world.configure(
        f"Include {world.folder}/included\nHost jumper\n  HostName 127.0.0.1\n  Port {world.jump_port}\n"
        f"  IdentityFile {world.folder}/user\n  UserKnownHostsFile {world.folder}/known\n"
    )
    before = (world.folder / "jump.log").read_text().count("Accepted publickey")
    remote = world.remote("ssh://root@target")
    assert host_problem(remote) is None
    assert remote.listing() == ()
    # Both over one connection.
    assert (world.folder / "jump.log").read_text().count("Accepted publickey") == before + 1


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        ("", "a jump host of your ssh config (ProxyJump) is not trusted"),
        ("other", "of your ssh config has another key"),
    ],
)
def test_jump_host_that_is_not_trusted_is_not_taken_for_the_docker_host(
    world: World, known: str, sentence: str
) -> None:
    line = f"[127.0.0.1]:{world.jump_port} {world.key(known)}\n" if known else ""
    (world.folder / "known").write_text(line)
    world.configure(
        f"Host target\n  HostName 127.0.0.1\n  Port {world.port}\n  ProxyJump jumper\n"
        f"Host jumper\n  HostName 127.0.0.1\n  Port {world.jump_port}\n  UserKnownHostsFile {world.folder}/known\n"
    )
    problem = host_problem(world.remote("ssh://root@target"))
    assert problem
    assert sentence in problem


def test_host_key_is_taken_with_its_comment(world: World) -> None:
    whole = (world.folder / "host.pub").read_text().strip()
    assert len(whole.split()) == 3
    assert host_problem(world.remote(f"ssh://root@127.0.0.1:{world.port}", whole)) is None


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ("crlf", "has Windows line ends (CRLF)"),
        ("unended", "ends without a newline"),
        ("garbage", "the private key has a passphrase, or is damaged"),
        ("", "the host refuses this user with this key"),
    ],
)
def test_key_that_ssh_does_not_read_says_what_is_wrong_with_it(world: World, form: str, sentence: str) -> None:
    good = (world.folder / "other").read_bytes()
    forms = {
        "crlf": good.replace(b"\n", b"\r\n"),
        "unended": good.rstrip(b"\n"),
        "garbage": good[:60] + b"\n",
        "": good,
    }
    key = world.folder / "form"
    key.write_bytes(forms[form])
    key.chmod(0o600)
    problem = host_problem(world.remote(f"ssh://root@127.0.0.1:{world.port}", key="form"))
    assert problem
    assert sentence in problem


def test_connection_is_shared_in_a_folder_of_this_process_and_ends_with_it(world: World) -> None:
    log = world.folder / "host.log"
    accepted = log.read_text().count("Accepted publickey")
    remote = world.remote(f"ssh://root@127.0.0.1:{world.port}")
    for _ in range(3):
        assert host_problem(remote) is None
    assert log.read_text().count("Accepted publickey") == accepted + 1
    folder = control_folder.control_folder()
    assert folder
    assert len(list(folder.iterdir())) == 1
    closed = log.read_text().count("Disconnected from user root")
    control_folder.close(folder)
    assert not folder.exists()
    assert wait(lambda: log.read_text().count("Disconnected from user root") == closed + 1, 10)


def test_home_that_cannot_be_written_is_not_fatal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(world.folder / "nowhere"))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    assert host_problem(world.remote(f"ssh://root@127.0.0.1:{world.port}")) is None


def test_agent_of_the_user_is_not_lent_to_the_host(world: World, tmp_path: Path) -> None:
    world.configure("Host *\n  ForwardAgent yes\n")
    lent = world.folder / "bin" / "docker"
    kept = tmp_path / "docker"
    shutil.copy(lent, kept)
    lent.write_text('#!/bin/sh\necho "agent:${SSH_AUTH_SOCK:-none}"\n')
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", world.folder / "agent"], stdout=subprocess.DEVNULL)
    try:
        assert wait((world.folder / "agent").exists, 10)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SSH_AUTH_SOCK", str(world.folder / "agent"))
            assert world.remote(f"ssh://root@127.0.0.1:{world.port}").run("x").stdout == "agent:none\n"
    finally:
        agent.terminate()
        agent.wait(10)
        shutil.copy(kept, lent)


def test_a_host_that_takes_one_session_in_a_connection_is_asked_all_the_same(world: World) -> None:
    (world.folder / "one").mkdir()
    docker = world.folder / "one" / "docker"
    docker.write_text(f"#!{sys.executable}\n{ANSWERS_ON}")
    docker.chmod(0o755)
    with serve(world.folder, "other", MaxSessions="1", SetEnv=f"PATH={world.folder}/one:/usr/bin:/bin") as port:
        remote = world.remote(f"ssh://root@127.0.0.1:{port}", world.key("other"))
        assert remote.listing() == ()
        assert remote.run("version").stderr.endswith("1.41\n")
        assert remote.request("POST", "/containers/create").body == "[]"
        assert remote.listing() == ()
