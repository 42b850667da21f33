"""What a stack's state says of it: what was deployed, by whom, where, and which credentials it keeps. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from components.outputs import StackOutputs
from ops import deployments
from ops.deployments import Deployment

_STACK = "pulumi:pulumi:Stack"
_DEPLOY_TOKEN = "gitlab:index/projectDeployToken:ProjectDeployToken"  # noqa: S105 - a type
_SECRET = "kubernetes:core/v1:Secret"  # noqa: S105 - a type
_ACCOUNT_TOKEN = "kubernetes.io/service-account-token"  # noqa: S105 - a type


LONG = timedelta(days=90)
"""The life of a credential that is renewed in its last 30 days, as clients of ACME do; others in their last third."""


@dataclass(frozen=True, kw_only=True)
class Credential:
    """One that the stack has made."""

    name: str
    made: datetime | None = None
    """When, if the state has it."""
    expires: datetime | None = None
    """None if it does not expire."""

    @property
    def due(self) -> datetime | None:
        """From when on somebody has to look: the last 30 days, of one that lives less than 90 days its last third."""
        if self.expires is None:
            return None
        life = self.expires - self.made if self.made else LONG
        return self.expires - min(life, LONG) / 3

    def json(self) -> dict[str, str | None]:
        """For --json."""
        return {
            "name": self.name,
            "made": _text(self.made),
            "expires": _text(self.expires),
            "due": _text(self.due),
        }


@dataclass(frozen=True, kw_only=True)
class StackStatus:
    """One stack, as its last run left it."""

    stack: str
    outputs: StackOutputs[str]
    last_run: datetime | None
    """When the state was written last; None if the stack has never run."""
    credentials: tuple[Credential, ...] = ()
    interrupted: int = 0
    """How many operations of a killed run are not known to have ended."""
    deployments: tuple[Deployment, ...] = ()
    """The last runs, the newest first."""
    readable: bool = True
    """If not, the rest is not known."""

    @classmethod
    def read(cls, stack: str, exported: str, history: str = "") -> "StackStatus":
        """From what `pulumi stack export` and `pulumi stack history --json` print. ValueError if it is no state."""
        deployment = json.loads(exported).get("deployment") or {}
        resources = deployment.get("resources") or []
        outputs = next((item.get("outputs") or {} for item in resources if item["type"] == _STACK), {})
        return cls(
            stack=stack,
            outputs=cast("StackOutputs[str]", outputs),
            last_run=_moment(deployment.get("manifest", {}).get("time")) if resources else None,
            credentials=tuple(_credentials(resources)),
            interrupted=len(deployment.get("pending_operations") or ()),
            deployments=deployments.read(history),
        )

    @property
    def image(self) -> str | None:
        """What was deployed last."""
        deployment = self.outputs.get("deployment")
        return deployment["image"] if deployment else None

    @property
    def since(self) -> datetime | None:
        """Since when that runs; None if it is not known."""
        return deployments.since(self.deployments, self.image)

    @property
    def addresses(self) -> list[str]:
        """The URLs that lead to the application."""
        found = self.outputs.get("addresses", {})
        return list(dict.fromkeys([*found.get("kubernetes", ()), *found.get("dockerHost", ())]))

    @property
    def deployed_by(self) -> str | None:
        """The pipeline, with its address, or a developer; None if nothing was deployed."""
        deployment = self.outputs.get("deployment")
        if not deployment:
            return None
        pipeline, commit = deployment.get("pipeline"), deployment.get("commit")
        who = f"pipeline {int(pipeline['iid'])} {pipeline['url']}" if pipeline else "a developer"
        rolled_back = ", rolled back" if deployment["rolledBack"] else ""
        return f"{who}{f', commit {commit[:8]}' if commit else ''}{rolled_back}"

    @property
    def places(self) -> list[str]:
        """Where the stack is."""
        app, docker, access = self.outputs.get("app"), self.outputs.get("dockerHost"), self.outputs.get("access")
        cluster = self.outputs.get("cluster")
        found = []
        if cluster and (app or access):
            namespace = app["namespace"] if app else cast("Mapping[str, str]", access)["namespace"]
            found.append(f"cluster {cluster['name']}, namespace {namespace}")
        if docker:
            found.append(docker["address"])
        if compose := self.outputs.get("compose"):
            found.append(f"{compose['address']}, compose project {compose['project']}")
        return found

    def json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "stack": self.stack,
            "readable": self.readable,
            "image": self.image,
            "deployment": self.outputs.get("deployment"),
            "since": _text(self.since),
            "places": self.places,
            "addresses": self.addresses,
            "lastRun": _text(self.last_run),
            "credentials": [credential.json() for credential in self.credentials],
            "interrupted": self.interrupted,
            "deployments": [deployment.json() for deployment in self.deployments],
        }


def _credentials(resources: list[dict[str, Any]]) -> Iterator[Credential]:
    for item in resources:
        found = item.get("outputs") or {}
        if item["type"] == _DEPLOY_TOKEN:
            name, made = f"GitLab deploy token {found.get('name')}", _moment(item.get("created"))
            yield Credential(name=name, made=made, expires=_moment(found.get("expiresAt")))
        elif item["type"] == _SECRET and found.get("type") == _ACCOUNT_TOKEN:
            metadata = found.get("metadata") or {}
            name = f"ServiceAccount token {metadata.get('namespace')}/{metadata.get('name')}"
            yield Credential(name=name, made=_moment(metadata.get("creationTimestamp")))


def _moment(text: object) -> datetime | None:
    """A time as Pulumi, GitLab and Kubernetes write it; None if it is none, such as Go's zero time."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) if moment.year > 1 else None


def _text(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else None
