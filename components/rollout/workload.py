"""A workload of the stack, as it was declared. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["Deployment", "StatefulSet", "DaemonSet", "Job"]


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What has to run."""

    kind: Kind = "Deployment"
    name: str
    images: Mapping[str, str]
    """The image of each container, by the container's name."""
    generation: int = 0
    """What it had as the stack wrote it last."""
    services: tuple[str, ...] = ()
    """The Services that have to lead to its Pods."""
    where: str = ""
    """FILE:LINE that declares it; empty if it is of the stack's own making."""

    @property
    def subject(self) -> str:
        """Its name at the start of a sentence."""
        return f"{self.kind} {self.name} ({self.where})" if self.where else f"The {self.kind}"
