"""The Docker host: dockerd, reached over ssh, and Traefik in front of its containers."""

import hashlib
import json
import socket
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from sandbox.hosts.certificate import Certificate, certificate
from sandbox.machine import cgroups
from sandbox.machine.files import write
from sandbox.machine.host import Host, Service
from sandbox.machine.network import Network
from sandbox.machine.waiting import run_parallel
from sandbox.names import CACHE, REGISTRY
from sandbox.sandbox_error import SandboxError
from sandbox.toolchain import wheels

USER = "deploy"
NETWORK = "traefik"
"""Docker network of the reverse proxy, which a team makes once, and its sites join."""
SITES = ("*.example.org", "*.blog.example.org")
"""Host names that the proxy's certificate is for: sites, and review apps of the blog."""
DOCKER = ("/usr/bin/docker", "--host", "unix:///run/docker.sock")
HOST_KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"gitlab-deploy: a sandbox's host key").digest())
"""The same for every sandbox, so that the committed stack file can pin it; nothing elsewhere trusts it."""
HOME = "/run/deploy"

PRIVATE = f"""
[ ! -e /run/prepared ] || exit 0
mount -t tmpfs -o mode=755 tmpfs /run
# What is written to these places is in memory and goes with the host. The sandbox's own folder stays the real one.
mkdir /run/sandbox /run/sshd
mount --bind "$1" /run/sandbox
for place in /etc /opt /var/log; do
    mkdir -p "/run/layers$place/upper" "/run/layers$place/work"
    mount -t overlay overlay "$place" \\
        -o "lowerdir=$place,upperdir=/run/layers$place/upper,workdir=/run/layers$place/work"
done
mount --bind /run/sandbox "$1"
# dockerd raises these limits of the whole machine; in the host it finds them raised.
for limit in root_maxkeys root_maxbytes; do
    echo 25000000 > "/run/$limit"
    mount --bind "/run/$limit" "/proc/sys/kernel/keys/$limit"
done
printf '127.0.0.1 localhost\\n%s {REGISTRY}\\n' "$2" > /etc/hosts
# A user of this host alone, whatever users the machine has. `*` is a password that nothing matches.
sed -i '/^{USER}:/d' /etc/passwd /etc/shadow /etc/group /etc/gshadow
groupadd --system --force docker
useradd --no-log-init --create-home --home-dir {HOME} --shell /bin/sh --groups docker --password '*' {USER}
mkdir {HOME}/.ssh
echo "$3" > {HOME}/.ssh/authorized_keys
chown -R {USER}: {HOME}
touch /run/prepared
"""

SSHD = """\
ListenAddress {address}
HostKey {host_key}
PidFile none
LogLevel VERBOSE
AllowUsers {user}
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
# Debian's docker comes before any other that the machine may have.
SetEnv PATH=/usr/bin:/bin
"""

SSH = """\
Host {address}
    User {user}
    IdentityFile "{key}"
    IdentitiesOnly yes
    BatchMode yes
    StrictHostKeyChecking yes
    UserKnownHostsFile "{known_hosts}"
"""


