"""Git over http: who may clone and push, by GitLab's rules, in front of git's own server.

Rules: lib/gitlab/auth.rb (what a token reaches), lib/gitlab/git_access.rb (what is refused, in which words),
doc/ci/jobs/ci_job_token.md (a job pushes to its own project alone, if that project lets it). The server is
git-http-backend(1), whose environment is that of CGI.
"""

import asyncio
import os
import subprocess
from email.parser import BytesHeaderParser
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.gitlab import auth
from sandbox.gitlab.basic_auth import ACCESS_DENIED, AccessDeniedError, Actor, authenticate
from sandbox.gitlab.projects import base_url
from sandbox.gitlab.records import Project
from sandbox.gitlab.refusals import Refusal
from sandbox.gitlab.store import Store

DOWNLOAD, PUSH = "git-upload-pack", "git-receive-pack"
# abilities_for_scopes in lib/gitlab/auth.rb
REACH = {
    "api": {DOWNLOAD, PUSH},
    "read_repository": {DOWNLOAD},
    "write_repository": {DOWNLOAD, PUSH},
}
NOT_FOUND = "The project you were looking for could not be found or you don't have permission to view it."
# The default branch is protected: nobody below Maintainer pushes to it, and nobody rewrites or deletes it.
UPDATE_HOOK = """\
#!/bin/sh
[ "$1" = refs/heads/main ] || exit 0
if [ -z "$MAINTAINER" ]; then
  echo "GitLab: You are not allowed to push code to protected branches on this project." >&2
  exit 1
fi
if expr "$3" : '0*$' >/dev/null || ! { expr "$2" : '0*$' >/dev/null || git merge-base --is-ancestor "$2" "$3"; }; then
  echo "GitLab: You are not allowed to force push code to a protected branch on this project." >&2
  exit 1
fi
"""


def repository(data_dir: Path, project: Project) -> Path:
    """Return the folder of a project's repository, an empty one if nobody has asked for it before."""
    folder = data_dir / "repositories" / f"{project.id}.git"
    if not folder.exists():
        made = ["git", "init", "--quiet", "--bare", "--initial-branch", "main", "--template", "", str(folder)]
        subprocess.run(made, check=True)
        hook = folder / "hooks" / "update"
        hook.parent.mkdir()
        hook.write_text(UPDATE_HOOK)
        hook.chmod(0o755)
    return folder


def refusal(status: int, text: str) -> Refusal:
    """Return a refusal as git prints it, after `remote: `."""
    challenge = {"WWW-Authenticate": 'Basic realm="GitLab"'} if status == 401 else {}
    return Refusal(PlainTextResponse(text, status, challenge))


def permit(request: Request, command: str) -> tuple[Project, Actor | None]:
    """Return project and caller; Refusal if the caller may not run this command of git there, in GitLab's order."""
    store: Store = request.app.state.store
    projects = store.find(Project, path=request.path_params["path"])
    try:
        actor = authenticate(request)
    except AccessDeniedError as problem:
        raise refusal(401, str(problem)) from None
    public = [project for project in projects if project.visibility == "public"]
    if actor is None:
        if command != DOWNLOAD or not public:
            raise refusal(401, ACCESS_DENIED.format(base=base_url(request)))
        return public[0], None
    source = actor.job_project_id
    if source is None and not any(command in REACH.get(scope, ()) for scope in actor.scopes):
        raise refusal(403, f"You are not allowed to {'download' if command == DOWNLOAD else 'upload'} code.")
    if not projects:
        raise refusal(404, NOT_FOUND)
    project = projects[0]
    level = auth.access_level(store, actor.user, project.path)
    known = level > 0 or (actor.deploy_token is not None and actor.deploy_token.project_id == project.id)
    allowed = source is None or auth.allows_jobs_of(store, project, source)
    if not public and not (known and allowed):
        if source is None:
            raise refusal(404, NOT_FOUND)
        if not allowed:
            raise refusal(403, auth.not_allowed(store, project, source))
        name = project.path.rpartition("/")[2]
        raise refusal(403, f"Insufficient permissions to pull from the repository of project {name}.")
    if command == DOWNLOAD:
        if not (public or actor.deploy_token or level >= auth.REPORTER):
            raise refusal(403, "You are not allowed to download code from this project.")
    elif actor.deploy_token:
        raise refusal(403, "You are not allowed to upload code for this project.")
    elif level < auth.DEVELOPER or not (
        source is None or (source == project.id and project.ci_push_repository_for_job_token_allowed)
    ):
        raise refusal(403, "You are not allowed to push code to this project.")
    return project, actor


class GitHttp:
    """The routes of a repository: those of git's smart protocol, and of no other."""

    def __init__(self, data_dir: Path) -> None:
        """Serve the repositories in `data_dir`."""
        self.data_dir = data_dir

    async def info_refs(self, request: Request) -> Response:
        """GET /PATH.git/info/refs?service=...: what a clone or a push begins with."""
        command = request.query_params.get("service", "")
        if command not in {DOWNLOAD, PUSH}:
            raise refusal(403, "The command you're trying to execute is not allowed.")
        return await self.serve(request, command, "info/refs")

    async def command(self, request: Request) -> Response:
        """POST /PATH.git/git-upload-pack and git-receive-pack."""
        command = request.url.path.rpartition("/")[2]
        return await self.serve(request, command, command)

    async def serve(self, request: Request, command: str, file: str) -> Response:
        """Answer with what git http-backend says."""
        project, actor = permit(request, command)
        folder = repository(self.data_dir, project)
        body = await request.body()
        level = auth.access_level(request.app.state.store, actor.user if actor else None, project.path)
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_PROJECT_ROOT": str(folder.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
            "PATH_INFO": f"/{folder.name}/{file}",
            "REQUEST_METHOD": request.method,
            "QUERY_STRING": request.url.query,
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
            # Without a name git lets nobody push.
            **({"REMOTE_USER": "gitlab"} if command == PUSH else {}),
            **({"MAINTAINER": "1"} if level >= auth.MAINTAINER else {}),
        }
        process = await asyncio.create_subprocess_exec(
            "git", "http-backend", env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        printed, _ = await process.communicate(body)
        head, _, content = printed.partition(b"\r\n\r\n")
        headers = dict(BytesHeaderParser().parsebytes(head).items())
        status = int(headers.pop("Status", "200").partition(" ")[0])
        return Response(content, status, headers)

    def routes(self) -> list[Route]:
        """Return the three routes."""
        return [
            Route("/{path:path}.git/info/refs", self.info_refs, methods=["GET"]),
            Route(f"/{{path:path}}.git/{DOWNLOAD}", self.command, methods=["POST"]),
            Route(f"/{{path:path}}.git/{PUSH}", self.command, methods=["POST"]),
        ]
