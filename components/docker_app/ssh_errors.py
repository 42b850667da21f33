"""What ssh, and Docker behind it, print on standard error, as one sentence for the cause and one for the fix. Pure."""

import re

from components.docker_app.ssh_key import fingerprint
from components.printable import printable_lines

_CAUSES: tuple[tuple[str, str], ...] = (
    (
        r"UNPROTECTED PRIVATE KEY FILE|bad permissions",
        "the private key can be read by others, so ssh does not use it; run 'chmod 600' on it",
    ),
    (
        r"env var .* has no value|invalid environment variable expansion",
        "an environment variable in gitlab-deploy:dockerHost.identityFile is not set; set it to the path of the key",
    ),
    (
        r"Bad configuration option: (knownhostscommand|sessiontype|stdinnull|forkafterauthentication)",
        "the ssh of this machine is too old; install OpenSSH 8.7 or newer",
    ),
    (
        r"Permission denied \(",
        "the host refuses this user with this key; check the user, and that the public key is in its authorized_keys",
    ),
    (r"Connection refused", "nothing listens on that port; check the port, and that sshd runs"),
    (r"Could not resolve hostname", "there is no host of this name; check the address"),
    (
        r"timed out|No route to host|Network is unreachable",
        "the host does not answer; check the address and the network",
    ),
    (
        r"permission denied.*docker.*sock|dial unix .*permission denied",
        "the user may not use Docker; make it a member of the group docker, and end its open sessions",
    ),
    (r"Cannot connect to the Docker daemon", "the Docker daemon is not running; start it"),
    (r"docker: (command )?not found", "there is no docker command for this user; install Docker"),
)


class WrongHostKeyError(Exception):
    """The host is another one than the stack file pins: nothing may be sent to it."""


def is_refused_key(stderr: str) -> bool:
    """Whether the host took none of the keys that ssh offered."""
    return "Permission denied (" in stderr


def is_about_jump_host(stderr: str) -> bool:
    """Whether it is a jump host of the user's ssh config that failed, before the host itself was reached."""
    # The connection that a ProxyJump hands on has no address, for which ssh shows this.
    return "UNKNOWN port 65535" in stderr


def explain(stderr: str, address: str, host_key: str) -> str:
    """The sentence. WrongHostKeyError if the host has another key than the pinned one."""
    if is_about_jump_host(stderr) and "Host key verification failed" in stderr:
        named = re.search(r"Host key for (\S+) has changed", stderr)
        if named:
            return (
                f"the jump host {named[1]} of your ssh config has another key than ~/.ssh/known_hosts has; find out "
                "why, and put its new key there"
            )
        return (
            "a jump host of your ssh config (ProxyJump) is not trusted; put its host key into ~/.ssh/known_hosts of "
            "this machine, as 'ssh-keyscan' prints it, compared with the jump host's own"
        )
    if "HOST IDENTIFICATION HAS CHANGED" in stderr or "Host key verification failed" in stderr:
        sent = re.search(r"SHA256:[A-Za-z0-9+/]+", stderr)
        raise WrongHostKeyError(
            f"The Docker host {address} has the host key {sent[0] if sent else 'of another host'}, and the stack file "
            f"pins {fingerprint(host_key)}; find out why, and if the host was set up anew, put its new key into "
            "gitlab-deploy:dockerHost.hostKey"
        )
    if "no matching host key type" in stderr:
        return (
            f"it has no host key of type {host_key.partition(' ')[0]}, which the stack file pins; "
            "put one that it has into gitlab-deploy:dockerHost.hostKey"
        )
    for pattern, sentence in _CAUSES:
        if re.search(pattern, stderr, re.IGNORECASE):
            return sentence
    lines = printable_lines(stderr) or ["ssh failed and printed nothing"]
    return f"{lines[-1]}; try 'ssh {address} docker version'"
