"""Names of stacks, as Pulumi takes them: STACK, ORGANIZATION/STACK or ORGANIZATION/PROJECT/STACK."""

import re
from dataclasses import dataclass

from ops.ops_error import OpsError

# Pulumi's own rule (sdk/go/common/tokens: ParseStackName), for each part.
_PART = re.compile(r"[A-Za-z0-9_.-]{1,100}")


@dataclass(frozen=True)
class StackName:
    """A stack's name; its text is the name as it was given."""

    text: str

    @classmethod
    def parse(cls, text: str) -> "StackName":
        """OpsError if Pulumi would not take the name."""
        parts = text.split("/")
        if len(parts) > 3 or not all(_PART.fullmatch(part) for part in parts):
            raise OpsError(
                f"{text!r} is not the name of a stack; a name has letters, digits, '-', '_' and '.', and may have "
                "an organization and a project before it, as in ORGANIZATION/STACK"
            )
        return cls(text)

    def __str__(self) -> str:
        return self.text

    @property
    def short(self) -> str:
        """The name within its project, which the program and the stack file have."""
        return self.text.rpartition("/")[2]

    @property
    def file(self) -> str:
        """The name of the stack file, in the folder of the project."""
        return f"Pulumi.{self.short}.yaml"
