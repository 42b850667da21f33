"""Container images made from files, with no base image and no tool: layers, OCI image, archive, push to a registry.

The same files give the same bytes on every machine: members are sorted, owned by root and dated 1970, and layers are
not compressed, because what gzip makes of them depends on the version of zlib. Formats: the OCI image specification 1.0
(config, manifest, layout) and the OCI distribution specification 1.0 (push).
"""

import hashlib
import io
import json
import platform
import re
import subprocess
import tarfile
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from sandbox.sandbox_error import SandboxError

CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""What the kernel calls the machine -> what an image does (the names of Go), where the two differ."""


@dataclass(frozen=True)
class File:
    """A file, or a folder, of an image. Owner, times and extended attributes of the source are left behind.

    A file capability among those would keep the program from starting where the container has no capabilities.
    """

    path: str
    """Where it is in the image, without the leading slash."""
    content: Path | bytes | None
    """The file to copy, the bytes themselves, or None for a folder."""
    mode: int = 0o644


SKELETON = (
    File("etc/passwd", b"root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin\n"),
    File("etc/group", b"root:x:0:\nnonroot:x:65532:\n"),
    File("tmp", None, 0o1777),
)
"""What programs expect to find everywhere: the accounts root and nonroot (65532), and a /tmp that all may write to."""


@dataclass(frozen=True)
class Blob:
    """A part of an image as a registry keeps it: found by the digest of its bytes."""

    media_type: str
    data: bytes

    @cached_property
    def digest(self) -> str:
        """`sha256:` and 64 hexadecimal digits."""
        return f"sha256:{hashlib.sha256(self.data).hexdigest()}"

    def descriptor(self) -> dict[str, object]:
        """How a manifest or an index refers to it (OCI content descriptor)."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data)}


@dataclass(frozen=True)
class Image:
    """An image: `manifest.digest` is the digest that `NAME@sha256:...` refers to."""

    config: Blob
    layers: tuple[Blob, ...]
    manifest: Blob


def program(path: Path, target: str) -> list[File]:
    """List a program, to be at `target` in the image, and the shared libraries and the loader it needs.

    Those keep the places where it looks for them. SandboxError where the machine lacks one.
    """
    # ldd refuses a static program; one that is missing altogether fails when it is read.
    found = subprocess.run(
        ["ldd", path], capture_output=True, text=True, check=False, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
    )
    libraries = []
    for line in found.stdout.splitlines() if found.returncode == 0 else []:
        name, arrow, location = line.strip().partition(" => ")
        if location == "not found":
            raise SandboxError(f"{path} needs the library {name}, which this machine lacks: install its package")
        # `libc.so.6 => /lib/.../libc.so.6 (0x...)`, `/lib64/ld-linux-x86-64.so.2 (0x...)`; the vDSO is no file.
        library = (location if arrow else name).partition(" (0x")[0]
        if library.startswith("/"):
            libraries.append(File(library.removeprefix("/"), Path(library), 0o755))
    return [File(target, path, 0o755), *libraries]


def make_layer(files: Sequence[File]) -> Blob:
    """Make a layer of these files and the folders they are in (mode 0755 where not named themselves).

    OSError where a source cannot be read.
    """
    members = {
        str(parent): File(str(parent), None, 0o755)
        for file in files
        for parent in Path(file.path).parents
        if parent.name
    }
    members |= {file.path: file for file in files}
    return Blob(LAYER_TYPE, _tar([members[path] for path in sorted(members)]))


def make_image(
    layers: Sequence[Blob],
    *,
    entrypoint: Sequence[str],
    user: str = "65532:65532",
    ports: Sequence[int] = (),
    env: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Image:
    """Make an image of `layers`, lowest first, that runs `entrypoint` as `user` (UID:GID).

    It is one for the architecture of this machine, as its programs are.
    """
    config = Blob(
        CONFIG_TYPE,
        _json(
            {
                "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
                "os": "linux",
                "config": {
                    "User": user,
                    "ExposedPorts": {f"{port}/tcp": {} for port in ports},
                    "Env": [f"{name}={value}" for name, value in sorted((env or {}).items())],
                    "Entrypoint": list(entrypoint),
                    "WorkingDir": "/",
                    "Labels": dict(labels or {}),
                },
                # Not compressed: the digest of a layer and that of its content are one.
                "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
            }
        ),
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": config.descriptor(),
            "layers": [layer.descriptor() for layer in layers],
        }
    )
    return Image(config, tuple(layers), Blob(MANIFEST_TYPE, manifest))


def save(image: Image, name: str, archive: Path) -> None:
    """Write an archive that `ctr images import`, `docker load` and skopeo (oci-archive:, docker-archive:) read.

    `name` is what the image is called once loaded, tag included.
    """
    annotations = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name.rpartition(":")[2]}
    index = {
        "schemaVersion": 2,
        "mediaType": INDEX_TYPE,
        "manifests": [{**image.manifest.descriptor(), "annotations": annotations}],
    }
    parts = {_location(blob): blob.data for blob in (image.manifest, image.config, *image.layers)}
    # The list that Docker reads, in the layout's own terms.
    listing = {
        "Config": _location(image.config),
        "RepoTags": [name],
        "Layers": [_location(layer) for layer in image.layers],
    }
    parts |= {
        "oci-layout": _json({"imageLayoutVersion": "1.0.0"}),
        "index.json": _json(index),
        "manifest.json": _json([listing]),
    }
    archive.write_bytes(_tar([File(path, parts[path]) for path in sorted(parts)]))


