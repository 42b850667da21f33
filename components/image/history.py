"""Which image a stack deploys: the order of its sources, the record of what was deployed, and what is refused.

Pure: no Pulumi here. What runs is what the newest intended deploy said: a stack file that is behind, or a pipeline that
was overtaken, is refused and never puts an image back.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from components.image.reference import parse

KEY = "gitlab-deploy:image"
ROLLBACK = "gitlab-deploy:rollback"
_SHOWN = 10
"""So many of the images before are kept in full; of those before them, marks."""


class RefusedError(Exception):
    """Which image is not deployed, why, and the way out: the key of the stack file, and the rest of the sentence."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key} {reason}")
        self.key = key
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """A GitLab pipeline."""

    project: str
    """Full path of its project (CI_PROJECT_PATH)."""
    iid: int
    """Its number in the project, which grows with every pipeline (CI_PIPELINE_IID)."""
    url: str
    """Its page (CI_PIPELINE_URL)."""

    def __str__(self) -> str:
        return f"pipeline {self.iid}"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Who runs the program: a job of a pipeline, or a developer."""

    pipeline: Pipeline | None = None
    """The job's pipeline; None on a developer's machine."""
    commit: str | None = None
    """The commit of the job (CI_COMMIT_SHA)."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """From the predefined variables of a GitLab job."""
        iid = environment.get("CI_PIPELINE_IID", "")
        if environment.get("GITLAB_CI") != "true" or not iid.isdigit():
            return cls()
        project, url = environment.get("CI_PROJECT_PATH", ""), environment.get("CI_PIPELINE_URL", "")
        return cls(
            pipeline=Pipeline(project=project, iid=int(iid), url=url), commit=environment.get("CI_COMMIT_SHA") or None
        )


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """What a stack has deployed: its output `deployment`, by which the next run decides."""

    image: str
    """The image that runs."""
    origin: Origin = field(default_factory=Origin)
    """Who deployed it."""
    rolled_back: bool = False
    """Whether it was deployed before, and put back."""
    before: tuple[str, ...] = ()
    """The images before it, the last one at the end; at most ten."""
    older: str = ""
    """Marks of the images before those: eight hexadecimal digits each, with spaces between them."""
    newest: Mapping[str, int] = field(default_factory=dict)
    """The newest pipeline that has deployed, by project."""

    @property
    def output(self) -> dict[str, Any]:
        """The record as a stack output. It holds nothing that changes while the image stays."""
        pipeline = self.origin.pipeline
        return {
            "image": self.image,
            "commit": self.origin.commit,
            "pipeline": pipeline and {"project": pipeline.project, "iid": pipeline.iid, "url": pipeline.url},
            "rolledBack": self.rolled_back,
            "before": list(self.before),
            "older": self.older,
            "newest": dict(self.newest),
        }

    @classmethod
    def read(cls, output: Mapping[str, Any] | None) -> Self | None:
        """The record from a stack output; None where nothing was deployed yet."""
        if not output:
            return None
        pipeline = output.get("pipeline")
        return cls(
            image=output["image"],
            origin=Origin(pipeline=_pipeline(pipeline) if pipeline else None, commit=output.get("commit")),
            rolled_back=bool(output.get("rolledBack")),
            before=tuple(output.get("before") or ()),
            older=output.get("older") or "",
            # A state keeps every number as a decimal one.
            newest={project: int(iid) for project, iid in (output.get("newest") or {}).items()},
        )

    def has_replaced(self, image: str) -> bool:
        """Whether the image was deployed once, and another one after it."""
        return any(same(image, old) for old in self.before) or _mark(_names(image)[-1]) in self.older.split()

    def follow(self, image: str, origin: Origin, *, rolled_back: bool) -> Self:
        """The record once another image is deployed."""
        before = [*(old for old in self.before if not same(old, image)), self.image]
        dropped, kept = before[:-_SHOWN], before[-_SHOWN:]
        marks = [self.older, *(_mark(name) for old in dropped for name in _names(old))]
        return replace(
            self.seen(origin),
            image=image,
            origin=origin,
            rolled_back=rolled_back,
            before=tuple(kept),
            older=" ".join(filter(None, marks)),
        )

    def seen(self, origin: Origin) -> Self:
        """The record once this pipeline has deployed the image that runs already."""
        pipeline = origin.pipeline
        if pipeline is None or pipeline.iid <= self.newest.get(pipeline.project, 0):
            return self
        return replace(self, newest={**self.newest, pipeline.project: pipeline.iid})


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The image to deploy."""

    deployed: Deployed
    """The record once it is deployed."""
    source: str
    """Which source won, such as `from CI, pipeline 812`."""
    replaces: str | None
    """The image that runs now, where it is another one."""

    def __str__(self) -> str:
        replaces = f"; it replaces {self.replaces}" if self.replaces else ""
        return f"image: {self.deployed.image}, {self.source}{replaces}"


