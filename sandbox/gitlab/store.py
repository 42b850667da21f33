"""The double's data: one SQLite file of mode 0600. Every change is a transaction, so it survives a killed process.

Several processes may hold it open: tests add and revoke tokens while the server runs.
"""

import json
import os
import sqlite3
from dataclasses import fields, replace
from pathlib import Path
from typing import TypeVar

from sandbox.gitlab.records import (
    AccessToken,
    AllowedProject,
    DeployToken,
    Group,
    Issue,
    JobToken,
    Member,
    MergeRequest,
    Note,
    Project,
    Record,
    RepositoryRule,
    ResourceGroup,
    User,
    Variable,
)

R = TypeVar("R", bound=Record)

# The declared type of a column names the converter that reads it back (sqlite3.PARSE_DECLTYPES).
COLUMN_TYPES: dict[object, str] = {
    int: "INTEGER",
    int | None: "INTEGER",
    str: "TEXT",
    str | None: "TEXT",
    bool: "BOOLEAN",
    tuple[str, ...]: "STRINGS",
}
UNIQUE: dict[type[Record], str] = {
    User: "username",
    Member: "user_id, path",
    AccessToken: "sha256",
    Group: "path",
    Project: "path",
    AllowedProject: "project_id, target_project_id",
    RepositoryRule: "project_id, repository_path_pattern",
    Variable: "project_id, key, environment_scope",
    DeployToken: "id",
    JobToken: "sha256",
    ResourceGroup: "project_id, key",
    MergeRequest: "project_id, iid",
    Issue: "project_id, iid",
    Note: "id",
}
# GitLab looks up paths and user names whatever their case.
CASELESS = ("path", "username")

sqlite3.register_adapter(tuple, json.dumps)
sqlite3.register_converter("STRINGS", lambda text: tuple(json.loads(text)))
sqlite3.register_converter("BOOLEAN", lambda text: text == b"1")


def columns(record: type[Record]) -> list[str]:
    """Return the column names of a record but `id`."""
    return [field.name for field in fields(record) if field.name != "id"]


class Store:
    """Records in `DIR/gitlab.sqlite`; the directory and the file are made where missing."""

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = data_dir / "gitlab.sqlite"
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self.connection = sqlite3.connect(path, isolation_level=None, detect_types=sqlite3.PARSE_DECLTYPES)
        # A killed process loses nothing without fsync; a machine that loses power takes the whole sandbox with it.
        self.connection.execute("PRAGMA synchronous = OFF")
        for record, unique in UNIQUE.items():
            typed = ", ".join(
                f"{field.name} {COLUMN_TYPES[field.type]} {'COLLATE NOCASE' if field.name in CASELESS else ''}"
                for field in fields(record)
                if field.name != "id"
            )
            self.connection.execute(
                f"CREATE TABLE IF NOT EXISTS {record.table} (id INTEGER PRIMARY KEY AUTOINCREMENT, {typed})"
            )
            self.connection.execute(
                f"CREATE UNIQUE INDEX IF NOT EXISTS {record.table}_unique ON {record.table} ({unique})"
            )

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    def find(self, record: type[R], **equal: object) -> list[R]:
        """Return the rows whose named columns equal the values given, by ascending id."""
        names = ["id", *columns(record)]
        where = " AND ".join(f"{name} = ?" for name in equal) or "1"
        rows = self.connection.execute(
            f"SELECT {', '.join(names)} FROM {record.table} WHERE {where} ORDER BY id",  # noqa: S608 - names of fields
            tuple(equal.values()),
        )
        return [record(**dict(zip(names, row, strict=True))) for row in rows]

    def count(self, record: type[Record], **equal: object) -> int:
        """Return how many rows have the values given."""
        where = " AND ".join(f"{name} = ?" for name in equal)
        row = self.connection.execute(
            f"SELECT count(*) FROM {record.table} WHERE {where}",  # noqa: S608 - same
            tuple(equal.values()),
        ).fetchone()
        return int(row[0])

    def add(self, record: R) -> R:
        """Store a new row and return it with its id; an `id` other than 0 is kept.

        Raises sqlite3.IntegrityError where a unique index says no.
        """
        names = columns(type(record)) if record.id == 0 else ["id", *columns(type(record))]
        cursor = self.connection.execute(
            f"INSERT INTO {record.table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",  # noqa: S608 - same
            [getattr(record, name) for name in names],
        )
        return replace(record, id=cursor.lastrowid or 0)

    def save(self, record: Record) -> None:
        """Write a stored row again."""
        names = columns(type(record))
        self.connection.execute(
            f"UPDATE {record.table} SET {', '.join(f'{name} = ?' for name in names)} WHERE id = ?",  # noqa: S608 - same
            [*(getattr(record, name) for name in names), record.id],
        )

    def remove(self, record: Record) -> None:
        """Delete a stored row."""
        self.connection.execute(f"DELETE FROM {record.table} WHERE id = ?", [record.id])  # noqa: S608 - same
