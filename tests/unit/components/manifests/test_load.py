import re
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.image.reference import ImageReference
from components.manifests import load, schema
from components.manifests.reader import read
from components.source.source_error import SourceError
from tests.support.main_program import every_block, run_program
from tests.support.project import ROOT
from tests.support.web_manifest import WEB

FILES = {
    "manifests": ["examples/two-services/kubernetes/*.yml"],
    "secrets": {"database/password": {"secure": "canary"}},
}


@pytest.fixture(autouse=True)
def _program(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program's folder is the repository."""
    monkeypatch.setattr(pulumi, "get_root_directory", lambda: str(ROOT))
    monkeypatch.delenv("GITLAB_DEPLOY_FILES", raising=False)


def problem_of(text: str) -> str:
    """What a run says of the manifest."""
    with pytest.raises(SourceError) as refused:
        read(load.documents(text, "web.yml"), schema.load(), "example", ImageReference.parse("blog:1"), {})
    [problem] = refused.value.problems
    return str(problem)


@pytest.mark.parametrize(
    ("end", "line"),
    [
        ('          args: ["a", "b"', 12),
        ('          args: ["a", "b"\n', 12),
        ('          args: ["a", "b\n\n', 12),
        ("          env: [{name: A\n", 12),
        ("          env", 12),
        ("          env\n", 12),
        ("          args: ['{{ .Values.a }}', 'b", 12),
    ],
)
def test_what_is_not_ended_at_the_end_of_a_file_is_named_with_its_line(end: str, line: int) -> None:
    cause = "template, and no YAML" if "{{" in end else "no YAML"
    assert re.match(rf"web\.yml:{line} is (a )?{cause}", problem_of(WEB + end))


PLACEHOLDERS = [
    *("{{IMAGE}}", "{{ image }}:{{ tag }}", "{{ app.image }}", "{{IMAGE}}:1.0", "{{ registry }}/blog:{{tag}}"),
    *("%IMAGE%", "%IMAGE%:%TAG%", "@IMAGE@", "@project.image@"),
]


@pytest.mark.parametrize("image", PLACEHOLDERS)
@pytest.mark.parametrize("written", ["          image: {}", "          image: {} # by sed", "          image:   {} "])
def test_a_placeholder_of_the_image_is_told_the_same_with_quotes_and_without(image: str, written: str) -> None:
    bare, in_quotes = (
        problem_of(WEB.replace("          image: IMAGE", written.replace("{}", value)))
        for value in (image, f'"{image}"')
    )
    assert bare == in_quotes
    assert "write IMAGE if it stands for the stack's image" in bare


@pytest.mark.parametrize("image", PLACEHOLDERS)
@pytest.mark.parametrize("written", ["        - {name: web, image: {}}", "        - {image: {}, name: web}"])
def test_a_placeholder_of_the_image_may_stand_in_a_mapping_of_one_line(image: str, written: str) -> None:
    before = "        - name: web\n          image: IMAGE"
    bare, in_quotes = (problem_of(WEB.replace(before, written.replace("{}", value))) for value in (image, f'"{image}"'))
    assert bare == in_quotes


@pytest.mark.parametrize(
    "line",
    [
        "          image: {{ .Values.image }}",
        "          image: {{ .Values.image }}:{{ tag }}",
        "          image: {{ tag }}:{{ .Values.image }}",
        '          image: {{ include "image" . }}',
        "          image: IMAGE\n          {{- toYaml .Values.more }}",
    ],
)
def test_a_template_of_helm_is_one_where_the_image_is_too(line: str) -> None:
    problem = problem_of(WEB.replace("          image: IMAGE", line))
    assert problem.endswith("is a template, and no YAML; name what 'helm template' makes of the chart")


@pytest.mark.parametrize("named", ["examples/two-services/kubernetes/*.yml", "examples/two-services/kubernetes/"])
def test_program_declares_the_files_in_place_of_the_objects_of_the_block(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: str
) -> None:
    run = run_program(monkeypatch, tmp_path, "app", "dockerHost", kubernetes=FILES | {"manifests": [named]})
    made = {(d.type.removeprefix("kubernetes:"), d.name) for d in run.declarations if d.parent == "manifests"}
    assert made == {
        ("apps/v1:Deployment", "web"),
        ("apps/v1:Deployment", "worker"),
        ("batch/v1:Job", "migrate"),
        ("core/v1:ConfigMap", "settings"),
        ("core/v1:Secret", "database"),
        ("core/v1:Service", "web"),
        ("networking.k8s.io/v1:Ingress", "web"),
    }
    image = every_block()["gitlab-deploy:image"]
    assert {d.provider for d in run.declarations if d.parent == "manifests"} == {"cluster"}
    web = run.one("kubernetes:apps/v1:Deployment", "web").inputs["spec"]["template"]["spec"]
    assert (web["containers"][0]["image"], web["imagePullSecrets"]) == (image, [{"name": "gitlab-registry-test"}])
    assert not [d for d in run.declarations if d.type == "gitlab-deploy:index:KubernetesApp"]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (
            {"kubernetes": {"manifests": ["examples/none/*.yml"]}},
            r"kubernetes\.manifests names 'examples/none/\*\.yml', ",
        ),
        ({"kubernetes": FILES, "filesFrom": "application"}, "GITLAB_DEPLOY_FILES does not say where the application's"),
        (
            {"kubernetes": FILES | {"secrets": {"gitlab-registry-test/x": {"secure": "canary"}}}},
            "two objects of this stack are Secret gitlab-registry-test",
        ),
    ],
)
def test_what_cannot_be_read_ends_the_run_before_anything_is_declared(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, keys: dict[str, Any], expected: str
) -> None:
    with pytest.raises(
        pulumi.RunError, match=f"(?s)The manifests have 1 problem; nothing was changed:\n  .*{expected}"
    ):
        run_program(monkeypatch, tmp_path, "app", "dockerHost", **keys)
