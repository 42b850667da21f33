"""What the tests of attacks that need Python alone share."""

from tests.support.rollouts import rollouts

__all__ = ["rollouts"]
