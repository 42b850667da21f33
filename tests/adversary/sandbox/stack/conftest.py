"""What the tests of stacks on the whole sandbox share."""

from tests.support.left_behind import leaves_the_sandbox_as_it_was

__all__ = ["leaves_the_sandbox_as_it_was"]
