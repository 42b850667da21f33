"""What every object on the cluster gets: the id of its stack, and the way out of errors that people meet."""

from collections.abc import Mapping
from typing import Any, cast

import pulumi

from components.cluster.explain import way_out

STACK_ID = "gitlab-deploy/stack-id"
"""Label with the id of the stack that made the object. On no selector and no template of Pods."""


def owned_by(stack_id: pulumi.Input[str]) -> pulumi.ResourceTransformation:
    """For the options of a component: every object of Kubernetes below it carries the id, and explains its errors."""
    explain = pulumi.ErrorHook("explain-cluster-error", _explain)

    def transform(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if not args.type_.startswith("kubernetes:"):
            return None
        metadata = cast("Mapping[str, Any]", args.props["metadata"])
        labels = metadata.get("labels") or {}
        props = {**args.props, "metadata": {**metadata, "labels": {**labels, STACK_ID: stack_id}}}
        hooks = pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(on_error=[explain]))
        return pulumi.ResourceTransformationResult(props=props, opts=pulumi.ResourceOptions.merge(args.opts, hooks))

    return transform


def _explain(failed: pulumi.ErrorHookArgs) -> bool:
    inputs = failed.new_inputs or failed.old_inputs or {}
    metadata = inputs.get("metadata") or {}
    said = way_out(str(inputs.get("kind")), str(metadata.get("name")), failed.errors)
    if said:
        # The error is the API server's own; `python -m ops drift` tells a conflict from other errors by its text.
        pulumi.log.warn(said)
    # Never again by itself.
    return False
