"""An application on Kubernetes: the whole stack beside a flat program, its block alone beside all rivals."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from bench.contenders import REPOSITORY, Flat, Ours, require_same_kinds
from bench.kubernetes_rivals import Helm, Kubectl, Object, objects
from bench.results import FLAT, OURS, Context
from bench.sample import BenchError, Sample, quietly
from sandbox.example import images as site
from sandbox.toolchain.images import build
from tests.support.cluster import committed
from tests.support.counts import moment

VERSIONS = ("2.0.0", "1.0.0")
NOWHERE = "9.9.9"
"""A version that the registry does not have."""
CRASHES = "crashes"


class Contender(Protocol):
    """Something that deploys the application."""

    def choose(self, version: str) -> None:
        """Has the next deploy bring this version."""

    def up(self) -> Sample:
        """Measures a deploy."""

    def destroy(self) -> Sample:
        """Measures the removal of everything."""


def whole_stack(context: Context) -> None:
    """Namespace, ServiceAccount, GitLab variables, pull secret and application: this program and a flat one."""
    ours = Ours(context.instance, context.folder / "ours", "bench", _whole(context, "whole-ours"))
    context.results.add("first up", OURS, ours.up())
    flat = Flat(context.instance, context.folder / "flat", "bench", _flat(context, "whole-flat", ours, access=True))
    context.results.add("first up", FLAT, flat.up())
    require_same_kinds(ours, flat)
    programs: dict[str, Ours | Flat] = {OURS: ours, FLAT: flat}
    namespaces = {OURS: "whole-ours", FLAT: "whole-flat"}
    _changes(context, programs, namespaces)
    for _ in context.rounds(3, share=0.4):
        for name, program in programs.items():
            context.results.add("up --refresh of nothing", name, program.refresh())
    for number in context.rounds(2):
        for name, program in programs.items():
            context.results.add("destroy", name, program.destroy())
        if number == 0:
            for name, program in programs.items():
                context.results.add("first up", name, program.up())


def application(context: Context) -> None:
    """The application's block alone, as a CI job deploys it, beside everything else that deploys its objects."""
    names = {OURS: "app-ours", FLAT: "app-flat", "kubectl apply + rollout status": "app-kubectl"}
    names["helm upgrade --wait"] = "app-helm"
    for namespace in names.values():
        prepare_namespace(context, namespace)
    ours = Ours(context.instance, context.folder / "ours", "bench", application_config(context, names[OURS]))
    context.results.add("first up", OURS, ours.up())
    flat = Flat(context.instance, context.folder / "flat", "bench", _flat(context, names[FLAT], ours, access=False))
    _, _, kubectl_name, helm_name = names

    def declared(namespace: str) -> Sequence[Object]:
        return objects(ours.resources(), namespace)

    kubectl = Kubectl(context.instance, context.folder / "kubectl", names[kubectl_name], declared(names[kubectl_name]))
    helm = Helm(context.instance, context.folder / "helm", names[helm_name], declared(names[helm_name]))
    context.results.facts["helm"] = helm.version
    rivals: dict[str, Contender] = {FLAT: flat, kubectl_name: kubectl, helm_name: helm}
    for name, rival in rivals.items():
        rival.choose("1.0.0")
        context.results.add("first up", name, rival.up())
    require_same_kinds(ours, flat)
    _changes(context, {OURS: ours, FLAT: flat}, names, {kubectl_name: kubectl, helm_name: helm})
    for name, contender in {OURS: ours, **rivals}.items():
        context.results.add("destroy", name, contender.destroy())


def broken_image(context: Context) -> None:
    """How long it takes until an image that does not run is reported, from the cluster's first word on."""
    site_of = context.instance.gitlab
    crashing = build(f'{site.SERVER}ENTRYPOINT ["/usr/bin/wget", "http://127.0.0.1:1/settings"]\n', site.server_files())
    crashing.push(site_of.registry, f"{site.REPOSITORY}:{CRASHES}", site_of.credentials)
    prepare_namespace(context, "broken")
    ours = Ours(context.instance, context.folder / "ours", "bench", application_config(context, "broken"))
    ours.up()
    for _ in context.rounds(3):
        for subject, version, reason in (
            ("image that does not exist", NOWHERE, "Failed"),
            ("image that crashes", CRASHES, "BackOff"),
        ):
            ours.choose(version)
            sample = ours.up(fails=True)
            said = _event(context, "broken", reason, sample.begun)
            context.results.add(subject, OURS, replace(sample, extra={"after the cluster's word": sample.ended - said}))
            ours.choose("1.0.0")
            ours.up()


