"""The notes of a merge request: one for each stack, edited in place."""

from collections.abc import Mapping
from typing import Any

from gitlab.v4.objects import Project

from ops.gitlab.api import REVIEW_TOKEN_REMEDY, told


def publish(project: Project, iid: str, notes: Mapping[str, str]) -> list[str]:
    """Writes notes, by the hidden line that each begins with; says what was done, one line for each.

    A note is a stack's where the token's user wrote it and its first line is the marker: a note that quotes one, and
    one that somebody else gave the marker, are left alone. It is written only where its text changed.
    """
    with told("show the merge request's notes", REVIEW_TOKEN_REMEDY):
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
    with told("write a note on the merge request", REVIEW_TOKEN_REMEDY):
        for marker, body in notes.items():
            if marker not in known:
                request.notes.create({"body": body})
                done.append("written")
            elif known[marker].body.strip() == body.strip():
                done.append("is as it was")
            else:
                known[marker].body = body
                known[marker].save()
                done.append("edited")
    return done
