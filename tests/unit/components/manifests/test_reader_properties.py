"""Random manifests: each is read or refused with its line, and nothing of it is outside of the namespace."""

import re
from typing import Any

import yaml
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from components.image.reference import ImageReference
from components.manifests import kinds
from components.manifests.order import front, order, services_of
from components.manifests.pods import changed_pod, image_pull_secrets, secret_names
from components.manifests.reader import Read, read
from components.settings.problem import Problem
from components.source.source_error import SourceError
from components.source.yaml_file import documents

IMAGE = ImageReference.parse("registry.example.com/group/blog:1.0.0")
NAMES = st.sampled_from(["web", "db", "a.b", "system:x", "", "x/y", "..", "no", 7, None, True, "w" * 300])
NAMESPACES = st.sampled_from(["example", "other", "", None, 1, "kube-system"])
VERSIONS = st.sampled_from([
    *("v1", "apps/v1", "batch/v1", "networking.k8s.io/v1", "rbac.authorization.k8s.io/v1", "extensions/v1beta1"),
    *("autoscaling/v2", "example.com/v1", "foo/v1", "apps/v9", "", "/", "a/b/c", "v1/", "storage.k8s.io/v1", 1, None),
])  # fmt: skip
KINDS = st.sampled_from([
    *("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "Service", "ConfigMap", "Secret", "Role"),
    *("RoleBinding", "ClusterRole", "Namespace", "Ingress", "List", "DeploymentList", "Widget", "", None, 3),
])  # fmt: skip
LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 2**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["IMAGE", "$IMAGE", "nginx", "nginx:latest", str(IMAGE), "registry.example.com/group/blog", "x y"]),
    st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=8),
)
KEYS = st.sampled_from([
    *("spec", "template", "metadata", "containers", "initContainers", "image", "name", "labels", "annotations", "env"),
    *("value", "valueFrom", "secretKeyRef", "jobTemplate", "data", "stringData", "type", "roleRef", "subjects", "kind"),
    *("namespace", "selector", "rules", "http", "paths", "backend", "service", "items", "volumes", "envFrom"),
    *("sources", "projected", "imagePullSecrets", "paused", "ttlSecondsAfterFinished"),
])  # fmt: skip
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES, lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=4), max_leaves=6
)
REAL = [
    *(("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("apps/v1", "DaemonSet"), ("batch/v1", "Job")),
    *(
        ("batch/v1", "CronJob"),
        ("v1", "Pod"),
        ("v1", "Service"),
        ("v1", "ConfigMap"),
        ("networking.k8s.io/v1", "Ingress"),
    ),
    *(("rbac.authorization.k8s.io/v1", "RoleBinding"), ("v1", "Secret"), ("example.com/v1", "Widget")),
]


def mostly(right: Any, other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The right value nine times of ten."""
    return st.integers(0, 9).flatmap(lambda number: other if number == 0 else st.just(right))


@st.composite
def objects(draw: st.DrawFn) -> Any:
    """Objects that are nearly right, and some that are anything."""
    version, kind = draw(mostly(draw(st.sampled_from(REAL)), st.tuples(VERSIONS, KINDS)))
    pod: dict[str, Any] = {"containers": [{"name": "a", "image": draw(mostly("IMAGE", LEAVES))}]}
    for key in draw(
        st.sets(st.sampled_from(["volumes", "initContainers", "containers", "imagePullSecrets"]), max_size=1)
    ):
        pod[key] = draw(VALUES)
    template = {"metadata": draw(mostly({"labels": {"app": "web"}}, VALUES)), "spec": draw(mostly(pod, VALUES))}
    spec = {"template": template, "selector": {"app": "web"}}
    spec = {"CronJob": {"jobTemplate": {"spec": spec}}, "Pod": pod}.get(str(kind), spec)
    metadata = {"name": draw(mostly(f"{draw(st.integers(0, 99))}", NAMES))}
    for key in draw(st.sets(st.sampled_from(["namespace", "labels", "annotations"]), max_size=1)):
        metadata[key] = draw(NAMESPACES if key == "namespace" else VALUES)
    made = {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": draw(mostly(spec, VALUES))}
    made |= draw(mostly({}, st.dictionaries(KEYS, VALUES, max_size=2)))
    listed = {"apiVersion": "v1", "kind": "List", "items": [made]}
    return draw(mostly(draw(st.sampled_from([made, listed])), VALUES))


def problems_of(text: str) -> list[Problem] | Read:
    """What the reader makes of a file: its problems, or its objects."""
    try:
        return read(documents(text, "random.yml", "yaml 1.1"), "example", IMAGE, {})
    except SourceError as error:
        return list(error.problems)


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(objects(), st.sampled_from([None, False, True]))
def test_random_manifests_are_read_or_refused_with_a_line_of_the_file(value: Any, style: bool | None) -> None:
    text = yaml.dump(value, Dumper=yaml.CSafeDumper, default_flow_style=style)
    found = problems_of(text)
    event("refused" if isinstance(found, list) else "read")
    if isinstance(found, list):
        assert found
        for problem in found:
            where = re.fullmatch(r"random\.yml:([0-9]+)|gitlab-deploy:kubernetes\.manifests", problem.path)
            assert where, problem.path
            assert where[1] is None or 1 <= int(where[1]) <= len(text.splitlines())
            assert problem.remedy
            assert "\n" not in str(problem)
        return
    assert any(item.own_image for item in found.manifests)
    for item in found.manifests:
        assert item.body["metadata"]["namespace"] == "example"
        assert not kinds.is_cluster_wide(item.api_version, item.kind)
        # What the component asks of them has an answer.
        services_of(item, found.manifests)
        changed_pod(item.body, item, {"a": "b"}, [{"name": "x"}])
        image_pull_secrets(item, found.manifests)
        assert all(isinstance(name, str) for name in secret_names(item.pod))
    ordered = order(found.manifests)
    assert {*ordered.first, *ordered.others, *ordered.jobs, *ordered.last} == set(found.manifests)
    front(found.manifests)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 30), st.integers(1, 3))
def test_line_of_a_problem_is_the_line_of_its_value(before: int, documents_before: int) -> None:
    good = "---\nkind: ConfigMap\napiVersion: v1\nmetadata:\n  name: {}\n# comment\n"
    text = "".join(good.format(f"x{number}") for number in range(documents_before)) + "\n" * before
    text += "---\nkind: ConfigMap\napiVersion: v1\nmetadata:\n  name: bad\n  namespace: other\n"
    found = problems_of(text)
    assert isinstance(found, list)
    [problem] = found
    assert text.splitlines()[int(problem.path.rpartition(":")[2]) - 1] == "  namespace: other"