class DockerHost:
    """dockerd behind sshd on port 22, and Traefik for its containers: entry points `web` (80) and `websecure` (443)."""

    def __init__(self, host: Host, network: Network, *, exposed_by_default: bool = False) -> None:
        """A Docker host in `host`; whether its proxy has routes for containers that do not ask for one."""
        self._host = host
        self._network = network
        self._address = network.address("docker")
        self._exposed_by_default = exposed_by_default
        self.key = host.data / "deploy_key"
        """File with the private key that the host's user accepts."""
        self.ssh_config = host.data / "ssh_config"
        """For `ssh -F`: with it, `ssh ADDRESS` needs no further options."""

    @property
    def socket(self) -> str:
        """Its socket as the machine sees it, below the sandbox's folder."""
        return f"{self._host.name}/docker.sock"

    @property
    def address(self) -> str:
        """Where Docker is, as DOCKER_HOST has it."""
        return f"ssh://{USER}@{self._address}"

    @property
    def proxy(self) -> str:
        """Address of the reverse proxy, which knows sites by the host name in the request (and in TLS)."""
        return self._address

    @property
    def certificate(self) -> Certificate:
        """The certificate that the proxy shows, and the authority by which a client checks it."""
        return certificate(self._host.data, SITES)

    @property
    def host_key(self) -> str:
        """The public key of its sshd: `ssh-ed25519 AAAA...`."""
        return _public(self._host.data / "host_key")

    def start(self) -> None:
        """Have everything running. SandboxError, with the end of a log, where a part does not start."""
        write(self._host.data / "host_key", _openssh(HOST_KEY))
        if not self.key.exists():
            write(self.key, _openssh(Ed25519PrivateKey.generate()))
        known_hosts = self._host.data / "known_hosts"
        write(known_hosts, f"{self._address} {self.host_key}\n")
        write(self.ssh_config, SSH.format(address=self._address, user=USER, key=self.key, known_hosts=known_hosts))
        registry = self._network.address("registry")
        self._host.run("sh", "-ec", PRIVATE, "sh", self._host.data.parent, registry, _public(self.key))
        cgroups.make(self._network.cgroup)
        run_parallel(self._start_docker, self._start_sshd)
        networks = self._host.run(*DOCKER, "network", "ls", "--format", "{{.Name}}").splitlines()
        if NETWORK not in networks:
            self._host.run(*DOCKER, "network", "create", NETWORK)
        self.start_proxy()

    def _start_docker(self) -> None:
        config = {
            # The second one is for the machine, which does not see this /run.
            "hosts": ["unix:///run/docker.sock", f"unix:///run/sandbox/{self.socket}"],
            "group": "docker",
            "data-root": str(self._host.data / "docker"),
            "exec-root": "/run/docker",
            "pidfile": "/run/docker.pid",
            "storage-driver": "overlay2",
            "exec-opts": ["native.cgroupdriver=cgroupfs"],
            "cgroup-parent": f"/{self._network.cgroup}/docker",
            # The sandbox's registry speaks plain HTTP.
            "insecure-registries": [REGISTRY],
        }
        command: list[str | Path] = ["dockerd", "--config-file", self._write("daemon.json", config)]
        self._host.serve(Service("dockerd", command, self._docker_answers))

    def _docker_answers(self) -> bool:
        try:
            self._host.run(*DOCKER, "version")
        except SandboxError:
            return False
        return True

    def _start_sshd(self) -> None:
        config = self._host.data / "sshd_config"
        write(config, SSHD.format(address=self._address, user=USER, host_key=self._host.data / "host_key"))
        command: list[str | Path] = ["/usr/sbin/sshd", "-D", "-e", "-f", config]
        self._host.serve(Service("sshd", command, partial(_listens, self._address, 22)))

    def start_proxy(self, version_2: Path | None = None) -> None:
        """Traefik as a team runs it: it sees the containers that say `traefik.enable=true`, and has no other routes.

        `version_2` is a program of that version, in place of the sandbox's own.
        """
        pem = str(self.certificate.server)
        tls = {"tls": {"stores": {"default": {"defaultCertificate": {"certFile": pem, "keyFile": pem}}}}}
        config = {
            "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
            # Version 2 knows no such key, and does not start with one that it does not know.
            **({} if version_2 else {"log": {"noColor": True}}),
            "entryPoints": {"web": {"address": ":80"}, "websecure": {"address": ":443"}},
            "providers": {
                "docker": {"endpoint": "unix:///run/docker.sock", "exposedByDefault": self._exposed_by_default},
                "file": {"filename": str(self._write("traefik-tls.yml", tls)), "watch": False},
            },
        }
        # JSON is YAML; Traefik goes by the file's ending.
        option = f"--configFile={self._write('traefik.yml', config)}"
        command: list[str | Path] = [version_2 or wheels.traefik(CACHE)["traefik"], option]
        self._host.serve(Service("traefik", command, partial(_listens, self._address, 443)))

    def _write(self, name: str, document: object) -> Path:
        path = self._host.data / name
        write(path, json.dumps(document, indent=2))
        return path


def _listens(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=5).close()
    except OSError:
        return False
    return True


def _openssh(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode("ascii")


def _public(key: Path) -> str:
    """The public half of a private key, as authorized_keys and known_hosts have it."""
    public = load_ssh_private_key(key.read_bytes(), None).public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")
