"""The cluster's certificates name users and groups as Kubernetes expects them, and are signed by its authority."""

import ipaddress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox.hosts import pki

NAMES = ["localhost", "kubernetes.default.svc", "127.0.0.1", "10.215.7.1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("node") / "pki"
    pki.make(made, NAMES)
    return made


def certificate(folder: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pki.pair(folder, name).certificate.read_bytes())


def attribute(found: x509.Certificate, kind: x509.ObjectIdentifier) -> object:
    (value,) = found.subject.get_attributes_for_oid(kind)
    return value.value


@pytest.mark.parametrize(
    ("name", "user", "group"),
    [
        ("admin", "admin", "system:masters"),
        ("kubelet", "system:node:node", "system:nodes"),
    ],
)
def test_a_client_has_its_user_name_and_group(folder: Path, name: str, user: str, group: str) -> None:
    found = certificate(folder, name)
    assert attribute(found, NameOID.COMMON_NAME) == user
    assert attribute(found, NameOID.ORGANIZATION_NAME) == group
    usage = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert ExtendedKeyUsageOID.CLIENT_AUTH in usage


def test_a_client_without_a_group_is_in_none_of_kubernetes(folder: Path) -> None:
    assert not str(attribute(certificate(folder, "scheduler"), NameOID.ORGANIZATION_NAME)).startswith("system:")


def test_the_servers_certificate_is_for_all_their_names_and_addresses(folder: Path) -> None:
    names = certificate(folder, "servers").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == NAMES[:2]
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address(name) for name in NAMES[2:]]


@pytest.mark.parametrize("name", ["servers", "service-accounts", *pki.CLIENTS])
def test_every_certificate_is_signed_by_the_authority_and_goes_with_its_key(folder: Path, name: str) -> None:
    found = certificate(folder, name)
    found.verify_directly_issued_by(certificate(folder, "ca"))
    key = load_pem_private_key(pki.pair(folder, name).key.read_bytes(), None)
    assert key.public_key() == found.public_key()


def test_keys_are_private_and_a_second_run_keeps_them(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    pki.make(folder, ["other"])
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert {path.stat().st_mode & 0o777 for path in folder.glob("*.key")} == {0o600}
