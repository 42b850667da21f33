"""The configuration of a pipeline as GitLab makes it of .gitlab-ci.yml: components rendered, included, and merged.

GitLab pastes inputs into a component's text before it reads the YAML; gitlab-ci-local reads first. So gitlab-ci-local
gets what GitLab would have: one document without includes, in which a job that triggers another project's pipeline
writes down what it passes on.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from string import Template
from typing import Any

import yaml

from tests.support.ci_templates import RefusedError, interpolate

# include:component in doc/ci/components/_index.md: FQDN/PROJECT/NAME@VERSION
COMPONENT = re.compile(r"(?P<server>[^/]+)/(?P<project>.+)/(?P<name>[^/@]+)@(?P<ref>[^@]+)")
GLOBAL = {"cache", "default", "image", "variables", "workflow"}
"""Keywords that are a mapping as a job is (GitLab: global keywords)."""
DEFAULT_STAGES = ("build", "test", "deploy")
Fetch = Callable[[str, str, str], str]
"""Project, ref and path of a file; returns its text."""


def pipeline(text: str, *, fetch: Fetch, variables: Mapping[str, str]) -> dict[str, Any]:
    """The jobs and settings of a pipeline, includes first; RefusedError for what GitLab would refuse.

    `variables` are those that an include may name: CI_SERVER_FQDN, CI_PROJECT_PATH, CI_COMMIT_SHA.
    """
    document: dict[str, Any] = yaml.safe_load(text)
    merged: dict[str, Any] = {}
    for include in document.pop("include", []):
        address = Template(include["component"]).safe_substitute(variables)
        found = COMPONENT.fullmatch(address)
        if found is None or found["server"] != variables["CI_SERVER_FQDN"]:
            raise RefusedError(f"{address}: no component of this GitLab")
        source = fetch(found["project"], found["ref"], f"templates/{found['name']}.yml")
        merged = merge(merged, yaml.safe_load(interpolate(source, include.get("inputs", {}))))
    result = merge(merged, document)
    stages = (".pre", *result.get("stages", DEFAULT_STAGES), ".post")
    for name, job in _jobs(result).items():
        stage = job.get("stage", "test")
        if stage not in stages:
            raise RefusedError(
                f"{name} job: chosen stage {stage} does not exist; available stages are {', '.join(stages)}"
            )
    return result


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Both, `above` winning: mappings are merged at every depth, lists and texts are replaced (GitLab: include)."""
    result = dict(below)
    for key, value in above.items():
        known = result.get(key)
        result[key] = merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return result


def triggers(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The jobs, by name, that trigger a pipeline of another project."""
    return {name: job for name, job in _jobs(document).items() if "trigger" in job}


def _jobs(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: job
        for name, job in document.items()
        if isinstance(job, dict) and name not in GLOBAL and not name.startswith(".")
    }


def recorded(document: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The same document, in which each job that triggers a pipeline writes its own variables to `folder`/NAME instead.

    They are expanded as those of any job, with what the jobs it needs have handed on.
    """
    result = dict(document)
    for name, job in triggers(document).items():
        words = " ".join(job.get("variables", {}))
        line = f'for name in {words}; do printf "%s=%s\\n" "$name" "${{!name}}"; done >"{folder / name}"'
        result[name] = {key: value for key, value in job.items() if key != "trigger"} | {"script": [line]}
    return result
