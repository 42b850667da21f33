"""What tells the objects of a cluster apart. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self


class Key(NamedTuple):
    """What no two objects share. Two API groups may have a kind of the same name, as Knative has a Service."""

    group: str
    """Of the API; empty for the core one."""
    kind: str
    namespace: str | None
    """None for what belongs to none, such as a Namespace."""
    name: str

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Self:
        """That of an object, as it is listed or declared."""
        metadata = item["metadata"]
        group = str(item["apiVersion"]).rpartition("/")[0]
        return cls(group, item["kind"], metadata.get("namespace"), metadata["name"])

    @classmethod
    def of_namespace(cls, name: str) -> Self:
        """That of a Namespace."""
        return cls("", "Namespace", None, name)
