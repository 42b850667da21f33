"""Public host keys, as sshd(8) and ssh-keyscan(1) write them: TYPE BASE64 [COMMENT]. Pure."""

import base64
import hashlib


def without_comment(host_key: str) -> str:
    """TYPE BASE64."""
    return " ".join(host_key.split()[:2])


def algorithms(host_key: str) -> str:
    """The signatures by which a host proves that it has this key (ssh_config(5): HostKeyAlgorithms)."""
    kind = host_key.partition(" ")[0]
    # The type of an RSA key is not the name of its signatures (RFC 8332).
    return "rsa-sha2-512,rsa-sha2-256" if kind == "ssh-rsa" else kind


def fingerprint(host_key: str) -> str:
    """The fingerprint of a public key, as ssh shows it."""
    digest = hashlib.sha256(base64.b64decode(host_key.split()[1])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"
