"""Manifests: the objects of the team's own files, in the order in which they need each other."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pulumi

from components.image.reference import ImageReference
from components.manifests.kinds import is_own
from components.manifests.manifest import Manifest, mapping
from components.manifests.order import front, gives_rights, order, scales, services_of, unreached
from components.manifests.pods import annotated, pulling, secret_names, unpulled
from components.manifests.refused import explanation
from components.progress import shown_at
from components.rollout.rollout import Rollout, RolloutError
from components.rollout.watch import Watch
from components.rollout.workload import Workload

REPLACES = "gitlab-deploy/replaces"
"""Annotation of a Job's Pods: the uid of the Job before it, which had failed."""
_DIGEST = "gitlab-deploy/secrets"
_SKIP_AWAIT = "pulumi.com/skipAwait"
_PROPAGATION = "pulumi.com/deletionPropagationPolicy"
_AWAITED = (
    *("DaemonSet", "Deployment", "Ingress", "Job", "PersistentVolumeClaim", "Pod", "ReplicaSet"),
    *("ReplicationController", "Service", "StatefulSet"),
)
"""Kinds that the provider waits for, and reports only when its time is over (pulumi-kubernetes: await/awaiters.go)."""
_VERSIONS = ("v1alpha1", "v1beta1", "v1beta2", "v1", "v2alpha1", "v2beta1", "v2beta2", "v2")


@dataclass(frozen=True, kw_only=True)
class ManifestsArgs:
    """The objects, and what the stack adds to them."""

    manifests: Sequence[Manifest]
    namespace: pulumi.Input[str]
    """Namespace of every object."""
    image: ImageReference
    """The stack's image, which the manifests have already."""
    secrets: Mapping[str, Mapping[str, pulumi.Input[str]]] = field(default_factory=dict)
    """The values of Secrets by key, by the Secret's name."""
    pull_secrets: Sequence[pulumi.Input[str]] = ()
    """Secrets that Pods with the stack's image are pulled with if they name none."""
    denied: bool = False
    """Whether the namespace denies all traffic that no NetworkPolicy allows."""
    failed_jobs: Mapping[str, str] = field(default_factory=dict)
    """The uids of Jobs that have failed, by name: they are made anew."""
    wait_seconds: int = 300
    """How long the Jobs, and how long the rollout of everything else, may take."""
    grace_seconds: int = 16
    """How long a reason has to last before the rollout fails."""


