"""Protection rules of a project's container repositories (lib/api/project_container_registry_protection_rules.rb)."""

import sqlite3
from fnmatch import fnmatchcase

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.gitlab import auth
from sandbox.gitlab.parameters import read_parameters
from sandbox.gitlab.records import Project, RepositoryRule
from sandbox.gitlab.refusals import error, message
from sandbox.gitlab.store import Store

# ADMIN is of nobody here.
LEVELS = {"maintainer": auth.MAINTAINER, "owner": auth.OWNER, "admin": auth.OWNER + 1}
FIELDS = {"push": "minimum_access_level_for_push", "delete": "minimum_access_level_for_delete"}


def level(store: Store, project: Project, repository: str, action: str) -> int:
    """Return the lowest role that the rules leave for an action on a repository; 0 if none says anything."""
    field = FIELDS.get(action)
    rules = store.find(RepositoryRule, project_id=project.id) if field else []
    # The star of a pattern stands for any text (ContainerRegistry::Protection::Rule.for_repository_path).
    matching = [rule for rule in rules if fnmatchcase(repository, rule.repository_path_pattern.lower())]
    return max((LEVELS.get(getattr(rule, field or "") or "", 0) for rule in matching), default=0)


def guard(request: Request) -> tuple[Store, Project]:
    """Return the store and the project, once the caller may administer its container images."""
    user = auth.authenticate(request)
    project = auth.readable_project(request, user)
    auth.require(request, user, project, auth.MAINTAINER)
    return request.app.state.store, project


def entity(rule: RepositoryRule) -> dict[str, object]:
    """Return a rule as the API shows it."""
    names = ("id", "project_id", "repository_path_pattern", *FIELDS.values())
    return {name: getattr(rule, name) for name in names}


async def index(request: Request) -> Response:
    """GET: all rules, without pages."""
    store, project = guard(request)
    return JSONResponse([entity(rule) for rule in store.find(RepositoryRule, project_id=project.id)])


async def create(request: Request) -> Response:
    """POST: 201 with the rule; 422 for a pattern of another project, or that has a rule."""
    store, project = guard(request)
    parameters = await read_parameters(request)
    parameters.string("repository_path_pattern", required=True)
    for name in FIELDS.values():
        parameters.string(name, values=tuple(LEVELS))
    given = parameters.declared()
    if not set(FIELDS.values()) & set(given):
        raise error(400, f"{', '.join(FIELDS.values())} are missing, at least one parameter must be provided")
    pattern = str(given["repository_path_pattern"])
    if not (pattern.lower() + "/").startswith(f"{project.path.lower()}/"):
        raise message(422, "Repository path pattern should start with the project's full path")
    try:
        rule = store.add(RepositoryRule(project_id=project.id, **given))
    except sqlite3.IntegrityError:
        raise message(422, "Repository path pattern has already been taken") from None
    return JSONResponse(entity(rule), 201)


def routes() -> list[Route]:
    """Return the two routes."""
    base = "/projects/{id}/registry/protection/repository/rules"
    return [Route(base, index, methods=["GET"]), Route(base, create, methods=["POST"])]
