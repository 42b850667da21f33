"""The cluster: Kubernetes' own programs, all of them in one host, which is the one node too."""

import base64
import json
import ssl
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from sandbox.hosts import pki, pod_network, runtime
from sandbox.machine import cgroups
from sandbox.machine.files import write
from sandbox.machine.host import Host, Service
from sandbox.machine.network import Network
from sandbox.machine.probe import answers, document
from sandbox.machine.waiting import run_parallel, wait
from sandbox.sandbox_error import SandboxError

PRIVATE = """
[ ! -e /run/prepared ] || exit 0
# A pod may mount what is mounted later; the machine itself stays apart, its mounts are private to it.
mount --make-rshared /
mount -t tmpfs -o mode=755 tmpfs /run
# Places that Kubernetes and containerd insist on: what they write there is in memory and goes with the host.
mkdir /run/sandbox
mount --bind "$1" /run/sandbox
for place in /var/lib /var/log; do
    mkdir -p "/run/layers$place/upper" "/run/layers$place/work"
    mount -t overlay overlay "$place" \
        -o "lowerdir=$place,upperdir=/run/layers$place/upper,workdir=/run/layers$place/work"
done
# The sandbox's own folder stays the real one, should it be in one of those places.
mount --bind /run/sandbox "$1"
# Volumes are on the disk. The path is short, because the kubelet's sockets are there (108 bytes at most, unix(7)).
mkdir -p "$1/node/kubelet" /var/lib/kubelet
mount --bind "$1/node/kubelet" /var/lib/kubelet
# The kubelet sets these for the whole machine; in the host it finds them set.
mkdir /run/tunables
tunable() {
    [ -e "/proc/sys/$1" ] || return 0
    file="/run/tunables/$(echo "$1" | tr / .)"
    echo "$2" > "$file"
    mount --bind "$file" "/proc/sys/$1"
}
tunable vm/overcommit_memory 1
tunable vm/panic_on_oom 0
tunable kernel/panic 10
tunable kernel/panic_on_oops 1
tunable kernel/keys/root_maxkeys 1000000
tunable kernel/keys/root_maxbytes 25000000
echo 1 > /proc/sys/net/ipv4/ip_forward
touch /run/prepared
echo fresh
"""
"""Makes the host's places private, once; says `fresh` then. $1 is the sandbox's folder."""

AUDIT_LOG = "audit.log"
"""In the host's folder: the requests that the API server has answered, a line of JSON for each (audit.k8s.io/v1)."""
AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [
        # With the status itself: from when on a rollout was complete.
        {
            "level": "Request",
            "verbs": ["update", "patch"],
            "resources": [{"group": "apps", "resources": ["deployments/status"]}],
        },
        {
            "level": "None",
            "users": ["system:kube-controller-manager", "system:kube-scheduler", "system:kube-proxy", "kube-router"],
        },
        {"level": "None", "users": ["system:apiserver", "system:anonymous", "kube-apiserver-kubelet-client"]},
        {"level": "None", "userGroups": ["system:nodes", "system:serviceaccounts:kube-system"]},
        {"level": "Metadata"},
    ],
}
"""A line, with no content, for each request that is not of the cluster's own: tests and measurements count them."""


