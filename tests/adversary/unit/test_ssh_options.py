from components.docker_app.ssh_options import ssh_options
from tests.support.docker_double import HOST_KEY


def pairs(identity_file: str | None = None, control_path: str | None = None) -> dict[str, str]:
    options = ssh_options(HOST_KEY, identity_file, control_path)
    assert set(options[::2]) == {"-o"}
    found = dict(option.split("=", 1) for option in options[1::2])
    assert len(found) == len(options) // 2
    return found


def test_options_never_ask_anybody_and_trust_the_pinned_key_alone() -> None:
    found = pairs()
    assert found["BatchMode"] == "yes"
    assert found["StrictHostKeyChecking"] == "yes"
    assert found["UserKnownHostsFile"] == found["GlobalKnownHostsFile"] == "/dev/null"
    assert found["KnownHostsCommand"] == f"/bin/echo %H {HOST_KEY}"
    assert found["HostKeyAlgorithms"] == "ssh-ed25519"


def test_only_a_named_socket_is_shared() -> None:
    found = pairs()
    assert (found["ControlMaster"], found["ControlPath"], found["ControlPersist"]) == ("no", "none", "no")
    found = pairs(control_path="/run/user/1/x/c")
    assert (found["ControlMaster"], found["ControlPath"]) == ("auto", "/run/user/1/x/c")


def test_key_file_that_is_named_is_the_only_one_besides_those_of_the_users_config() -> None:
    found = pairs("${SSH_KEY}")
    assert (found["IdentityFile"], found["IdentitiesOnly"]) == ("${SSH_KEY}", "yes")
    assert "IdentityFile" not in pairs()
