"""The certificate of the proxy's sites, and the authority that has signed it and whose key nobody keeps."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import trustme

from sandbox.machine.files import write


@dataclass(frozen=True)
class Certificate:
    """PEM files."""

    authority: Path
    """The authority's certificate, for whoever asks: no secret."""
    server: Path
    """The server's private key and, after it, its certificates."""


def certificate(folder: Path, names: Iterable[str]) -> Certificate:
    """The certificate in `folder` for these names (host names, `*.DOMAIN`, addresses), issued if it is not there."""
    found = Certificate(folder / "ca.pem", folder / "site.pem")
    if not found.server.exists():
        authority = trustme.CA(organization_name="gitlab-deploy sandbox")
        issued = authority.issue_cert(*names)
        write(found.authority, authority.cert_pem.bytes().decode("ascii"), mode=0o644)
        write(found.server, issued.private_key_and_cert_chain_pem.bytes().decode("ascii"))
    return found
