"""What the double keeps: one frozen dataclass a table, one field a column. `id` 0 means: not stored yet."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class Record:
    """A row of `table`."""

    table: ClassVar[str]
    id: int = 0


@dataclass(frozen=True, kw_only=True)
class User(Record):
    """A person, or the bot user behind a project access token."""

    table = "users"
    username: str
    name: str
    bot: bool = False


@dataclass(frozen=True, kw_only=True)
class Member(Record):
    """A user's level (30 developer, 40 maintainer, 50 owner) on the group or project at `path` and all below it."""

    table = "members"
    user_id: int
    path: str
    access_level: int


@dataclass(frozen=True, kw_only=True)
class AccessToken(Record):
    """A token of the REST API; only its SHA-256 is kept. `expires_at` is a day, on which it no longer works."""

    table = "access_tokens"
    user_id: int
    sha256: str
    scopes: tuple[str, ...]
    revoked: bool = False
    expires_at: str | None = None

    @property
    def dead(self) -> str | None:
        """Why it no longer works: expired, revoked; None while it does."""
        expired = self.expires_at is not None and date.fromisoformat(self.expires_at) <= datetime.now(UTC).date()
        return "revoked" if self.revoked else "expired" if expired else None


@dataclass(frozen=True, kw_only=True)
class JobToken(Record):
    """The CI_JOB_TOKEN of a running job of a project, which acts as the user who started the pipeline."""

    table = "job_tokens"
    user_id: int
    project_id: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Group(Record):
    """A group; `path` is its full path."""

    table = "groups"
    path: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Project(Record):
    """A project; `path` is its full path, `image_prefix` where its images live in the container registry."""

    table = "projects"
    path: str
    name: str
    image_prefix: str
    created_at: str
    visibility: str = "private"
    ci_push_repository_for_job_token_allowed: bool = False
    ci_pipeline_variables_minimum_override_role: str = "developer"
    """The role from which on a user starts a pipeline with variables; the default of a GitLab of one's own."""
    restrict_user_defined_variables: bool = False
    ci_allow_fork_pipelines_to_run_in_parent_project: bool = True
    ci_config_path: str | None = None


@dataclass(frozen=True, kw_only=True)
class AllowedProject(Record):
    """An entry of a project's allowlist: the jobs of the target project may reach the project."""

    table = "allowed_projects"
    project_id: int
    target_project_id: int


@dataclass(frozen=True, kw_only=True)
class RepositoryRule(Record):
    """A protection rule of a project's container repositories: who may push to them and delete them."""

    table = "repository_rules"
    project_id: int
    repository_path_pattern: str
    minimum_access_level_for_push: str | None = None
    minimum_access_level_for_delete: str | None = None


@dataclass(frozen=True, kw_only=True)
class Variable(Record):
    """A CI/CD variable of a project."""

    table = "variables"
    project_id: int
    key: str
    value: str | None
    variable_type: str = "env_var"
    hidden: bool = False
    protected: bool = False
    masked: bool = False
    raw: bool = False
    environment_scope: str = "*"
    description: str | None = None


@dataclass(frozen=True, kw_only=True)
class DeployToken(Record):
    """A deploy token of a project; its secret is shown once, and only the SHA-256 of it kept."""

    table = "deploy_tokens"
    project_id: int
    name: str
    username: str | None
    sha256: str
    scopes: tuple[str, ...]
    expires_at: str | None = None


@dataclass(frozen=True, kw_only=True)
class ResourceGroup(Record):
    """What jobs of a project that name it do one at a time; the first such job makes it."""

    table = "resource_groups"
    project_id: int
    key: str
    created_at: str
    updated_at: str
    process_mode: str = "unordered"


@dataclass(frozen=True, kw_only=True)
class Issuable(Record):
    """What issues and merge requests share. `kind` is its word in notes, `iid` its number in the project."""

    kind: ClassVar[str]
    project_id: int
    iid: int
    author_id: int
    title: str
    created_at: str
    updated_at: str
    description: str | None = None
    state: str = "opened"
    labels: tuple[str, ...] = ()
    closed_at: str | None = None
    closed_by_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class MergeRequest(Issuable):
    """A merge request between two branches of one project; `state` is opened, closed, merged or locked."""

    table = "merge_requests"
    kind = "MergeRequest"
    source_branch: str
    target_branch: str
    merged_at: str | None = None


@dataclass(frozen=True, kw_only=True)
class Issue(Issuable):
    """An issue; `state` is opened or closed."""

    table = "issues"
    kind = "Issue"
    confidential: bool = False


@dataclass(frozen=True, kw_only=True)
class Note(Record):
    """A comment on an issue or a merge request; a `system` one tells what was done to it."""

    table = "notes"
    noteable_kind: str
    noteable_id: int
    author_id: int
    body: str
    created_at: str
    updated_at: str
    system: bool = False
    internal: bool = False