class Node:
    """The node and the control plane on it."""

    def __init__(self, host: Host, network: Network, tools: Mapping[str, Path], registry: str) -> None:
        """A cluster in `host`, of the programs `tools`, that pulls from `registry` (HOST:PORT)."""
        self._host = host
        self._network = network
        self._tools = tools
        self._registry = registry
        self._address = network.address("node")
        self._pki = host.data / "pki"

    @property
    def server(self) -> str:
        """Where the API server is."""
        return f"https://{self._address}:6443"

    def start(self) -> None:
        """Have the cluster running, its node ready. SandboxError with the end of a log if a part does not start."""
        service_address = str(self._network.services[1])
        names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "127.0.0.1"]
        pki.make(self._pki, [*names, self._address, service_address])
        if self._host.run("sh", "-ec", PRIVATE, "sh", self._host.data.parent):
            # The kubelet would look for the pods of a host that was killed.
            cgroups.remove(self._network.cgroup)
        cgroups.make(self._network.cgroup)
        run_parallel(partial(runtime.start, self._host, self._network, self._registry), self._start_api)
        run_parallel(
            self._start_controllers, self._start_scheduler, self._start_proxy, self._start_firewall, self._start_kubelet
        )
        # Without it the first pod of a new cluster is refused.
        if not wait(lambda: self._object("namespaces/default/serviceaccounts/default") is not None, 120):
            raise SandboxError(
                "the cluster has no ServiceAccount `default` after 120 s: see the log of kube-controller-manager"
            )

    def kubeconfig(self, client: str) -> str:
        """A kubeconfig, as JSON, with the rights of one of `pki.CLIENTS`."""
        files = pki.pair(self._pki, client)
        authority = pki.pair(self._pki, "ca").certificate
        user = {"client-certificate-data": _base64(files.certificate), "client-key-data": _base64(files.key)}
        cluster = {"server": self.server, "certificate-authority-data": _base64(authority)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "sandbox", "cluster": cluster}],
            "users": [{"name": client, "user": user}],
            "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": client}}],
            "current-context": "sandbox",
        }
        return json.dumps(config, indent=2)

    def _start_api(self) -> None:
        self._serve("etcd", self._etcd(), f"http://{self._address}:2381/readyz")
        self._serve("kube-apiserver", self._apiserver(), f"{self.server}/readyz")

    def _etcd(self) -> list[str | Path]:
        urls = "http://127.0.0.1:2379"
        # What a crash of the machine loses can be made again: no waiting for the disk.
        options = ["--unsafe-no-fsync", "--listen-client-urls", urls, "--advertise-client-urls", urls]
        listen = [
            "--listen-peer-urls",
            "http://127.0.0.1:2380",
            "--listen-metrics-urls",
            f"http://{self._address}:2381",
        ]
        return ["--data-dir", self._host.data / "etcd", *options, *listen]

    def _apiserver(self) -> list[str | Path]:
        kubelet, accounts = pki.pair(self._pki, "apiserver-kubelet"), pki.pair(self._pki, "service-accounts")
        return [
            "--etcd-servers=http://127.0.0.1:2379",
            f"--advertise-address={self._address}",
            "--secure-port=6443",
            *self._tls(),
            f"--client-ca-file={pki.pair(self._pki, 'ca').certificate}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged",
            f"--service-cluster-ip-range={self._network.services}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={accounts.certificate}",
            f"--service-account-signing-key-file={accounts.key}",
            f"--audit-policy-file={self._write('audit-policy.json', AUDIT)}",
            f"--audit-log-path={self._host.data / AUDIT_LOG}",
            "--audit-log-maxsize=200",
            f"--kubelet-client-certificate={kubelet.certificate}",
            f"--kubelet-client-key={kubelet.key}",
            "--kubelet-preferred-address-types=InternalIP",
        ]

    def _start_controllers(self) -> None:
        authority = pki.pair(self._pki, "ca")
        options: list[str | Path] = [
            f"--service-account-private-key-file={pki.pair(self._pki, 'service-accounts').key}",
            f"--root-ca-file={authority.certificate}",
            f"--cluster-signing-cert-file={authority.certificate}",
            f"--cluster-signing-key-file={authority.key}",
            "--use-service-account-credentials",
            "--controllers=*",
            # Its default is a folder of the machine, which it would make.
            f"--flex-volume-plugin-dir={self._host.data / 'volume-plugins'}",
            "--leader-elect=false",
            f"--kubeconfig={self._config('controller-manager')}",
            *self._tls(),
        ]
        self._serve("kube-controller-manager", options, f"https://{self._address}:10257/healthz")

    def _start_scheduler(self) -> None:
        options = ["--leader-elect=false", f"--kubeconfig={self._config('scheduler')}", *self._tls()]
        self._serve("kube-scheduler", options, f"https://{self._address}:10259/healthz")

    def _start_proxy(self) -> None:
        config = {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "clientConnection": {"kubeconfig": str(self._config("proxy"))},
            "bindAddress": self._address,
            "healthzBindAddress": f"{self._address}:10256",
            "hostnameOverride": "node",
            "clusterCIDR": str(self._network.pods),
            "mode": "iptables",
            "iptables": {"minSyncPeriod": "100ms"},
            # The machine's limit, which nobody may change from inside a network namespace.
            "conntrack": {"maxPerCore": 0},
        }
        options: list[str | Path] = ["--config", self._write("kube-proxy.json", config)]
        self._serve("kube-proxy", options, f"http://{self._address}:10256/healthz")

    def _start_firewall(self) -> None:
        # It ends if there is no object of its node.
        if not wait(lambda: self._object("nodes/node") is not None, 180):
            raise SandboxError("the cluster has no Node `node` after 180 s: see the log of the kubelet")
        kubeconfig = self._config("kube-router")
        pod_network.start_firewall(self._host, self._network, self._tools["kube-router"], kubeconfig)

    def _start_kubelet(self) -> None:
        config = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": self._address,
            "healthzBindAddress": self._address,
            "authentication": {"x509": {"clientCAFile": str(pki.pair(self._pki, "ca").certificate)}},
            "containerRuntimeEndpoint": f"unix://{runtime.SOCKET}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self._network.cgroup}",
            "enforceNodeAllocatable": [],
            "failCgroupV1": False,
            "failSwapOn": False,
            "resolvConf": "",
            "serializeImagePulls": False,
            "syncFrequency": "5s",
            "volumePluginDir": str(self._host.data / "volume-plugins"),
            # A full disk is the user's business: what the sandbox holds stays, and keeps running.
            "imageGCHighThresholdPercent": 100,
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "0%", "imagefs.available": "0%"},
        }
        options: list[str | Path] = [
            "--config",
            self._write("kubelet.json", config),
            "--kubeconfig",
            self._config("kubelet"),
            "--hostname-override=node",
            f"--node-ip={self._address}",
        ]
        self._host.serve(Service("kubelet", [self._tools["kubelet"], *options], self._is_ready))

    def _is_ready(self) -> bool:
        # A node that was ready before its host stopped is called that for a while: the kubelet itself is asked, too.
        node = self._object("nodes/node") if answers(f"http://{self._address}:10248/healthz") else None
        conditions = node["status"].get("conditions", []) if node else []
        return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)

    def _object(self, path: str) -> dict[str, Any] | None:
        return document(f"{self.server}/api/v1/{path}", self._trust)

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """For talking to the cluster's servers, as its administrator."""
        context = ssl.create_default_context(cafile=pki.pair(self._pki, "ca").certificate)
        admin = pki.pair(self._pki, "admin")
        context.load_cert_chain(admin.certificate, admin.key)
        return context

    def _serve(self, program: str, options: Sequence[str | Path], health: str) -> None:
        ready = partial(answers, health, self._trust)
        self._host.serve(Service(program, [self._tools[program], *options], ready))

    def _tls(self) -> list[str]:
        servers = pki.pair(self._pki, "servers")
        return [f"--tls-cert-file={servers.certificate}", f"--tls-private-key-file={servers.key}"]

    def _config(self, client: str) -> Path:
        path = self._host.data / f"{client}.kubeconfig"
        write(path, self.kubeconfig(client))
        return path

    def _write(self, name: str, document: object) -> Path:
        path = self._host.data / name
        write(path, json.dumps(document, indent=2))
        return path


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")