class Manifests(pulumi.ComponentResource):
    """Every document of the files as a resource under its own kind and name.

    What Pods read is declared first, the Jobs with the stack's image run before anything else of that image changes,
    and `image` is known once everything runs.
    """

    service: pulumi.Output[str] | None
    """Name of the Service that leads to the stack's image; None if there is none."""
    image: pulumi.Output[str]
    """The stack's image, known once every workload runs."""

    def __init__(self, name: str, args: ManifestsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        inputs = {"namespace": args.namespace, "image": str(args.image), "secrets": sorted(args.secrets)}
        super().__init__("gitlab-deploy:index:Manifests", name, inputs, opts)
        self._args = args
        closed = unreached(args.manifests) if args.denied else []
        if closed:
            names = ", ".join(f"{item} ({item.where})" for item in closed)
            pulumi.log.warn(
                f"Nothing reaches {names}, nor do they reach anything: the namespace denies all traffic, and no "
                "NetworkPolicy of the files selects their Pods; add one, or set access.defaultDeny to false in the "
                "stack that makes the namespace",
                self,
            )
        self._refused = pulumi.ResourceHookBinding(on_error=[_where_hook(args.manifests)])
        self._digests: dict[str, pulumi.Output[str]] = {}
        ordered = order(args.manifests)
        needed = [self._secret(secret, values) for secret, values in args.secrets.items()]
        for item in ordered.first:
            # A copy: what a resource depends on is looked at later.
            needed.append(self._declare(item, [*needed] if gives_rights(item) else ()))
        others = {item: self._declare(item, needed) for item in ordered.others}
        before: pulumi.Input[Sequence[pulumi.Resource]] = needed
        if ordered.jobs:
            before = self._served(others, [*needed, *others.values()], "before its Jobs")
        for job in ordered.jobs:
            made = self._declare(job, before)
            before = self._served({job: made}, [*needed, made], str(job))
        last = {item: self._declare(item, before) for item in ordered.last}
        everything = {**others, **last}
        self.image = self._served(everything, [*everything.values()], "").apply(lambda _: str(args.image))
        served = front(args.manifests)
        self.service = None
        if served is not None:
            self.service = next(
                made.metadata.apply(lambda found: str(found["name"]))
                for item, made in everything.items()
                if item.is_a("Service") and item.name == served
            )
        self.register_outputs({})

    def _secret(self, name: str, values: Mapping[str, pulumi.Input[str]]) -> Any:  # noqa: ANN401 - a resource
        revealed: pulumi.Output[Mapping[str, str]] = pulumi.Output.secret(cast("Any", values))
        made = _Object(
            "v1",
            "Secret",
            name,
            {
                "metadata": {"name": name, "namespace": self._args.namespace},
                "data": revealed.apply(
                    lambda texts: {key: base64.b64encode(text.encode()).decode() for key, text in sorted(texts.items())}
                ),
            },
            pulumi.ResourceOptions(parent=self),
        )
        # Whoever sees Pods can read it, so it is keyed with the uid, which whoever may read the Secret sees alone.
        self._digests[name] = pulumi.Output.all(made.metadata, revealed).apply(
            lambda known: hmac.digest(
                str(known[0].get("uid")).encode(), json.dumps(known[1], sort_keys=True).encode(), "sha256"
            ).hex()[:32]
        )
        return made

    def _declare(self, manifest: Manifest, after: pulumi.Input[Sequence[pulumi.Resource]]) -> Any:  # noqa: ANN401
        args, body = self._args, dict(manifest.body)
        metadata = {**body["metadata"], "namespace": args.namespace}
        annotations = dict(metadata.get("annotations") or {})
        if manifest.kind in _AWAITED and is_own(manifest.api_version):
            # The rollout is watched below: the provider tells of a broken one only when its time is over.
            annotations.setdefault(_SKIP_AWAIT, "true")
            if manifest.is_watched or manifest.is_job:
                # As kubectl deletes. One that is replaced has to be gone when its successor is made, and the provider
                # does not wait for that either.
                annotations.setdefault(_PROPAGATION, "background")
        if annotations:
            metadata["annotations"] = annotations
        body["metadata"] = metadata
        # Whoever scales it owns the number: a field that is ignored is left out of what is applied.
        ignored = ["spec.replicas"] if scales(args.manifests, manifest) else []
        pod_annotations: dict[str, pulumi.Input[str]] = {}
        digests = [self._digests[name] for name in sorted({*secret_names(manifest.pod)} & self._digests.keys())]
        if manifest.is_watched and digests:
            pod_annotations[_DIGEST] = pulumi.Output.all(*digests).apply("-".join)
        if manifest.is_job:
            failed = args.failed_jobs.get(manifest.name)
            pod_annotations[REPLACES] = failed or ""
            if not failed:
                # What it was, or the Job would run again.
                ignored.append(f'spec.template.metadata.annotations["{REPLACES}"]')
        found = unpulled(manifest, args.manifests)
        if found.unknown and args.pull_secrets:
            pulumi.log.warn(
                f"Nothing makes {manifest} ({manifest.where}) pull the stack's image with the pull secret: where its "
                "Pods are is not known; name the Secret in its imagePullSecrets, or in those of the ServiceAccount "
                "that it names",
                self,
            )
        pull_secrets = [{"name": name} for name in args.pull_secrets]
        return _Object(
            manifest.api_version,
            manifest.kind,
            manifest.name,
            annotated(pulling(body, found.paths, pull_secrets), manifest, pod_annotations),
            pulumi.ResourceOptions(parent=self, depends_on=after, ignore_changes=ignored, hooks=self._refused),
        )

    def _served(
        self, declared: Mapping[Manifest, Any], then: Sequence[pulumi.Resource], title: str
    ) -> pulumi.Output[Sequence[pulumi.Resource]]:
        """The resources `then`, once all workloads that are declared run; at once in a preview."""
        args = self._args
        watched = {manifest: made for manifest, made in declared.items() if manifest.is_watched or manifest.is_job}

        async def wait(known: list[Any]) -> Sequence[pulumi.Resource]:
            namespace, *found = known
            workloads = [
                Workload(
                    kind=cast("Any", manifest.kind),
                    name=manifest.name,
                    images=manifest.images,
                    generation=int(metadata.get("generation", 0)),
                    # A Service that is declared later leads nowhere yet.
                    services=services_of(manifest, [*declared]),
                    where=manifest.where,
                )
                for manifest, metadata in zip(watched, found, strict=True)
                if mapping(manifest.body, "spec").get("suspend") is not True
            ]
            if workloads:
                rollout = Rollout(
                    namespace=namespace,
                    title=f"{namespace}{f' ({title})' if title else ''} to {args.image}",
                    workloads=workloads,
                    seconds=args.wait_seconds,
                    grace=args.grace_seconds,
                    watch=Watch,
                )
                try:
                    await rollout.wait(lambda text: pulumi.log.warn(text, self), shown_at(self))
                except RolloutError as error:
                    raise pulumi.RunError(
                        f"{error}\n  The Pods that were ready serve on. Fix the cause, and run 'pulumi up' again."
                    ) from error
            return then

        if pulumi.runtime.is_dry_run():
            return pulumi.Output.from_input(cast("Any", list(then)))
        metadata = [made.metadata for made in watched.values()]
        return pulumi.Output.all(args.namespace, *metadata, *(made.id for made in declared.values())).apply(
            lambda known: wait(known[: 1 + len(metadata)])
        )


def _where_hook(manifests: Sequence[Manifest]) -> pulumi.ErrorHook:
    """Says where an object is written that the cluster does not take: the API server knows no files."""
    by_name = {(_type(item.api_version, item.kind), item.name): item for item in manifests}

    def say(failed: pulumi.ErrorHookArgs) -> bool:
        manifest = by_name.get((failed.type, failed.name))
        if manifest:
            pulumi.log.warn(explanation(failed.errors[0], manifest))
        # Never again by itself.
        return False

    return pulumi.ErrorHook("where-of-manifest", say)


def _type(api_version: str, kind: str) -> str:
    """The type of an object's resource."""
    group, _, version = api_version.rpartition("/")
    return f"kubernetes:{group or 'core'}/{version}:{kind}"


class _Object(pulumi.CustomResource):
    """An object of any kind, under the type that the provider's own class for it has.

    These classes take a third of a second to load, and translate what is in the form of the API already.
    """

    metadata: pulumi.Output[Any]

    def __init__(
        self, api_version: str, kind: str, name: str, props: Mapping[str, Any], opts: pulumi.ResourceOptions
    ) -> None:
        group, _, version = api_version.rpartition("/")
        # Another version of the API is the same object: a change of it must not delete the object behind its back.
        aliases = [pulumi.Alias(type_=_type(f"{group}/{other}", kind)) for other in _VERSIONS if other != version]
        super().__init__(
            _type(api_version, kind),
            name,
            {**props, "apiVersion": api_version, "kind": kind},
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(aliases=aliases if group else [])),
        )
