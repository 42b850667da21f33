"""The block `kubernetes.autoscale`. Pure: no Pulumi here."""

from dataclasses import dataclass
from typing import ClassVar

from components.settings.block import Block
from components.settings.conditions import Condition, exceeds
from components.settings.key import key


@dataclass(frozen=True, kw_only=True)
class Autoscale(Block):
    """A HorizontalPodAutoscaler, which owns the number of Pods; the cluster needs its metrics-server for it."""

    min: int = key("Smallest number of Pods.", low=1, high=1000, default=2, example=3)
    max: int = key("Largest number of Pods.", low=1, high=1000, example=10)
    cpu: int = key(
        "Percentage of `kubernetes.cpu`, the requested CPU, that the Pods are to use on average.",
        low=1,
        high=10000,
        default=80,
        example=60,
    )

    conditions: ClassVar[tuple[Condition, ...]] = (
        Condition(
            when=exceeds("min", "max"),
            then="refused",
            path="min",
            cause="is larger than max",
            remedy="use a number that max reaches",
        ),
    )
