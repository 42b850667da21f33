"""The caller, the instance and its projects (lib/api/users.rb, metadata.rb, projects.rb).

There is no push_rule: like a Community Edition, the double answers 404 to a route it does not have.
"""

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.gitlab import auth
from sandbox.gitlab.parameters import read_parameters
from sandbox.gitlab.records import Group, Issue, Project
from sandbox.gitlab.refusals import message
from sandbox.gitlab.store import Store

RELEASE = "18.9"
"""The release of GitLab that the double is, unless it is started as another."""
SWITCHES = (
    "ci_push_repository_for_job_token_allowed",
    "restrict_user_defined_variables",
    "ci_allow_fork_pipelines_to_run_in_parent_project",
)
CONFIG_PATH = "ci_config_path"
OVERRIDE_ROLE = "ci_pipeline_variables_minimum_override_role"
ROLES = ("no_one_allowed", "developer", "maintainer", "owner")


def base_url(request: Request) -> str:
    """Return the address the caller reached GitLab at, without a trailing slash."""
    return str(request.base_url).rstrip("/")


async def user(request: Request) -> Response:
    """GET /user."""
    caller = auth.authenticate(request, also=("read_user",))
    return JSONResponse(
        {
            "id": caller.id,
            "username": caller.username,
            "name": caller.name,
            "state": "active",
            "web_url": f"{base_url(request)}/{caller.username}",
            "email": f"{caller.username}@example.com",
            "is_admin": False,
            "bot": caller.bot,
        }
    )


async def own_token(request: Request) -> Response:
    """GET /personal_access_tokens/self: the token itself, whatever its scopes (lib/api/personal_access_tokens)."""
    token = auth.access_token(request)
    if token is None:
        raise message(401, "401 Unauthorized")
    return JSONResponse(
        {
            "id": token.id,
            "name": "token",
            "revoked": False,
            "created_at": "2026-01-01T00:00:00.000Z",
            "description": None,
            "scopes": token.scopes,
            "user_id": token.user_id,
            "last_used_at": None,
            "active": True,
            "expires_at": token.expires_at,
        }
    )


async def metadata(request: Request) -> Response:
    """GET /version and /metadata: one body for both."""
    auth.authenticate(request, also=("read_user",))
    kas = {"enabled": False, "externalUrl": None, "externalK8sProxyUrl": None, "version": None}
    return JSONResponse(
        {"version": f"{request.app.state.release}.0", "revision": "sandbox", "kas": kas, "enterprise": False}
    )


async def project(request: Request) -> Response:
    """GET /projects/:id, by number or by path; a public project needs no token."""
    caller = auth.caller(request)
    found = auth.readable_project(request, caller)
    administers = auth.access_level(request.app.state.store, caller, found.path) >= auth.MAINTAINER
    return JSONResponse(entity(request, found) | (settings(found) if administers else {}))


async def update(request: Request) -> Response:
    """PUT /projects/:id, of the settings that say what a job may do."""
    caller = auth.authenticate(request)
    found = auth.readable_project(request, caller)
    auth.require(request, caller, found, auth.MAINTAINER)
    parameters = await read_parameters(request)
    for name in SWITCHES:
        parameters.boolean(name)
    parameters.string(OVERRIDE_ROLE, values=ROLES)
    parameters.string(CONFIG_PATH)
    parameters.at_least_one_of((*SWITCHES, OVERRIDE_ROLE, CONFIG_PATH))
    given = {name: value for name, value in parameters.declared().items() if value is not None}
    found = replace(found, **given)
    request.app.state.store.save(found)
    return JSONResponse(entity(request, found) | settings(found))


def settings(found: Project) -> dict[str, object]:
    """Return what the API shows to Maintainers alone."""
    return {name: getattr(found, name) for name in (*SWITCHES, OVERRIDE_ROLE, CONFIG_PATH)}


def entity(request: Request, found: Project) -> dict[str, object]:
    """Return a project as the API shows it."""
    base = base_url(request)
    namespace, _, path = found.path.rpartition("/")
    store: Store = request.app.state.store
    group = store.find(Group, path=namespace)[0]
    host = request.url.hostname
    return {
        "id": found.id,
        "description": None,
        "name": found.name,
        "name_with_namespace": f"{group.name} / {found.name}",
        "path": path,
        "path_with_namespace": found.path,
        "created_at": found.created_at,
        "default_branch": "main",
        "topics": [],
        "ssh_url_to_repo": f"git@{host}:{found.path}.git",
        "http_url_to_repo": f"{base}/{found.path}.git",
        "web_url": f"{base}/{found.path}",
        "namespace": {
            "id": group.id,
            "name": group.name,
            "path": group.path.rpartition("/")[2],
            "kind": "group",
            "full_path": group.path,
            "parent_id": None,
            "web_url": f"{base}/groups/{group.path}",
        },
        "container_registry_image_prefix": found.image_prefix,
        "issues_enabled": True,
        "merge_requests_enabled": True,
        "wiki_enabled": True,
        "jobs_enabled": True,
        "snippets_enabled": True,
        "container_registry_enabled": True,
        "issues_access_level": "enabled",
        "merge_requests_access_level": "enabled",
        "builds_access_level": "enabled",
        "container_registry_access_level": "enabled",
        "resolve_outdated_diff_discussions": False,
        "shared_runners_enabled": True,
        "lfs_enabled": True,
        "creator_id": 1,
        "open_issues_count": store.count(Issue, project_id=found.id, state="opened"),
        "avatar_url": None,
        "star_count": 0,
        "forks_count": 0,
        "readme_url": None,
        "empty_repo": False,
        "archived": False,
        "visibility": found.visibility,
        "shared_with_groups": [],
        "ci_id_token_sub_claim_components": ["project_path", "ref_type", "ref"],
    }


def routes() -> list[Route]:
    """Return the routes of this module."""
    return [
        Route("/user", user, methods=["GET"]),
        Route("/personal_access_tokens/self", own_token, methods=["GET"]),
        Route("/version", metadata, methods=["GET"]),
        Route("/metadata", metadata, methods=["GET"]),
        Route("/projects/{id}", project, methods=["GET"]),
        Route("/projects/{id}", update, methods=["PUT"]),
    ]
