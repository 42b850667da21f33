"""The example site as images: built by Hugo, served by Caddy, both from their Debian packages."""

import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sandbox.example.oci import SKELETON, Blob, Credentials, File, Image, make_image, make_layer, program, push
from sandbox.names import ROOT
from sandbox.sandbox_error import SandboxError

SOURCE = ROOT / "examples" / "hugo-blog"
REPOSITORY = "group/blog"
VERSIONS = ("1.0.0", "2.0.0")
PORT = 8080
"""Where Caddy listens, as the Caddyfile says."""


def publish(registry: str, credentials: Credentials | None = None) -> dict[str, str]:
    """Have every version in the registry at `registry` (HOST:PORT) and return their digests, by version.

    `credentials` are for a registry that asks who pushes (see image.push).
    The same sources give the same digest, and by that what is there already is found: a second run sends nothing.
    SandboxError where a tool is missing, the site does not build, or the registry does not take it.
    """
    with ThreadPoolExecutor() as pool:
        # Hugo runs while the layer of the server is made.
        sites = pool.map(site_layer, VERSIONS)
        server = server_layer()
        return {
            version: push(site_image(version, [server, site]), registry, REPOSITORY, version, credentials)
            for version, site in zip(VERSIONS, sites, strict=True)
        }


def server_layer() -> Blob:
    """Make the layer that every version shares: Caddy, what it needs to run, and `sh` and `wget` for health checks.

    Both are busybox, which under such a name is that program alone. The server that pipelines build has them too.
    """
    busybox = _tool("busybox", "busybox-static")
    return make_layer(
        [
            *SKELETON,
            *program(_tool("caddy"), "usr/bin/caddy"),
            *program(busybox, "usr/bin/wget"),
            *program(busybox, "bin/sh"),
        ]
    )


def site_layer(version: str) -> Blob:
    """Make the layer of the site that shows `version`, and of the server's settings."""
    hugo = _tool("hugo")
    with tempfile.TemporaryDirectory() as folder:
        site = f"{folder}/site"
        # Nothing is written to the source, and no HUGO_* variable of the caller changes the site.
        environment = {
            "PATH": "/usr/bin:/bin",
            "HUGO_PARAMS_VERSION": version,
            "HUGO_RESOURCEDIR": f"{folder}/resources",
            "HUGO_CACHEDIR": f"{folder}/cache",
        }
        command = [str(hugo), "--quiet", "--noBuildLock", "--source", str(SOURCE), "--destination", site]
        built = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if built.returncode:
            said = " ".join((built.stdout + built.stderr).split())
            raise SandboxError(f"hugo does not build {SOURCE}: {said}")
        files = [File(f"srv/{path.relative_to(site)}", path) for path in Path(site).rglob("*") if path.is_file()]
        return make_layer([*files, File("etc/caddy/Caddyfile", SOURCE / "Caddyfile")])


def site_image(version: str, layers: list[Blob]) -> Image:
    """Make the image of the site out of its layers, the server's first."""
    return make_image(
        layers,
        entrypoint=["/usr/bin/caddy", "run", "--config", "/etc/caddy/Caddyfile"],
        ports=[PORT],
        # Caddy 2.6 keeps a copy of its settings, which a Caddyfile cannot forbid: in memory, as the root is read-only.
        env={"XDG_CONFIG_HOME": "/dev/shm"},  # noqa: S108
        labels={"org.opencontainers.image.title": REPOSITORY, "org.opencontainers.image.version": version},
    )


def _tool(name: str, package: str = "") -> Path:
    found = shutil.which(name)
    if not found:
        package = package or name
        raise SandboxError(f"{name} is not on PATH: install the Debian package {package} (apt-get install {package})")
    return Path(found)
