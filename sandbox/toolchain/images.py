"""Container images of files and a Containerfile: built by buildah, kept by their content, copied by skopeo.

The same files and the same Containerfile give the same image, on this machine and without a build: images are dated
1970, and an OCI image layout in the user's cache keeps each one under the hash of what it is made of.
"""

import hashlib
import json
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from sandbox.machine.files import write
from sandbox.names import CACHE
from sandbox.sandbox_error import SandboxError


class File(NamedTuple):
    """A file of a build context."""

    content: Path | bytes
    """The file to copy, or the bytes themselves."""
    mode: int = 0o644

    def read(self) -> bytes:
        """Its bytes. OSError if the source cannot be read."""
        return self.content.read_bytes() if isinstance(self.content, Path) else self.content


class Credentials(NamedTuple):
    """A user of a registry and the password or token, which is not shown."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials(user={self.user!r})"


class Image(NamedTuple):
    """An image in an OCI image layout of its own."""

    layout: Path

    @property
    def digest(self) -> str:
        """The digest that `NAME@sha256:...` refers to."""
        index = json.loads((self.layout / "index.json").read_bytes())
        return str(index["manifests"][0]["digest"])

    def push(self, registry: str, name: str, credentials: Credentials | None = None) -> str:
        """Push it to `http://REGISTRY` (HOST:PORT) as `name` (REPOSITORY:TAG) and return its digest.

        Layers that are there already are not sent. SandboxError if the registry does not answer or refuses.
        """
        with tempfile.TemporaryDirectory() as folder:
            logins = Path(folder) / "auth.json"
            auth = {"auth": b64encode(":".join(credentials).encode()).decode()} if credentials else None
            write(logins, json.dumps({"auths": {registry: auth} if auth else {}}))
            options = ["--preserve-digests", "--dest-tls-verify=false", f"--authfile={logins}"]
            self._copy(f"docker://{registry}/{name}", *options)
        return self.digest

    def save(self, name: str, archive: Path) -> None:
        """Write it as an archive that `docker load` and `ctr images import` read, in which it is called `name`."""
        archive.unlink(missing_ok=True)
        self._copy(f"docker-archive:{archive}:{name}")

    def _copy(self, destination: str, *options: str) -> None:
        _run("skopeo", "--insecure-policy", "copy", "--quiet", *options, f"oci:{self.layout}", destination)


def build(containerfile: str, files: Mapping[str, File], cache: Path = CACHE) -> Image:
    """Have the image that `containerfile` makes of `files`, by their paths in the build context.

    Nothing is downloaded and no program is run in it: a base image other than `scratch` and RUN are not for it.
    SandboxError with the last line of buildah if it does not build.
    """
    folder = cache / "images" / _key(containerfile, files)
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as temporary:
            draft = Path(temporary)
            _write_context(draft / "context", containerfile, files)
            buildah = partial(_run, "buildah", "--root", draft / "storage", "--runroot", draft / "run")
            options = ["--quiet", "--timestamp=0", "--isolation=chroot", "--tag=localhost/image"]
            buildah("--storage-driver=vfs", "build", *options, draft / "context")
            buildah("--storage-driver=vfs", "push", "--quiet", "localhost/image", f"oci:{draft / 'layout'}")
            try:
                (draft / "layout").rename(folder)
            except OSError:
                # Another command has made the same at the same time.
                if not folder.exists():
                    raise
    return Image(folder)


def _key(containerfile: str, files: Mapping[str, File]) -> str:
    digest = hashlib.sha256(containerfile.encode())
    for path in sorted(files):
        content = hashlib.sha256(files[path].read()).hexdigest()
        digest.update(f"\0{path}\0{files[path].mode:o}\0{content}".encode())
    return digest.hexdigest()


def _write_context(folder: Path, containerfile: str, files: Mapping[str, File]) -> None:
    for name, file in {**files, "Containerfile": File(containerfile.encode())}.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.read())
        place.chmod(file.mode)
    for place in folder.rglob("*"):
        if place.is_dir():
            place.chmod(0o755)


def _run(program: str, *arguments: str | Path) -> None:
    try:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise SandboxError(
            f"{program} is not on PATH: install the Debian package {program} (apt-get install {program})"
        ) from None
    if done.returncode:
        # What skopeo logs: `time="..." level=fatal msg="..."`.
        last = done.stderr.strip().rpartition("\n")[2]
        raise SandboxError(f"{program} fails: {last.partition(' msg=')[2].strip(chr(34)) or last}")
