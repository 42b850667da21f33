"""The HorizontalPodAutoscaler of an application."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pulumi_kubernetes as kubernetes

    from components.settings.autoscale import Autoscale


def autoscaler(deployment: str, autoscale: Autoscale) -> kubernetes.autoscaling.v2.HorizontalPodAutoscalerSpecArgsDict:
    """It holds the average use of the requested CPU at a percentage."""
    return {
        "scale_target_ref": {"api_version": "apps/v1", "kind": "Deployment", "name": deployment},
        "min_replicas": autoscale.min,
        "max_replicas": autoscale.max,
        "metrics": [
            {
                "type": "Resource",
                "resource": {
                    "name": "cpu",
                    "target": {"type": "Utilization", "average_utilization": autoscale.cpu},
                },
            }
        ],
    }
