"""The cluster's certificates: one authority, and a certificate for everybody that speaks to the API server.

Names and groups are those of the Kubernetes documentation, "PKI certificates and requirements". The keys are
elliptic-curve ones: quick to make, and short in a kubeconfig.
"""

import datetime
import ipaddress
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox.machine.files import write

VALID = datetime.timedelta(days=3650)

CLIENTS = {
    "admin": ("admin", "system:masters"),
    "apiserver-kubelet": ("kube-apiserver-kubelet-client", "system:masters"),
    "controller-manager": ("system:kube-controller-manager", None),
    "scheduler": ("system:kube-scheduler", None),
    "proxy": ("system:kube-proxy", None),
    "kubelet": ("system:node:node", "system:nodes"),
}
"""Files of a client's certificate -> its user name and group."""


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key, as PEM files."""

    certificate: Path
    key: Path


def pair(folder: Path, name: str) -> Pair:
    """The pair called `name`: `ca`, `servers`, `service-accounts`, or one of CLIENTS.

    For `service-accounts` the "certificate" is the public key with which the API server checks tokens.
    """
    return Pair(folder / f"{name}.crt", folder / f"{name}.key")


def make(folder: Path, names: Iterable[str]) -> None:
    """Have all pairs in `folder`; `servers` is for `names`, host names and addresses. A folder that is there stays."""
    if folder.exists():
        return
    draft = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    authority = _Authority(draft)
    for name, (user, group) in CLIENTS.items():
        authority.issue(name, _subject(user, group), x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]))
    authority.issue(
        "servers",
        _subject("node", None),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
        x509.SubjectAlternativeName([_alternative(name) for name in names]),
    )
    public = _new_key(draft, "service-accounts").public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    write(pair(draft, "service-accounts").certificate, pem.decode())
    draft.rename(folder)


class _Authority:
    """Signs certificates with a key of its own, and writes them to a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = _subject("sandbox", None)
        self._key = _new_key(folder, "ca")
        self._certify("ca", self._name, self._key, x509.BasicConstraints(ca=True, path_length=0))

    def issue(self, name: str, subject: x509.Name, *extensions: x509.ExtensionType) -> None:
        self._certify(name, subject, _new_key(self._folder, name), *extensions)

    def _certify(
        self, name: str, subject: x509.Name, key: EllipticCurvePrivateKey, *extensions: x509.ExtensionType
    ) -> None:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
        # A clock that is a little behind must not find it "not yet valid".
        builder = builder.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + VALID)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        certificate = builder.sign(self._key, hashes.SHA256())
        write(pair(self._folder, name).certificate, certificate.public_bytes(Encoding.PEM).decode())


def _new_key(folder: Path, name: str) -> EllipticCurvePrivateKey:
    key = generate_private_key(SECP256R1())
    write(pair(folder, name).key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
    return key


def _subject(common_name: str, group: str | None) -> x509.Name:
    organization = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group)] if group else []
    return x509.Name([*organization, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
