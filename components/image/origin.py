"""Who runs the program: a job of a GitLab pipeline, or a developer. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

FORGET = "GITLAB_DEPLOY_FORGET_PIPELINES"
"""Environment variable (`1` or `true`) with which a developer's run forgets which pipelines have deployed: the way out
if one of them never was."""
_JOB = ("CI_JOB_ID", "CI_JOB_TOKEN", "CI_PROJECT_PATH", "CI_PROJECT_ID", "CI_PIPELINE_IID", "CI_PIPELINE_URL")
_NUMBER = re.compile("[0-9]{1,15}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """A GitLab pipeline."""

    project: int
    """Id of its project (CI_PROJECT_ID), which stays if the project is renamed or moved."""
    iid: int
    """Its number in the project, which grows with every pipeline (CI_PIPELINE_IID)."""
    url: str
    """Its page (CI_PIPELINE_URL)."""

    def is_same(self, other: "Pipeline") -> bool:
        """Whether both are one pipeline, whatever its project is called by now."""
        return (self.project, self.iid) == (other.project, other.iid)

    def __str__(self) -> str:
        return f"pipeline {self.iid}"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Who runs the program: a job of a pipeline, or a developer."""

    pipeline: Pipeline | None = None
    """The job's pipeline; None on a developer's machine."""
    commit: str | None = None
    """The commit of the job (CI_COMMIT_SHA)."""
    forgets_pipelines: bool = False
    """Whether a developer asks to forget the newest pipelines; a job cannot."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """From the predefined variables of a GitLab job; a developer if they are not all there, and of one project.

        So a shell in which one of them is left over counts as a developer's. More cannot be known here: whoever sets
        all of them, or overrides one by a pipeline variable, is taken at their word, as is whoever edits the state.
        """
        found = [environment.get(name, "") for name in _JOB]
        _, _, path, project, iid, url = found
        is_job = environment.get("GITLAB_CI") == "true" and all(found) and f"/{path}/" in url
        if not is_job or not (_NUMBER.fullmatch(project) and _NUMBER.fullmatch(iid)):
            return cls(forgets_pipelines=environment.get(FORGET, "").lower() in {"1", "true"})
        return cls(
            pipeline=Pipeline(project=int(project), iid=int(iid), url=url),
            commit=environment.get("CI_COMMIT_SHA") or None,
        )
