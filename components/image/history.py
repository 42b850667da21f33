"""Which image a stack deploys: the order of its sources, the record of what was deployed, and what is refused.

Pure. The newest intended deploy wins: a stack file that is behind, or a pipeline that was overtaken, is refused and
never brings an older image back.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from components.image.origin import Origin, Pipeline
from components.image.reference import ImageReference
from components.outputs import DeploymentOutput, HistoryOutput, PipelineOutput, ReleaseOutput

KEY = "gitlab-deploy:image"
ROLLBACK = "gitlab-deploy:rollback"
_BY_KEY = f"rolled back by {ROLLBACK}"
_ROLLS_NOTHING_BACK = (
    f"{ROLLBACK} rolls nothing back here, since a deploy job sets the image of its own pipeline: run the deploy job "
    "again that deployed the wanted one (Rollback on the page of the environment)"
)
LISTED = 10
"""So many of the replaced images are kept as references."""
REMEMBERED = 200
"""So many of the replaced images are refused; of those that are not listed, only marks are kept."""


class RefusedError(Exception):
    """Which image is not deployed, why, and the way out: the key of the stack file, and the rest of the sentence."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key} {reason}")
        self.key = key
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Release:
    """An image that was replaced."""

    image: ImageReference
    pipeline: Pipeline | None = None
    """That has deployed it last; None if a developer did."""

    @property
    def output(self) -> ReleaseOutput:
        """For the output `deploymentHistory`."""
        return {"image": str(self.image), "pipeline": _pipeline_output(self.pipeline)}

    @classmethod
    def read(cls, output: ReleaseOutput) -> Self:
        """From that output."""
        return cls(image=ImageReference.parse(output["image"]), pipeline=_pipeline(output.get("pipeline")))


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """What a stack has deployed: its outputs `deployment` and `deploymentHistory`, by which the next run decides."""

    image: ImageReference
    """The image that runs."""
    origin: Origin = field(default_factory=Origin)
    """Who deployed it."""
    rolled_back: bool = False
    """Whether it is one that another had replaced, deployed again by a rollback."""
    before: tuple[Release, ...] = ()
    """What it replaced, the last one at the end; at most LISTED."""
    older: tuple[str, ...] = ()
    """Marks of the images before those, the last one at the end: eight hexadecimal digits for each of an image's
    identities, with a `.` between them. With `before`, at most REMEMBERED images."""
    newest: Mapping[str, int] = field(default_factory=dict)
    """The newest pipeline that has deployed, by the id of its project."""

    @property
    def output(self) -> DeploymentOutput:
        """The output `deployment`: what runs, for people to read. It changes only if the image does."""
        return {
            "image": str(self.image),
            "commit": self.origin.commit,
            "pipeline": _pipeline_output(self.origin.pipeline),
            "rolledBack": self.rolled_back,
        }

    @property
    def history(self) -> HistoryOutput:
        """The output `deploymentHistory`: what else the next run has to know."""
        return {
            "before": [release.output for release in self.before],
            "older": " ".join(self.older),
            "newest": dict(self.newest),
        }

    @classmethod
    def read(cls, output: DeploymentOutput | None, history: HistoryOutput | None) -> Self | None:
        """The record from the two outputs; None if nothing was deployed yet."""
        if not output:
            return None
        history = history or {"before": [], "older": "", "newest": {}}
        return cls(
            image=ImageReference.parse(output["image"]),
            origin=Origin(pipeline=_pipeline(output.get("pipeline")), commit=output.get("commit")),
            rolled_back=output["rolledBack"],
            before=tuple(map(Release.read, history["before"])),
            older=tuple(history["older"].split()),
            # A state keeps every number as a decimal one.
            newest={project: int(iid) for project, iid in history["newest"].items()},
        )

    def has_replaced(self, image: ImageReference) -> bool:
        """Whether the image was deployed once, and another one after it; of the last REMEMBERED images."""
        mark = _mark(image.identities[-1])
        return any(image.is_same(old.image) for old in self.before) or any(
            mark in marks.split(".") for marks in self.older
        )

    def has_deployed(self, image: ImageReference, pipeline: Pipeline | None) -> bool:
        """Whether this very pipeline deployed the image, before another one replaced it; of the last LISTED images."""
        return pipeline is not None and any(
            image.is_same(old.image) and old.pipeline and old.pipeline.is_same(pipeline) for old in self.before
        )

    def follow(self, image: ImageReference, origin: Origin, *, rolled_back: bool) -> Self:
        """The record once another image is deployed."""
        replaced = Release(image=self.image, pipeline=self.origin.pipeline)
        before = [*(old for old in self.before if not old.image.is_same(image)), replaced]
        dropped, listed = before[:-LISTED], before[-LISTED:]
        marks = (".".join(map(_mark, old.image.identities)) for old in dropped)
        return replace(
            self.seen(origin),
            image=image,
            origin=replace(origin, forgets_pipelines=False),
            rolled_back=rolled_back,
            before=tuple(listed),
            older=(*self.older, *marks)[-(REMEMBERED - LISTED) :],
        )

    def seen(self, origin: Origin) -> Self:
        """The record once this pipeline has deployed the image that runs already."""
        pipeline = origin.pipeline
        if pipeline is None or pipeline.iid <= self.newest.get(str(pipeline.project), 0):
            return self
        return replace(self, newest={**self.newest, str(pipeline.project): pipeline.iid})


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The image to deploy."""

    deployed: Deployed
    """The record once it is deployed."""
    source: str
    """Which source won, such as `from CI, pipeline 812`."""
    replaces: ImageReference | None
    """The image that runs now, if it is another one."""

    def noting(self, text: str) -> Self:
        """The same, with a remark behind the source."""
        return replace(self, source=f"{self.source}; {text}")

    def __str__(self) -> str:
        replaces = f"; it replaces {self.replaces}" if self.replaces else ""
        return f"image: {self.deployed.image}, {self.source}{replaces}"


def decide(wanted: ImageReference | None, origin: Origin, last: Deployed | None, *, rollback: bool) -> Decision:
    """The image: the configured one, else the one that was deployed last. RefusedError if none may be deployed.

    `wanted` is `gitlab-deploy:image`, which settings has checked; `rollback` is `gitlab-deploy:rollback`: with an
    image, that image may be one that was replaced; with none, the stack rolls back to the image before, once.
    """
    if last and origin.forgets_pipelines:
        return _decide(wanted, origin, replace(last, newest={}), rollback=rollback).noting(
            "earlier pipelines are forgotten"
        )
    return _decide(wanted, origin, last, rollback=rollback)


def _decide(wanted: ImageReference | None, origin: Origin, last: Deployed | None, *, rollback: bool) -> Decision:
    if last is None:
        if wanted is None:
            raise RefusedError(
                KEY,
                f"is missing, and this stack has deployed no image yet; set it with 'pulumi config set {KEY} "
                "REGISTRY/REPOSITORY:TAG'",
            )
        first = Deployed(image=wanted, origin=replace(origin, forgets_pipelines=False)).seen(origin)
        return Decision(deployed=first, source=_configured(origin), replaces=None)
    if wanted is None:
        return _roll_back(origin, last) if rollback else _keep(last)
    if wanted.is_same(last.image):
        same = Decision(deployed=last.seen(origin), source=_configured(origin), replaces=None)
        return same.noting(_ROLLS_NOTHING_BACK) if rollback and origin.pipeline and not last.rolled_back else same
    replaced = last.has_replaced(wanted)
    # Its deploy job was run again, which is how GitLab rolls an environment back. One that was overtaken before it ran
    # has deployed nothing.
    again = last.has_deployed(wanted, origin.pipeline)
    if replaced and not (rollback or again):
        raise RefusedError(
            KEY,
            f"is {wanted}, which was deployed once and then replaced by {last.image} ({_who(last.origin)}); "
            + _ways_out(origin),
        )
    overtaker = _overtaker(origin, last)
    if overtaker and not replaced:
        raise RefusedError(
            KEY,
            f"is {wanted} from {origin.pipeline}, which is older than pipeline {overtaker}, the newest one that "
            f"deployed here; run a new pipeline to deploy it, or, if there never was a pipeline {overtaker}, see "
            "'A pipeline number that never was' in docs/operations.md",
        )
    source = _configured(origin)
    if replaced:
        source = f"rolled back by a deploy job of {origin.pipeline} that was run again" if again else _BY_KEY
    return Decision(deployed=last.follow(wanted, origin, rolled_back=replaced), source=source, replaces=last.image)


def _keep(last: Deployed) -> Decision:
    return Decision(deployed=last, source=f"deployed last, {_who(last.origin)}", replaces=None)


def _roll_back(origin: Origin, last: Deployed) -> Decision:
    if last.rolled_back:
        return Decision(deployed=last, source=_BY_KEY, replaces=None)
    if not last.before:
        raise RefusedError(
            ROLLBACK,
            f"is true, and there is no image before {last.image} to go back to; take the key out with "
            f"'pulumi config rm {ROLLBACK}', or set {KEY}",
        )
    back = last.follow(last.before[-1].image, origin, rolled_back=True)
    return Decision(deployed=back, source=_BY_KEY, replaces=last.image)


def _overtaker(origin: Origin, last: Deployed) -> int | None:
    """The newer pipeline of the same project that has deployed, or None."""
    if origin.pipeline is None:
        return None
    newest = last.newest.get(str(origin.pipeline.project), 0)
    return newest if newest > origin.pipeline.iid else None


def _configured(origin: Origin) -> str:
    return f"from CI, {origin.pipeline}" if origin.pipeline else "from the stack file"


def _who(origin: Origin) -> str:
    return f"by {origin.pipeline}" if origin.pipeline else "by a developer"


def _ways_out(origin: Origin) -> str:
    """What to do about an image that was replaced. Who reads the log of a job cannot type a command there."""
    if origin.pipeline is None:
        return (
            f"to keep what runs, take the key out with 'pulumi config rm {KEY}'; to go back on purpose, set {ROLLBACK} "
            "to true"
        )
    return (
        "to go back on purpose, run the deploy job of the pipeline again that deployed it (Re-deploy or Rollback on "
        f"the page of the environment), or commit {ROLLBACK}: true to the stack file"
    )


def _pipeline_output(pipeline: Pipeline | None) -> PipelineOutput | None:
    return {"project": pipeline.project, "iid": pipeline.iid, "url": pipeline.url} if pipeline else None


def _pipeline(output: PipelineOutput | None) -> Pipeline | None:
    return output and Pipeline(project=int(output["project"]), iid=int(output["iid"]), url=output["url"])


def _mark(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()[:8]
