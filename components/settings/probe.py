"""A probe of the kubelet, in the block `kubernetes`. Pure: no Pulumi here."""

from dataclasses import dataclass
from typing import ClassVar

from components.settings import rules
from components.settings.block import Block
from components.settings.conditions import Condition, given
from components.settings.key import key


@dataclass(frozen=True, kw_only=True)
class Probe(Block):
    """What the kubelet asks besides `app.health`: with neither a path nor a command, the same as there."""

    path: str | None = key(
        "Path that answers with a status of 200 to 399.",
        rule=rules.HTTP_PATH,
        default=None,
        default_text="as `app.health`",
        example="/livez",
    )
    command: tuple[str, ...] | None = key(
        "Command inside of the container that succeeds.",
        rule=rules.SCRIPT,
        unique=False,
        default=None,
        default_text="as `app.health`",
        example=["/app", "alive"],
    )
    delay_seconds: int = key(
        "How long after its start the container is asked first.", low=0, high=3600, default=0, example=10
    )
    period_seconds: int = key("How often it is asked.", low=1, high=3600, default=10, example=5)
    timeout_seconds: int = key("How long an answer may take.", low=1, high=300, default=2, example=5)
    failures: int = key(
        "After how many failures in a row the container is restarted.", low=1, high=1000, default=3, example=30
    )

    conditions: ClassVar[tuple[Condition, ...]] = (
        Condition(
            when=given("path"),
            then="refused",
            path="command",
            cause="stands beside a path",
            remedy="keep one of the two",
        ),
    )
