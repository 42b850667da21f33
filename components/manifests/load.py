"""Reads the manifests that the stack file names, before anything is declared."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pulumi

from components.cluster.planned import planned
from components.image.reference import ImageReference
from components.manifests import schema
from components.manifests.ingress import read_ingress
from components.manifests.reader import Read, read
from components.settings.declared import Declared
from components.settings.settings import Settings
from components.source import folder, placeholder, yaml_file
from components.source.source_error import SourceError, source_error

_TEMPLATE = re.compile(r"\{\{|\{%")
KEY = "gitlab-deploy:kubernetes.manifests"
SUFFIXES = (".json", ".yaml", ".yml")
"""Of the files that kubectl takes of a folder (kubectl: resource.FileExtensions)."""


def load(stack: Settings, program: Path, environment: Mapping[str, str]) -> tuple[Settings, Read | None]:
    """The settings with the objects of the manifests, and these; None if the stack has none.

    `program` is the program's folder. RunError, which Pulumi shows with no traceback, lists every problem.
    """
    if stack.kubernetes is None or stack.kubernetes.manifests is None or stack.image is None:
        return stack, None
    try:
        found = _read(stack, stack.kubernetes.manifests, stack.image.deployed.image, program, environment)
    except SourceError as error:
        count = "1 problem" if len(error.problems) == 1 else f"{len(error.problems)} problems"
        lines = "".join(f"\n  {problem}" for problem in error.problems)
        raise pulumi.RunError(f"The manifests have {count}; nothing was changed:{lines}") from error
    for warning in found.warnings:
        pulumi.log.warn(warning)
    declared = tuple(
        Declared(
            api_version=item.api_version,
            kind=item.kind,
            name=item.name,
            where=item.where,
            ingress=read_ingress(item),
        )
        for item in found.manifests
    )
    return replace(stack, declared=declared), found


def _read(
    stack: Settings, patterns: tuple[str, ...], image: ImageReference, program: Path, environment: Mapping[str, str]
) -> Read:
    within = folder.folder(stack.scalars.files_from, program, environment)
    found = [
        document
        for file in folder.matching(KEY, patterns, within, SUFFIXES)
        for document in documents(folder.text(file, within), str(file.relative_to(within)))
    ]
    reserved: dict[tuple[str, str], str] = {}
    for item in planned(stack):
        if (item.kind, item.name) in reserved:
            raise source_error(
                KEY, f"cannot be read: two objects of this stack are {item.kind} {item.name}", item.remedy
            )
        reserved[item.kind, item.name] = item.remedy
    return read(found, schema.load(), stack.namespace or "", image, reserved)


def documents(text: str, file: str) -> list[yaml_file.Document]:
    """The documents of a file, read as kubectl does; SourceError says of a template or placeholder that it is one."""
    try:
        return yaml_file.documents(text, file, "yaml 1.1")
    except SourceError as error:
        where = error.problems[0].path
        lines = {f"{file}:{number}": line for number, line in enumerate(text.splitlines(), 1)}
        line = lines.get(where, "")
        if image := placeholder.unquoted(line):
            raise source_error(where, *placeholder.no_reference(image)) from None
        if not _TEMPLATE.search(line):
            raise
        remedy = "name what 'helm template' makes of the chart"
        raise source_error(where, "is a template, and no YAML", remedy) from None