def _event(context: Context, namespace: str, reason: str, since: float) -> float:
    """When the first event of this reason happened, in seconds since the epoch; the cluster knows whole ones."""
    command = ["kubectl", "get", "events", "--namespace", namespace, "--output", "json"]
    listed = quietly(command, cwd=context.folder, environment=context.instance.environment())
    found = [
        moment(event["firstTimestamp"])
        for event in json.loads(listed)["items"]
        if event["reason"] == reason and event.get("firstTimestamp")
    ]
    # A Pod of an earlier round has had the same.
    return min(said for said in found if said >= since - 1)


def prepare_namespace(context: Context, namespace: str) -> None:
    """Has a namespace under the same Pod Security Standard, and the pull secret `registry` in it."""
    environment = context.instance.environment()
    user, password = context.instance.gitlab.credentials
    login = {"auths": {"registry.sandbox.test": {"username": user, "password": password}}}
    made: list[Object] = [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": namespace, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "registry", "namespace": namespace},
            "type": "kubernetes.io/dockerconfigjson",
            "stringData": {".dockerconfigjson": json.dumps(login)},
        },
    ]
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": made})
    quietly(["kubectl", "apply", "--filename", "-"], cwd=context.folder, environment=environment, stdin=listed)


def application_config(context: Context, namespace: str) -> dict[str, Any]:
    """The keys of a stack with the application alone, in a namespace with a pull secret."""
    keys = committed()
    config = {key: keys[key] for key in ("cluster", "image", "app", "kubernetes")}
    config["kubernetes"] = config["kubernetes"] | {"namespace": namespace, "pullSecret": "registry"}
    return config | {"gitlabUrl": context.instance.gitlab.url, "rollback": True}


def _whole(context: Context, namespace: str) -> dict[str, Any]:
    keys = committed()
    config = {
        key: keys[key] for key in ("cluster", "gitlabProject", "image", "access", "registry", "app", "kubernetes")
    }
    config["access"] |= {"server": _server(context), "namespace": namespace, "environment": namespace}
    return config | {"gitlabUrl": context.instance.gitlab.url, "rollback": True}


def _flat(context: Context, namespace: str, ours: Ours, *, access: bool) -> dict[str, Any]:
    (deployment,) = [one for one in ours.resources() if one["type"] == "kubernetes:apps/v1:Deployment"]
    config: dict[str, Any] = {
        "namespace": namespace,
        "image": f"{REPOSITORY}:1.0.0",
        "selector": json.dumps(deployment["inputs"]["spec"]["selector"]["matchLabels"]),
    }
    if access:
        environment = context.instance.environment()
        config |= {"access": True, "server": _server(context), "token": environment["GITLAB_TOKEN"]}
        config["gitlab"] = environment["GITLAB_BASE_URL"]
    return config


def _server(context: Context) -> str:
    return f"https://{context.instance.network.address('node')}:6443"


def _changes(
    context: Context,
    programs: Mapping[str, Ours | Flat],
    namespaces: Mapping[str, str],
    others: Mapping[str, Contender] | None = None,
) -> None:
    """Previews of nothing and of an image, and the image itself, in turn."""
    for _ in context.rounds(share=0.3):
        for name, program in programs.items():
            context.results.add("preview of nothing", name, program.preview())
    for _ in context.rounds(share=0.3):
        for name, program in programs.items():
            program.choose(VERSIONS[0])
            context.results.add("preview of an image", name, program.preview())
    contenders: dict[str, Contender] = {**programs, **(others or {})}
    for number in context.rounds(share=0.6):
        version = VERSIONS[number % 2]
        for name, contender in contenders.items():
            contender.choose(version)
            sample = contender.up()
            complete = sample.counts.complete_since(namespaces[name], "web", f"{REPOSITORY}:{version}")
            if complete is None:
                raise BenchError(f"{name}: the rollout of {version} was not complete when the command ended")
            extra = {"until ready": complete - sample.begun, "after ready": sample.ended - complete}
            context.results.add("image-only up", name, replace(sample, extra=extra))
