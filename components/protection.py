"""Protection of a stack as a whole: the engine refuses to delete it before it has deleted anything."""

from collections.abc import Sequence

import pulumi


class Protection(pulumi.ComponentResource):
    """What depends on all of the stack, and is protected as its namespace is.

    The engine looks whether a resource is protected when its turn to be deleted comes, and what others depend on comes
    last: the namespace would be found protected once all that runs in it is deleted. This is the first one to go.
    """

    def __init__(self, name: str, everything: Sequence[pulumi.Resource], *, protect: bool) -> None:
        options = pulumi.ResourceOptions(protect=protect, depends_on=everything)
        super().__init__("gitlab-deploy:index:Protection", name, None, options)
        self.register_outputs({})
