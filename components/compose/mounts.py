"""Volumes, configs and secrets of a service: what is mounted, and what is put into the container as files."""

import base64
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components.compose import values
from components.compose.checkout import Checkout, CheckoutError
from components.compose.fields import Fields
from components.compose.model import Mount, Upload

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_MODES = {"ro", "rw", "z", "Z", "nocopy", "cached", "delegated", "consistent"}
_PROPAGATIONS = {"shared", "rshared", "slave", "rslave", "private", "rprivate"}
DATA_REMEDY = "use a named volume for data, or an absolute path for a folder of the Docker host"


@dataclass(kw_only=True)
class Mounts:
    """Collects what one service mounts."""

    fields: Fields
    checkout: Checkout
    volumes: Mapping[str, object]
    """Those that the file declares."""
    mounts: list[Mount] = field(default_factory=list)
    uploads: list[Upload] = field(default_factory=list)
    tmpfs: dict[str, str] = field(default_factory=dict)

    def read(self, files: Mapping[str, Mapping[str, tuple[str | None, str | None]]]) -> None:
        """`files` are the configs and secrets of the project, by kind and name: text, or base64."""
        for text in self.fields.texts("tmpfs"):
            path, _, options = text.partition(":")
            self.tmpfs[path] = options
        for number, item in self.fields.items("volumes"):
            try:
                if isinstance(item, Mapping):
                    self._long(Fields.of(self.fields.source, (*self.fields.path, "volumes", number), item))
                else:
                    self._short(str(item))
            except CheckoutError as error:
                self._refuse(number, error.cause, error.remedy)
            except ValueError as error:
                self._refuse(number, str(error), "see the compose specification, volumes")
        for kind, folder, mode in (("configs", "/", "0444"), ("secrets", "/run/secrets/", "0444")):
            for number, item in self.fields.items(kind):
                at = (*self.fields.path, kind, number)
                given = {"source": item} if not isinstance(item, Mapping) else item
                self._file(Fields.of(self.fields.source, at, given), files[kind], kind, folder, mode)

    def _refuse(self, number: int, cause: str, remedy: str) -> None:
        self.fields.source.refuse((*self.fields.path, "volumes", number), cause, remedy)

    def _short(self, text: str) -> None:
        """SOURCE:TARGET:MODE, SOURCE:TARGET or TARGET."""
        first, *others = text.split(":")
        if not others:
            self.mounts.append(Mount(target=posixpath.normpath(first)))
            return
        modes = set(others[1].split(",")) if len(others) > 1 else set()
        unknown = modes - _MODES - _PROPAGATIONS
        if len(others) > 2 or unknown:
            raise ValueError(f"is {text!r}, which is not SOURCE:TARGET:MODE")
        self._add(
            first,
            others[0],
            read_only="ro" in modes,
            no_copy="nocopy" in modes,
            selinux=next((mode for mode in modes if mode in {"z", "Z"}), None),
            propagation=next((mode for mode in modes if mode in _PROPAGATIONS), None),
        )

    def _long(self, given: Fields) -> None:
        given.only({"type", "source", "target", "read_only", "consistency", "bind", "volume", "tmpfs"})
        kind, source, target = given.text("type"), given.text("source"), given.text("target")
        if target is None or not target.startswith("/"):
            raise ValueError("has no target that is an absolute path")
        read_only = bool(given.boolean("read_only"))
        if kind == "tmpfs":
            options = given.child("tmpfs")
            size = f"size={values.size(options.value['size'])}" if "size" in options else ""
            mode = f"mode={options.number('mode') or 0:o}" if "mode" in options else ""
            self.tmpfs[target] = ",".join(filter(None, (size, mode)))
        elif kind == "volume":
            options = given.child("volume")
            options.only({"nocopy", "subpath"})
            if source is None:
                self.mounts.append(Mount(target=target, read_only=read_only))
                return
            self._volume(
                source,
                target,
                read_only=read_only,
                no_copy=bool(options.boolean("nocopy")),
                subpath=options.text("subpath"),
            )
        elif kind == "bind" and source:
            options = given.child("bind")
            options.only({"propagation", "create_host_path", "selinux"})
            path = source if source[0] in "./~" else f"./{source}"
            self._add(
                path,
                target,
                read_only=read_only,
                selinux=options.text("selinux"),
                propagation=options.text("propagation"),
            )
        else:
            given.refuse("type", f"is {kind!r}, which cannot be mounted here", "use volume, bind or tmpfs")

    def _add(self, source: str, target: str, *, read_only: bool, **options: Any) -> None:  # noqa: ANN401 - of Mount
        if not target.startswith("/"):
            raise ValueError(f"has the target {target!r}, which is no absolute path")
        target = posixpath.normpath(target)
        if source.startswith("/"):
            self.mounts.append(Mount(host_path=source, target=target, read_only=read_only, **options))
        elif source.startswith("~"):
            raise CheckoutError(f"mounts {source!r} of somebody's home", DATA_REMEDY)
        elif source.startswith("."):
            self._copy(source, target, read_only=read_only)
        else:
            self._volume(source, target, read_only=read_only, **options)

    def _volume(self, name: str, target: str, **options: Any) -> None:  # noqa: ANN401 - of Mount
        if not _NAME.fullmatch(name):
            raise ValueError(f"has the source {name!r}, which is no name of a volume and no path")
        if name not in self.volumes:
            raise CheckoutError(f"mounts the volume {name!r}, which is not declared", "declare it below volumes")
        self.mounts.append(Mount(volume=name, target=target, **options))

    def _copy(self, source: str, target: str, *, read_only: bool) -> None:
        """Files of the checkout, which the Docker host does not have: they are put into the container."""
        found = self.checkout.tree(source)
        if "" not in found and not read_only:
            raise CheckoutError(
                f"mounts the folder {source!r} of the checkout to be written to, which the Docker host does not have",
                f"add ':ro' and it is put into the container; {DATA_REMEDY}",
            )
        self.uploads += [
            _upload(posixpath.join(target, path) if path else target, content, runs=runs)
            for path, (content, runs) in found.items()
        ]

    def _file(
        self, given: Fields, known: Mapping[str, tuple[str | None, str | None]], kind: str, folder: str, mode: str
    ) -> None:
        given.only({"source", "target", "uid", "gid", "mode"})
        name = given.text("source") or ""
        if name not in known:
            given.refuse("source", f"is {name!r}, which is not declared", f"declare it below {kind}")
            return
        text, encoded = known[name]
        bits = given.value.get("mode")
        self.uploads.append(
            Upload(
                target=posixpath.join(folder, given.text("target") or name),
                content=text,
                base64=encoded,
                mode=f"{bits:04o}" if isinstance(bits, int) else str(bits or mode),
                owner=given.text("uid"),
                group=given.text("gid"),
                is_secret=kind == "secrets",
            )
        )


def _upload(target: str, content: bytes, *, runs: bool) -> Upload:
    text, encoded = as_text(content)
    return Upload(target=target, content=text, base64=encoded, mode="0755" if runs else "0644")


def as_text(content: bytes) -> tuple[str | None, str | None]:
    """The content as text; as base64 if it is no UTF-8."""
    try:
        return content.decode(), None
    except UnicodeDecodeError:
        return None, base64.b64encode(content).decode()