class Credentials(NamedTuple):
    """A user of a registry and the password or token, which is not shown."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials(user={self.user!r})"


def push(image: Image, registry: str, repository: str, tag: str, credentials: Credentials | None = None) -> str:
    """Push to `http://REGISTRY` (HOST:PORT) what is not there yet, tag it, and return the manifest's digest.

    Where the registry wants a token, one is asked for with `credentials`, or as nobody.
    SandboxError where the registry, or the server that gives out its tokens, does not answer or refuses.
    """
    base = f"/v2/{repository}"
    tagged = f"{base}/manifests/{tag}"
    with closing(HTTPConnection(registry, timeout=30)) as connection:
        ask = _Asker(connection, credentials).ask
        found = ask("HEAD", tagged, (200, 404))
        if found.headers["Docker-Content-Digest"] == image.manifest.digest:
            return image.manifest.digest
        for blob in (*image.layers, image.config):
            if ask("HEAD", f"{base}/blobs/{blob.digest}", (200, 404)).status == 200:
                continue
            started = ask("POST", f"{base}/blobs/uploads/", (202,))
            # Absolute or not, as the registry likes; it has a query of its own or none.
            place = urlsplit(started.headers["Location"])
            query = f"{place.query}&digest={blob.digest}".lstrip("&")
            ask("PUT", f"{place.path}?{query}", (201,), blob)
        ask("PUT", tagged, (201,), image.manifest)
    return image.manifest.digest


class _Asker:
    """Asks a registry, with the last token that it wanted (distribution's "Token Authentication Specification")."""

    def __init__(self, connection: HTTPConnection, credentials: Credentials | None) -> None:
        self._connection = connection
        self._credentials = credentials
        self._authorization: dict[str, str] = {}

    def ask(self, method: str, path: str, expected: Sequence[int], body: Blob | None = None) -> HTTPResponse:
        """Make one request; what the registry says of it is quoted where the status is not an expected one."""
        # Without this type in Accept, a registry hides OCI manifests.
        headers = {"Accept": MANIFEST_TYPE} | ({"Content-Type": body.media_type} if body else {})
        data = body.data if body else b""
        registry = f"the registry at {self._connection.host}:{self._connection.port}"
        response, said = _exchange(registry, self._connection, method, path, headers | self._authorization, data)
        realm = re.match('Bearer realm="([^"]+)"', response.headers.get("WWW-Authenticate", ""))
        if response.status == 401 and realm:
            token = self._token(realm[1], response.headers["WWW-Authenticate"])
            self._authorization = {"Authorization": f"Bearer {token}"}
            response, said = _exchange(registry, self._connection, method, path, headers | self._authorization, data)
        if response.status not in expected:
            raise SandboxError(f"{registry} answers {response.status} to {method} {path}: {said}")
        return response

    def _token(self, realm: str, challenge: str) -> str:
        """Get a token for what the challenge names."""
        place, query = urlsplit(realm), urlencode(re.findall('(service|scope)="([^"]*)"', challenge))
        user, headers = "nobody", {}
        if self._credentials:
            user = f"user {self._credentials.user}"
            headers["Authorization"] = f"Basic {b64encode(':'.join(self._credentials).encode()).decode()}"
        server = f"the token server of the registry, {realm},"
        with closing(HTTPConnection(place.netloc, timeout=30)) as connection:
            response, said = _exchange(server, connection, "GET", f"{place.path}?{query}", headers)
        if response.status != 200:
            raise SandboxError(f"{server} answers {response.status} to {user}: {said}")
        return str(json.loads(said)["token"])


def _exchange(
    server: str, connection: HTTPConnection, method: str, path: str, headers: Mapping[str, str], data: bytes = b""
) -> tuple[HTTPResponse, str]:
    """Send one request and read the answer, and what it says."""
    try:
        connection.request(method, path, data, dict(headers))
        response = connection.getresponse()
        return response, response.read().decode(errors="replace").strip()
    except (OSError, HTTPException) as error:
        raise SandboxError(f"{server} does not answer ({error}): start it, or mend its address") from error


def _location(blob: Blob) -> str:
    """Where a blob is in an OCI image layout."""
    return f"blobs/{blob.digest.replace(':', '/')}"


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()


def _tar(files: Sequence[File]) -> bytes:
    """Pack the files in the order given. TarInfo's own defaults are the fixed ones: root's, of 1970."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for file in files:
            member = tarfile.TarInfo(file.path)
            member.mode = file.mode
            if file.content is None:
                member.type = tarfile.DIRTYPE
                archive.addfile(member)
            else:
                content = file.content.read_bytes() if isinstance(file.content, Path) else file.content
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
