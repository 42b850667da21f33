"""The example site as images: built by Hugo from its Debian package, served by Caddy from its Python package."""

import subprocess
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sandbox.names import ROOT
from sandbox.sandbox_error import SandboxError
from sandbox.toolchain.images import Credentials, File, Image, build

SOURCE = ROOT / "examples" / "hugo-blog"
REPOSITORY = "group/blog"
VERSIONS = ("1.0.0", "2.0.0")
PORT = 8080
"""The port that the Caddyfile has Caddy listen on."""

SERVER = """\
FROM scratch AS server
COPY server /
USER 65532:65532
ENTRYPOINT ["/usr/bin/caddy"]
"""
"""What the versions of the site share; of `server_files`."""

SITE = f"""\
{SERVER}
FROM server
COPY site /srv
COPY Caddyfile /etc/caddy/Caddyfile
EXPOSE {PORT}
# Caddy keeps a copy of its settings, which a Caddyfile cannot forbid: in memory, as the root filesystem is read-only.
ENV XDG_CONFIG_HOME=/dev/shm XDG_DATA_HOME=/dev/shm
ENTRYPOINT %(entrypoint)s
LABEL org.opencontainers.image.title={REPOSITORY} org.opencontainers.image.version=%(version)s
"""

DRAINS = '["/usr/bin/caddy", "run", "--config", "/etc/caddy/Caddyfile"]'
"""Serves on for five seconds after SIGTERM: see the Caddyfile."""
STOPS = '["/usr/bin/caddy", "file-server", "--root", "/srv", "--listen", ":8080"]'
"""Ends at once on SIGTERM, as most images do."""


def publish(registry: str, credentials: Credentials | None = None) -> dict[str, str]:
    """Have every version in the registry at `registry` (HOST:PORT) and return their digests, by version.

    `credentials` are for a registry that asks who pushes.
    SandboxError if a tool is missing, the site does not build, or the registry does not take it.
    """
    with ThreadPoolExecutor() as pool:
        digests = pool.map(
            lambda version: site(version).push(registry, f"{REPOSITORY}:{version}", credentials), VERSIONS
        )
        return dict(zip(VERSIONS, digests, strict=True))


def server_files() -> dict[str, File]:
    """Caddy, `sh` and `wget` for health checks, and the accounts root and nonroot.

    Both are busybox, which under such a name is that program alone. The server that pipelines build has them too.
    """
    busybox = File(Path("/bin/busybox"), 0o755)
    return {
        "server/etc/passwd": File(b"root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n"),
        "server/etc/group": File(b"root:x:0:\nnonroot:x:65532:\n"),
        "server/usr/bin/caddy": File(Path(sysconfig.get_path("scripts")) / "caddy", 0o755),
        "server/usr/bin/wget": busybox,
        "server/bin/sh": busybox,
    }


def site(version: str, entrypoint: str = DRAINS) -> Image:
    """The image of the site that shows `version`."""
    with tempfile.TemporaryDirectory() as folder:
        public = Path(folder) / "public"
        # Nothing is written to the source, and no HUGO_* variable of the caller changes the site.
        environment = {
            "PATH": "/usr/bin:/bin",
            "HUGO_PARAMS_VERSION": version,
            "HUGO_RESOURCEDIR": f"{folder}/resources",
            "HUGO_CACHEDIR": f"{folder}/cache",
        }
        command: list[str | Path] = ["hugo", "--quiet", "--noBuildLock", "--source", SOURCE, "--destination", public]
        built = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if built.returncode:
            output = " ".join((built.stdout + built.stderr).split())
            raise SandboxError(f"hugo does not build {SOURCE}: {output}")
        files = {f"site/{path.relative_to(public)}": File(path) for path in public.rglob("*") if path.is_file()}
        definition = SITE % {"version": version, "entrypoint": entrypoint}
        return build(definition, {**server_files(), **files, "Caddyfile": File(SOURCE / "Caddyfile")})