def decide(wanted: str | None, origin: Origin, last: Deployed | None, *, rollback: bool) -> Decision:
    """The image: the configured one, else the one that was deployed last. RefusedError where none may be deployed.

    `wanted` is `gitlab-deploy:image`, which settings has checked; `rollback` is `gitlab-deploy:rollback`: with an
    image, that image may be one that was replaced; with none, the one before the image that runs is put back, once.
    """
    if last is None:
        if wanted is None:
            raise RefusedError(
                KEY,
                f"is missing, and this stack has deployed no image yet; set it with 'pulumi config set {KEY} "
                "REGISTRY/REPOSITORY:TAG'",
            )
        first = Deployed(image=wanted, origin=origin).seen(origin)
        return Decision(deployed=first, source=_configured(origin), replaces=None)
    if wanted is None:
        return _put_back(origin, last) if rollback else _keep(last)
    if same(wanted, last.image):
        return Decision(deployed=last.seen(origin), source=_configured(origin), replaces=None)
    replaced = last.has_replaced(wanted)
    if replaced and not rollback:
        raise RefusedError(
            KEY,
            f"is {wanted}, which was deployed once and then replaced by {last.image} ({_who(last.origin)}); to "
            f"keep what runs, take the key out with 'pulumi config rm {KEY}'; to go back on purpose, set {ROLLBACK} to "
            "true",
        )
    overtaker = _overtaker(origin, last)
    if overtaker and not replaced:
        raise RefusedError(
            KEY,
            f"is {wanted} from {origin.pipeline}, which is older than pipeline {overtaker}, the newest one that "
            "deployed here; run a new pipeline to deploy it",
        )
    source = f"put back by {ROLLBACK}" if replaced else _configured(origin)
    return Decision(deployed=last.follow(wanted, origin, rolled_back=replaced), source=source, replaces=last.image)


def same(one: str, other: str) -> bool:
    """Whether two references name one image: by digest where both have one, else by tag."""
    ones, others = _names(one), _names(other)
    if "@" in ones[-1] and "@" in others[-1]:
        return ones[-1] == others[-1]
    return not set(ones).isdisjoint(others)


def _keep(last: Deployed) -> Decision:
    return Decision(deployed=last, source=f"deployed last, {_who(last.origin)}", replaces=None)


def _put_back(origin: Origin, last: Deployed) -> Decision:
    if last.rolled_back:
        return Decision(deployed=last, source=f"put back by {ROLLBACK}", replaces=None)
    if not last.before:
        raise RefusedError(
            ROLLBACK,
            f"is true, and there is no image before {last.image} to go back to; take the key out with "
            f"'pulumi config rm {ROLLBACK}', or set {KEY}",
        )
    back = last.follow(last.before[-1], origin, rolled_back=True)
    return Decision(deployed=back, source=f"put back by {ROLLBACK}", replaces=last.image)


def _overtaker(origin: Origin, last: Deployed) -> int | None:
    """The newer pipeline of the same project that has deployed, or None."""
    if origin.pipeline is None:
        return None
    newest = last.newest.get(origin.pipeline.project, 0)
    return newest if newest > origin.pipeline.iid else None


def _configured(origin: Origin) -> str:
    return f"from CI, {origin.pipeline}" if origin.pipeline else "from the stack file"


def _who(origin: Origin) -> str:
    return f"by {origin.pipeline}" if origin.pipeline else "by a developer"


def _pipeline(output: Mapping[str, Any]) -> Pipeline:
    return Pipeline(project=output["project"], iid=int(output["iid"]), url=output["url"])


def _names(image: str) -> list[str]:
    """What the image can be known by, the most exact name last: its repository with the tag, and with the digest."""
    parsed = parse(image)
    if parsed is None:
        raise ValueError(f"{image!r} is not an image reference")
    tag = [f"{parsed.name}:{parsed.tag}"] if parsed.tag else []
    return [*tag, f"{parsed.name}@{parsed.digest}"] if parsed.digest else tag or [parsed.name]


def _mark(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:8]
