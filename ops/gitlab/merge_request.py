"""The notes of a merge request: one for each stack, edited in place."""

from collections.abc import Mapping
from typing import Any

from gitlab.v4.objects import Project

from ops.gitlab.api import REVIEW_TOKEN_REMEDY, translate_errors


def publish(project: Project, iid: str, notes: Mapping[str, str]) -> list[str]:
    """Writes notes, by the hidden line that each begins with; says for each what was done.

    A note is a stack's if the token's user wrote it and its first line is the marker: a note that quotes one, and one
    with the marker that somebody else wrote, are left alone. It is edited only if its text changed.
    """
    with translate_errors("show the merge request's notes", REVIEW_TOKEN_REMEDY):
        client = project.manager.gitlab
        client.auth()
        if client.user is None:
            return []
        request = project.mergerequests.get(iid, lazy=True)
        known: dict[str, Any] = {}
        for note in request.notes.list(iterator=True, per_page=100, order_by="created_at", sort="asc"):
            if not note.system and note.author["id"] == client.user.id:
                known.setdefault(note.body.partition("\n")[0].strip(), note)
    outcomes = []
    with translate_errors("write a note on the merge request", REVIEW_TOKEN_REMEDY):
        for marker, body in notes.items():
            if marker not in known:
                request.notes.create({"body": body})
                outcomes.append("written")
            elif known[marker].body.strip() == body.strip():
                outcomes.append("is unchanged")
            else:
                known[marker].body = body
                known[marker].save()
                outcomes.append("edited")
    return outcomes
