"""What the unit tests share."""

from tests.support.rollouts import rollouts

__all__ = ["rollouts"]
