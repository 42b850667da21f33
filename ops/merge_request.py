"""The notes of a merge request: one for each stack, edited in place."""

from collections.abc import Mapping
from typing import Any

from gitlab.v4.objects import Project

from ops.gitlab_api import told

REMEDY = "check that GITLAB_REVIEW_TOKEN is a project access token with scope api and role Reporter or higher"


def publish(project: Project, iid: str, notes: Mapping[str, str]) -> list[str]:
    """Writes notes, by the hidden line that each begins with; says what was done, one line for each.

    A note is a stack's where the token's user wrote it and its first line is the marker: a note that quotes one, and
    one that somebody else gave the marker, are left alone. It is written only where its text changed.
    """
    with told("show the merge request's notes", REMEDY):
        client = project.manager.gitlab
        client.auth()
        if client.user is None:
            return []
        request = project.mergerequests.get(iid, lazy=True)
        known: dict[str, Any] = {}
        for note in request.notes.list(iterator=True, per_page=100, order_by="created_at", sort="asc"):
            if not note.system and note.author["id"] == client.user.id:
                known.setdefault(note.body.partition("\n")[0].strip(), note)
    done = []
    with told("write a note on the merge request", REMEDY):
        for marker, body in notes.items():
            note = known.get(marker)
            if note is None:
                request.notes.create({"body": body})
                done.append("wrote")
            elif note.body.strip() == body.strip():
                done.append("left as it is")
            else:
                note.body = body
                note.save()
                done.append("edited")
    return done
