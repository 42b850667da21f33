"""The cluster's certificates: one authority, and a certificate for everybody that speaks to the API server.

Names and groups are those of the Kubernetes documentation, "PKI certificates and requirements": a certificate's common
name is the user, its organization the group.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import trustme

from sandbox.machine.files import write

CLIENTS = {
    "admin": ("admin", "system:masters"),
    "apiserver-kubelet": ("kube-apiserver-kubelet-client", "system:masters"),
    "controller-manager": ("system:kube-controller-manager", None),
    "scheduler": ("system:kube-scheduler", None),
    "proxy": ("system:kube-proxy", None),
    "kube-router": ("kube-router", "system:masters"),
    "kubelet": ("system:node:node", "system:nodes"),
}
"""Files of a client's certificate -> its user name and group."""


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key, as PEM files."""

    certificate: Path
    key: Path


def pair(folder: Path, name: str) -> Pair:
    """The pair called `name`: `ca`, `servers`, `service-accounts` (which signs tokens), or one of CLIENTS."""
    return Pair(folder / f"{name}.crt", folder / f"{name}.key")


def make(folder: Path, names: Iterable[str]) -> None:
    """Have all pairs in `folder`; `servers` is for `names`, host names and addresses. A folder that exists stays."""
    if folder.exists():
        return
    draft = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    authority = trustme.CA(path_length=0)
    _write(pair(draft, "ca"), authority.cert_pem, authority.private_key_pem)
    # Kubernetes accepts no certificate without an alternative name that it understands: nobody asks for a client's.
    leaves = {
        name: authority.issue_cert(f"{name}.invalid", common_name=user, organization_name=group)
        for name, (user, group) in CLIENTS.items()
    }
    leaves["servers"] = authority.issue_cert(*names, common_name="node")
    leaves["service-accounts"] = authority.issue_cert("service-accounts.invalid")
    for name, leaf in leaves.items():
        _write(pair(draft, name), leaf.cert_chain_pems[0], leaf.private_key_pem)
    draft.rename(folder)


def _write(files: Pair, certificate: trustme.Blob, key: trustme.Blob) -> None:
    write(files.certificate, certificate.bytes().decode("ascii"))
    write(files.key, key.bytes().decode("ascii"))
