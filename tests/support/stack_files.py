"""Stack files for tests: the smallest one in which each key can stand, and what the program makes of one."""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.settings import settings, stack_file
from components.settings.key import Key, keys_of
from components.settings.problem import Problem
from components.settings.scalars import Scalars
from components.settings.stack import BLOCKS
from tests.support.project import ROOT

Stack = dict[str, Any]
"""What is below `config` of a stack file, an encrypted text as `{"secure": TEXT}` with the text in clear."""
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV/b1"
EVERY: Stack = {
    "gitlab-deploy:cluster": "production",
    "gitlab-deploy:gitlabProject": "group/blog",
    "gitlab-deploy:image": "registry.example.com/group/blog:1.0.0",
    "gitlab-deploy:access": {
        "namespace": "example",
        "serviceAccount": "sa",
        "server": "https://kube.example.com",
        "preview": True,
        "environment": "production",
    },
    "gitlab-deploy:registry": {"server": "registry.example.com"},
    "gitlab-deploy:app": {"port": 8080},
    "gitlab-deploy:kubernetes": {"host": "blog.example.org"},
    "gitlab-deploy:dockerHost": {
        "address": "ssh://deploy@docker.example.com",
        "hostKey": HOST_KEY,
        "host": "blog.example.net",
        "publish": {"port": 80},
    },
}
"""Every block, with what most of its keys need."""
BESIDE: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "kubernetes.autoscale": {"kubernetes": {"autoscale": {"min": 1, "max": 1000}}},
    "kubernetes.accessMode": {"kubernetes": {"volumes": {"/data": "1Gi"}}},
    "kubernetes.storageClass": {"kubernetes": {"volumes": {"/data": "1Gi"}}},
    "registry.username": {"registry": {"password": {"secure": "a password"}}},
    "registry.password": {"registry": {"username": "robot"}},
    "kubernetes.runAsRoot": {"access": {"podSecurity": "baseline"}},
    "kubernetes.serviceAccountToken": {"kubernetes": {"serviceAccount": "blog"}},
}
"""What a key needs besides: keys of blocks, by the path of the key."""


@dataclass(frozen=True)
class Place:
    """A key, and where it is."""

    names: tuple[str, ...]
    key: Key

    @property
    def path(self) -> str:
        """As problems show it."""
        return "gitlab-deploy:" + ".".join(self.names)

    def put(self, value: object) -> Stack:
        """A stack file that is good if the value is."""
        stack = copy.deepcopy(EVERY)
        if self.path == "gitlab-deploy:kubernetes.namespace":
            del stack["gitlab-deploy:access"]
        if self.path in {"gitlab-deploy:kubernetes.manifests", "gitlab-deploy:kubernetes.secrets"}:
            stack["gitlab-deploy:kubernetes"] = {"manifests": ["deployment.yml"]}
        if self.path == "gitlab-deploy:access.preview":
            stack["gitlab-deploy:access"]["environment"] = "*"
        if self.path in {"gitlab-deploy:dockerHost.compose", "gitlab-deploy:dockerHost.project"}:
            block = stack["gitlab-deploy:dockerHost"]
            kept = {key: value for key, value in block.items() if key in {"address", "hostKey"}}
            stack["gitlab-deploy:dockerHost"] = kept | {"compose": ["docker-compose.yml"]}
        if self.path == "gitlab-deploy:kubernetes.pullSecret":
            del stack["gitlab-deploy:registry"]
        for block, keys in BESIDE.get(".".join(self.names[:2]), {}).items():
            stack[f"gitlab-deploy:{block}"] |= copy.deepcopy(keys)
        if self.path == "gitlab-deploy:app.worker" and value is True:
            del (
                stack["gitlab-deploy:app"]["port"],
                stack["gitlab-deploy:dockerHost"],
                stack["gitlab-deploy:kubernetes"]["host"],
            )
        holder = stack
        for name in (f"gitlab-deploy:{self.names[0]}", *self.names[1:])[:-1]:
            holder = holder.setdefault(name, {})
        holder[self.names[-1] if len(self.names) > 1 else self.path] = copy.deepcopy(value)
        return stack


def places() -> list[Place]:
    """Every key there is."""
    scalars = [Place((key.name,), key) for key in keys_of(Scalars)]
    return scalars + [place for name, block in BLOCKS.items() for place in _below((name,), block)]


def _below(names: tuple[str, ...], block: type[Any]) -> Iterator[Place]:
    for key in keys_of(block):
        yield Place((*names, key.name), key)
        if key.block:
            yield from _below((*names, key.name), key.block)


def read(stack: Stack, folder: Path) -> tuple[settings.Settings | None, list[Problem]]:
    """What the program makes of a stack file, as the engine and the file itself hand it over."""
    (folder / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (folder / "Pulumi.test.yaml").write_text(yaml.safe_dump({"config": stack}, sort_keys=False))
    values, secrets = engine_form(stack)
    written = stack_file.read(folder, "test", {})
    return settings.parse(values, secrets, "test", written=written)


def engine_form(stack: Stack) -> tuple[dict[str, str], list[str]]:
    """What the engine hands a program: text for every key, JSON for a structured one; and which hold a secret."""
    plain = {key: _decrypted(value) for key, value in stack.items()}
    values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in plain.items()}
    return values, [key for key in stack if plain[key] != stack[key]]


def _decrypted(value: Any) -> Any:
    if isinstance(value, dict):
        if list(value) == ["secure"] and isinstance(value["secure"], str):
            return value["secure"]
        return {name: _decrypted(item) for name, item in value.items()}
    return [_decrypted(item) for item in value] if isinstance(value, list) else value
