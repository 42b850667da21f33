"""Pods of a sandbox as machines of a network: what runs in the network namespace of one, and what it reaches."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sandbox.hosts.runtime import PAUSE
from sandbox.instance import Instance
from sandbox.machine import cgroups

ASK = """
import socket, sys
kind, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
with socket.socket(type=getattr(socket, kind)) as asking:
    asking.settimeout(5)
    try:
        asking.connect((address, port))
        if kind == "SOCK_DGRAM":
            asking.send(b"question")
            asking.recv(100)
    except OSError:
        print("stopped")
    else:
        print("reached")
"""

ANSWER = """
import socket, sys
kind, port = sys.argv[1], int(sys.argv[2])
with socket.socket(type=getattr(socket, kind)) as answering:
    answering.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    answering.bind(("0.0.0.0", port))
    if kind == "SOCK_STREAM":
        answering.listen()
    print("ready", flush=True)
    while True:
        if kind == "SOCK_STREAM":
            answering.accept()[0].close()
        else:
            answering.sendto(b"answer", answering.recvfrom(100)[1])
"""


@dataclass(frozen=True)
class Pod:
    """A Pod that runs."""

    address: str
    pid: int
    """One of its processes, as the machine counts."""

    def reaches(self, address: str, port: int, kind: str = "SOCK_STREAM") -> bool:
        """Whether somebody answers the Pod there, over TCP or (SOCK_DGRAM) UDP."""
        done = subprocess.run(
            [*self._enter(), "-c", ASK, kind, address, str(port)], capture_output=True, text=True, check=True
        )
        return done.stdout == "reached\n"

    @contextmanager
    def listens(self, port: int, kind: str = "SOCK_STREAM") -> Iterator[None]:
        """Have something in the Pod answer at this port until the block ends."""
        with subprocess.Popen(
            [*self._enter(), "-c", ANSWER, kind, str(port)], stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdout
            assert server.stdout.readline() == "ready\n"
            try:
                yield
            finally:
                server.kill()

    def _enter(self) -> list[str]:
        return ["nsenter", "--target", str(self.pid), "--net", sys.executable]


def find(instance: Instance, namespace: str, selector: str) -> Pod:
    """A Pod that a label selector names; AssertionError if those are not ready within five minutes."""
    of = ["--namespace", namespace, "--selector", selector]
    kubectl(instance, "wait", "pod", *of, "--for=condition=Ready", "--timeout=300s")
    pod, *_ = json.loads(kubectl(instance, "get", "pod", *of, "--output=json"))["items"]
    group = f"kubepods*/**/pod{pod['metadata']['uid']}/*/cgroup.procs"
    pids = [
        int(pid)
        for hierarchy in cgroups.hierarchies()
        for members in (hierarchy / instance.network.cgroup).glob(group)
        for pid in members.read_text().split()
    ]
    return Pod(pod["status"]["podIP"], pids[0])


def idle(instance: Instance, namespace: str, name: str) -> Pod:
    """A new Pod that does nothing, labelled `app: NAME`, in a namespace that is made if it does not exist."""
    container = {
        "name": "idle",
        "image": PAUSE,
        "imagePullPolicy": "Never",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    user = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"containers": [container], "securityContext": user, "terminationGracePeriodSeconds": 0},
    }
    for manifest in ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}, pod):
        if manifest is pod or kubectl(instance, "get", "namespace", namespace, "--ignore-not-found") == "":
            kubectl(instance, "create", "--filename=-", stdin=json.dumps(manifest))
    return find(instance, namespace, f"app={name}")


def kubectl(instance: Instance, *arguments: str, stdin: str | None = None) -> str:
    """What kubectl prints to the cluster's administrator."""
    command = [f"{instance.folder}/bin/kubectl", f"--kubeconfig={instance.kubeconfig}", *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
