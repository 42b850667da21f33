"""What a fresh GitLab holds: a group, a project, people and their tokens."""

import re
from datetime import UTC, datetime
from pathlib import Path

from sandbox.gitlab.auth import MAINTAINER, token_digest
from sandbox.gitlab.parameters import timestamp
from sandbox.gitlab.records import AccessToken, Group, JobToken, Member, Project, ResourceGroup, User
from sandbox.gitlab.store import Store

PROJECT_ID = 20


def seed(
    data_dir: Path,
    *,
    token_file: Path,
    project: str = "group/blog",
    registry: str = "registry.example.com",
    username: str = "maintainer",
) -> None:
    """Put one project with its group into `data_dir`, and a user who is Maintainer of it, with a token of scope `api`.

    `project` is the full path; its first project has the id 20, the images live at `registry/project`. The token's
    text is read from `token_file` and kept as a hash. What is there already stays; a token that is new is added.
    Raises ValueError for a path that is no `group/project` and for an empty token.
    """
    group, _, name = project.rpartition("/")
    if not re.fullmatch(r"[a-zA-Z0-9_][a-zA-Z0-9_./-]*", group) or not name:
        raise ValueError(f"the project's path {project!r} must be group/project")
    store = Store(data_dir)
    try:
        if not store.find(Group, path=group):
            store.add(Group(path=group, name=group.rpartition("/")[2]))
        if not store.find(Project, path=project):
            now = timestamp(datetime.now(UTC))
            number = 0 if store.find(Project, id=PROJECT_ID) else PROJECT_ID
            prefix = f"{registry}/{project.lower()}"
            store.add(Project(id=number, path=project, name=name, image_prefix=prefix, created_at=now))
        add_token(store, token_file.read_text().strip(), username=username, path=project, access_level=MAINTAINER)
    finally:
        store.close()


def add_token(
    store: Store,
    token: str,
    *,
    username: str,
    path: str,
    access_level: int,
    scopes: tuple[str, ...] = ("api",),
    revoked: bool = False,
    expires_at: str | None = None,
    bot: bool = False,
) -> None:
    """Add a token of the user named, who is made where missing, with a role on the group or project at `path`.

    `access_level` is 10 (Guest), 20 (Reporter), 30 (Developer), 40 (Maintainer) or 50 (Owner), and 0 for someone who is
    no member. `scopes` may hold api, read_api and read_user; `expires_at` is a day as YYYY-MM-DD; a `bot` is the user
    of a project access token. Raises ValueError for an empty token.
    """
    if not token:
        raise ValueError("a token must not be empty")
    user = add_member(store, username=username, path=path, access_level=access_level, bot=bot)
    if not store.find(AccessToken, sha256=token_digest(token)):
        digest = token_digest(token)
        store.add(AccessToken(user_id=user.id, sha256=digest, scopes=scopes, revoked=revoked, expires_at=expires_at))


def add_job_token(store: Store, token: str, *, username: str, path: str, access_level: int) -> None:
    """Add the CI_JOB_TOKEN of a running job in the project at `path`, started by the user named; see `add_token`.

    Raises ValueError for an empty token and for a project that is not there.
    """
    projects = store.find(Project, path=path)
    if not token or not projects:
        raise ValueError("a job's token must not be empty, and its project must be there")
    user = add_member(store, username=username, path=path, access_level=access_level)
    store.add(JobToken(user_id=user.id, project_id=projects[0].id, sha256=token_digest(token)))


def add_resource_group(store: Store, key: str, *, path: str) -> None:
    """Add what a job of the project at `path` makes by naming this resource group; one that is there stays."""
    project = store.find(Project, path=path)[0]
    if not store.find(ResourceGroup, project_id=project.id, key=key):
        now = timestamp(datetime.now(UTC))
        store.add(ResourceGroup(project_id=project.id, key=key, created_at=now, updated_at=now))


def add_member(store: Store, *, username: str, path: str, access_level: int, bot: bool = False) -> User:
    """Return the user named, who is made where missing, with this role at `path` where there is none yet."""
    users = store.find(User, username=username)
    user = users[0] if users else store.add(User(username=username, name=username.capitalize(), bot=bot))
    if not store.find(Member, user_id=user.id, path=path):
        store.add(Member(user_id=user.id, path=path, access_level=access_level))
    return user
