import pytest

from components.docker_app.ssh_errors import WrongHostKeyError, explain, is_about_jump_host
from components.docker_app.ssh_key import fingerprint
from tests.support.docker_double import HOST_KEY

ADDRESS = "ssh://deploy@host.example.com:2222"
CHANGED = "@ REMOTE HOST IDENTIFICATION HAS CHANGED! @\nThe fingerprint for the key is\nSHA256:abcDEF123+/.\n"


def test_wrong_host_key_names_both_fingerprints() -> None:
    stderr = f"{CHANGED}Host key for host.example.com has changed\nHost key verification failed."
    with pytest.raises(WrongHostKeyError) as caught:
        explain(stderr, ADDRESS, HOST_KEY)
    assert "SHA256:abcDEF123+/" in str(caught.value)
    assert fingerprint(HOST_KEY) in str(caught.value)


def test_jump_host_that_is_not_known_says_so_and_is_not_taken_for_the_host() -> None:
    stderr = (
        "Host key verification failed.\nkex_exchange_identification: Connection closed by remote host\n"
        "Connection closed by UNKNOWN port 65535\n"
    )
    assert is_about_jump_host(stderr)
    assert explain(stderr, ADDRESS, HOST_KEY).startswith("a jump host of your ssh config (ProxyJump) is not trusted")


def test_jump_host_whose_key_has_changed_is_named() -> None:
    stderr = (
        f"{CHANGED}Host key for [10.0.0.1]:30023 has changed and you have requested strict checking.\n"
        "Host key verification failed.\nConnection closed by UNKNOWN port 65535\n"
    )
    assert explain(stderr, ADDRESS, HOST_KEY).startswith("the jump host [10.0.0.1]:30023 of your ssh config has")


@pytest.mark.parametrize(
    ("stderr", "sentence"),
    [
        ("ssh: connect to host h port 22: Connection refused", "nothing listens on that port; check the port"),
        ("ssh: Could not resolve hostname h: Name or service not known", "there is no host of this name"),
        ("ssh: connect to host h port 22: Connection timed out", "the host does not answer"),
        ("deploy@h: Permission denied (publickey).", "the host refuses this user with this key"),
        ("Permissions 0644 for 'k' are too open.\nWARNING: UNPROTECTED PRIVATE KEY FILE!", "run 'chmod 600' on it"),
        ("Unable to negotiate with h: no matching host key type found.", "it has no host key of type ssh-ed25519"),
        ("permission denied while trying to connect to the Docker daemon socket", "member of the group docker"),
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", "the Docker daemon is not running"),
        ("sh: 1: docker: not found", "there is no docker command"),
        ("command-line: line 0: Bad configuration option: sessiontype", "install OpenSSH 8.7 or newer"),
        (
            "fatal: vdollar_percent_expand: env var ${SSH_KEY} has no value",
            "identityFile is not set; set it to the path",
        ),
        ("banner\n\x1b[31msomething new\x1b[0m\n", "something new; try 'ssh ssh://deploy@host.example.com:2222 docker"),
        ("", "ssh failed and printed nothing; try"),
    ],
)
def test_each_cause_is_one_sentence_of_its_own(stderr: str, sentence: str) -> None:
    said = explain(stderr, ADDRESS, HOST_KEY)
    assert sentence in said
    assert said.isprintable()
