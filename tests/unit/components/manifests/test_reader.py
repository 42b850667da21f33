import json
from typing import Any

import pytest

from components.image.reference import ImageReference
from components.manifests import schema
from components.manifests.reader import Read, read
from components.source.source_error import SourceError
from components.source.yaml_file import documents
from tests.support.web_manifest import WEB

IMAGE = ImageReference.parse("registry.example.com/group/blog:1.0.0")


def manifests(text: str, **reserved: str) -> Read:
    names = {tuple(key.split("_")): value for key, value in reserved.items()}
    return read(documents(text, "deployment.yml", "yaml 1.1"), schema.load(), "example", IMAGE, names)  # type: ignore[arg-type]


def problems(text: str, **reserved: str) -> list[str]:
    with pytest.raises(SourceError) as refused:
        manifests(text, **reserved)
    return [str(problem) for problem in refused.value.problems]


def document(kind: str, version: str = "v1", **fields: Any) -> str:
    """One more document on line 13, behind that of WEB, as JSON, which is YAML."""

    return f"{WEB}---\n{json.dumps({'apiVersion': version, 'kind': kind, 'metadata': {'name': 'x'}} | fields)}\n"


@pytest.mark.parametrize(
    "image",
    [
        *("IMAGE", "$IMAGE", "${IMAGE}", "registry.example.com/group/blog", "registry.example.com/group/blog:0.1"),
        *("registry.example.com/group/blog:$CI_COMMIT_SHA", "registry.example.com/group/blog:%BUILD%"),
    ],
)
def test_placeholder_and_any_tag_of_the_repository_get_the_stacks_image(image: str) -> None:
    [web] = manifests(WEB.replace("image: IMAGE", f'image: "{image}"')).manifests
    assert web.images == {"web": str(IMAGE)}
    assert web.own_image
    assert (web.where, web.body["metadata"]["namespace"]) == ("deployment.yml:1", "example")


@pytest.mark.parametrize(
    ("kind", "version", "path"),
    [
        ("StatefulSet", "apps/v1", ("template",)),
        ("DaemonSet", "apps/v1", ("template",)),
        ("Job", "batch/v1", ("template",)),
        ("CronJob", "batch/v1", ("jobTemplate", "spec", "template")),
        ("Pod", "v1", ()),
        ("Service", "serving.knative.dev/v1", ("template",)),
    ],
)
def test_every_kind_with_pods_gets_the_image_in_each_list_of_containers(
    kind: str, version: str, path: tuple[str, ...]
) -> None:
    spec: Any = {name: [{"name": name, "image": "IMAGE"}] for name in ("containers", "initContainers")}
    for key in reversed((*path, "spec") if path else ()):
        spec = {key: spec}
    spec |= {"CronJob": {"schedule": "@daily"}, "Pod": {}, "Job": {}}.get(kind, {"selector": {}})
    *_, made = manifests(document(kind, version, spec=spec)).manifests
    assert str(made.body).count(f"'image': '{IMAGE}'") == 2


@pytest.mark.parametrize(
    "spec",
    [
        {"templates": [{"container": {"image": "$IMAGE"}}, {"script": {"image": "IMAGE"}}]},
        {"steps": [{"image": "IMAGE"}, {"image": "${IMAGE}"}]},
        {
            "template": {
                "spec": {"volumes": [{"image": {"reference": "IMAGE"}}], "containers": ["x", {"image": "IMAGE"}]}
            }
        },
    ],
)
def test_custom_resource_gets_the_image_wherever_a_placeholder_is_one(spec: dict[str, Any]) -> None:
    found = manifests(document("Workflow", "example.com/v1", spec=spec).removeprefix(f"{WEB}---\n"))
    [made] = found.manifests
    assert made.own_image
    assert str(made.body).count(str(IMAGE)) == 2
    assert found.warnings == ()


def test_other_variable_as_image_of_a_custom_resource_is_a_warning() -> None:
    spec = {"steps": [{"image": "$TOOL"}], "template": {"metadata": {"labels": {"image": "IMAGE"}}}, "title": "IMAGE"}
    found = manifests(document("Workflow", "example.com/v1", spec=spec))
    assert found.manifests[-1].body["spec"] == spec
    [warning] = found.warnings
    assert warning.startswith("deployment.yml:13 has $TOOL in it, which nothing replaces")


@pytest.mark.parametrize("image", ["IMAGE", "registry.example.com/group/blog:0.1"])
def test_volume_of_an_image_gets_the_stacks_image(image: str) -> None:
    volumes = [{"name": "site", "image": {"reference": image}}]
    pod = {"containers": [{"name": "x", "image": "nginx:1.27"}], "volumes": volumes}
    [made] = manifests(document("Pod", spec=pod).removeprefix(f"{WEB}---\n")).manifests
    assert made.own_image
    assert made.body["spec"]["volumes"] == [{"name": "site", "image": {"reference": str(IMAGE)}}]


def test_volume_of_another_image_is_checked_like_a_container() -> None:
    pod = {"containers": [{"name": "x", "image": "IMAGE"}], "volumes": [{"name": "v", "image": {"reference": "$A:$B"}}]}
    [problem] = problems(document("Pod", spec=pod))
    assert problem.startswith("deployment.yml:13 has the image '$A:$B', which is no image reference; write IMAGE")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            document("Namespace"),
            "deployment.yml:13 is a Namespace, and the stack deploys to the namespace 'example' that is there; take "
            "the document out; the block access makes the namespace",
        ),
        (
            document("ClusterRoleBinding", "rbac.authorization.k8s.io/v1"),
            "deployment.yml:13 is a ClusterRoleBinding, with rights on the whole cluster; use a RoleBinding, or have "
            "it made by whoever owns it",
        ),
        (
            document("PersistentVolume"),
            "deployment.yml:13 is a PersistentVolume, which belongs to no namespace; take it out, and have it made by "
            "whoever owns the cluster",
        ),
        (
            document("ConfigMap", metadata={"name": "x", "namespace": "kube-system"}),
            "deployment.yml:13 is for the namespace 'kube-system', and this stack deploys to 'example'; take "
            "metadata.namespace out, or deploy it with a stack of that namespace",
        ),
        (
            document("Secret", metadata={"name": "database"}, stringData={"password": "canary-1"}),
            "deployment.yml:13 is a Secret with values in the file; revoke them, take the document out, and set new "
            "ones with 'pulumi config set --secret --path "
            "'gitlab-deploy:kubernetes.secrets[\"database/password\"]''",
        ),
        *(
            (
                document("Secret", metadata={"name": "database"}, **dict[str, Any]({field: values})),
                "deployment.yml:13 is a Secret with values in the file; take the document out, and set them with "
                "'pulumi config set --secret --path 'gitlab-deploy:kubernetes.secrets[\"database/a\"]''",
            )
            for field, values in (
                ("stringData", {"a": "$DB_PASSWORD", "b": "${DB_USER}", "c": "{{ .Values.x }}", "d": "", "e": None}),
                ("data", {"a": "JERCX1BBU1NXT1JE"}),
                ("data", {"a": "{{ .Values.x | b64enc }}\n"}),
            )
        ),
        *(
            (
                document("Secret", metadata={"name": "database"}, stringData={"a": "$DB_PASSWORD", "b": value}),
                "deployment.yml:13 is a Secret with values in the file; revoke them, take the document out",
            )
            for value in (
                *("canary", "$canary", "${DB_PASSWORD:-canary}", '{{ default "canary" .Values.x }}'),
                *("{{ .Values.a }}canary{{ .Values.b }}", "postgres://$USER:canary@db", 7, ["canary"]),
            )
        ),
        (
            document("Secret", type="kubernetes.io/dockerconfigjson", data={".dockerconfigjson": "$LOGIN"}),
            "deployment.yml:13 is a Secret with the login of a registry in the file; take the document out: the block "
            "registry makes the pull secret, which Pods that name none get",
        ),
        (
            document("Secret", type="kubernetes.io/dockerconfigjson", data={".dockerconfigjson": "Y2FuYXJ5"}),
            "deployment.yml:13 is a Secret with the login of a registry in the file; revoke it, and take the document",
        ),
        (
            document(
                "RoleBinding",
                "rbac.authorization.k8s.io/v1",
                roleRef={"kind": "ClusterRole", "name": "cluster-admin"},
            ),
            "deployment.yml:13 binds the ClusterRole cluster-admin; bind a Role, or the ClusterRole admin, edit or "
            "view",
        ),
        (
            document(
                "RoleBinding",
                "rbac.authorization.k8s.io/v1",
                roleRef={"kind": "Role", "name": "a"},
                subjects=[{"kind": "ServiceAccount", "name": "a", "namespace": "other"}],
            ),
            "deployment.yml:13 gives rights to a ServiceAccount of the namespace 'other'; name one of 'example'",
        ),
        (
            document(
                "RoleBinding",
                "rbac.authorization.k8s.io/v1",
                roleRef={"kind": "Role", "name": "a"},
                subjects=[{"kind": "Group", "name": "system:masters"}],
            ),
            "deployment.yml:13 gives rights to the Group system:masters; name ServiceAccounts of the namespace alone; "
            "whoever owns the cluster gives people their rights",
        ),
        (
            document("Ingress", "extensions/v1beta1"),
            "deployment.yml:13 has the apiVersion 'extensions/v1beta1', which has no Ingress; use networking.k8s.io/v1",
        ),
        (
            document("Deploymnet", "apps/v1"),
            "deployment.yml:13 has the kind 'Deploymnet', which apps/v1 does not have; did you mean Deployment?",
        ),
        (
            document("configmap"),
            "deployment.yml:13 has the kind 'configmap', which v1 does not have; did you mean ConfigMap?",
        ),
        (
            document("ConfigMap", "V1"),
            "deployment.yml:13 has the apiVersion 'V1', which does not exist; use v1",
        ),
        (
            document("CronJob", "batch/v1beta1"),
            "deployment.yml:13 has the apiVersion 'batch/v1beta1', which has no CronJob; use batch/v1",
        ),
        (
            document("ConfigMap", metadata={"generateName": "x-"}),
            "deployment.yml:13 has generateName, with which every run would make another object; write metadata.name",
        ),
        (document("ConfigMap", metadata={}), "deployment.yml:13 has no name; write metadata.name"),
        (
            document("ConfigMap", metadata={"name": 7}),
            "deployment.yml:13 is a number, and name is a text; put it in quotes",
        ),
        (
            document("ConfigMap", metadata={"name": "x" * 254}),
            f"deployment.yml:13 has the name '{'x' * 75}...', which is no name of an object; use lower-case letters, "
            "digits, '-' and '.', at most 253 characters",
        ),
        (
            document("ConfigMap", 1),  # type: ignore[arg-type]
            "deployment.yml:13 is a number, and apiVersion is a text; write one, such as 'v1' or 'apps/v1'",
        ),
        (document(True), "deployment.yml:13 is true, and kind is a text; write one, such as 'Deployment'"),  # type: ignore[arg-type]
        (document([]), "deployment.yml:13 is a list, and kind is a text; write one, such as 'Deployment'"),  # type: ignore[arg-type]
        (document("", "apps/v1"), "deployment.yml:13 has no kind; write one, or take the document out"),
        (
            document("PersistentVolumeClaim", spec={"accessModes": ["ReadOnlyTwice"], "resources": {"limits": "x"}}),
            "deployment.yml:13 is a text, and limits is a mapping; write a mapping",
        ),
        (
            f"{WEB}---\n{WEB}",
            "deployment.yml:13 is Deployment web again, which deployment.yml:1 is too; keep one of them",
        ),
        (f"{WEB}---\njust text\n", "deployment.yml:13 is no object of Kubernetes; write a mapping with apiVersion, "),
        (WEB.replace("kind: Deployment\n", ""), "deployment.yml:1 has no kind; write one, or take the document out"),
        (
            WEB.replace("image: IMAGE", "image: nginx:1.27"),
            "gitlab-deploy:kubernetes.manifests names files in which no container has the image of "
            "registry.example.com/group/blog; write 'image: IMAGE' for it in place of one of these, nginx:1.27 "
            "(deployment.yml:11)",
        ),
        (
            WEB + "          env: [{name: PORT, value: 8080}]\n",
            "deployment.yml:12 is a number, and value is a text; put it in quotes",
        ),
        (
            WEB.replace("image: IMAGE", "image: $CI_REGISTRY_IMAGE:$TAG"),
            "deployment.yml:11 has the image '$CI_REGISTRY_IMAGE:$TAG', which is no image reference; write IMAGE if it "
            "stands for the stack's image, or the whole reference",
        ),
        (WEB + "  paused: true\n", "deployment.yml:12 is paused, so that its Pods would never get an image; take "),
    ],
)
def test_what_cannot_be_deployed_is_refused_with_its_line_and_the_way_out(text: str, expected: str) -> None:
    [problem] = problems(text)
    assert problem.startswith(expected)
    assert "canary" not in problem


def test_what_the_stack_makes_itself_is_not_declared_again() -> None:
    text = document("NetworkPolicy", "networking.k8s.io/v1", metadata={"name": "default-deny"})
    assert problems(text, **{"NetworkPolicy_default-deny": "name another access.namespace"}) == [
        "deployment.yml:13 is NetworkPolicy default-deny, which this stack makes itself; name another access.namespace"
    ]


def test_custom_resource_of_a_reserved_name_is_another_object() -> None:
    text = document("NetworkPolicy", "crd.projectcalico.org/v1", metadata={"name": "default-deny"})
    *_, made = manifests(text, **{"NetworkPolicy_default-deny": "name another access.namespace"}).manifests
    assert (made.group, str(made)) == ("crd.projectcalico.org", "NetworkPolicy default-deny")


def test_kustomization_is_refused_with_the_tool_that_builds_it() -> None:
    found = documents("resources: [web.yml]\n", "base/kustomization.yaml", "yaml 1.1")
    with pytest.raises(SourceError, match="is a kustomization, which is not built here; name what 'kubectl kustomize'"):
        read(found, schema.load(), "example", IMAGE, {})


def test_all_problems_are_reported_at_once() -> None:
    text = document("Namespace") + document("PersistentVolume").removeprefix(WEB)
    assert len(problems(text)) == 2


def test_lists_are_read_item_by_item_with_the_lines_of_the_items() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n" + "".join(
        f"  {'- ' if number == 0 else '  '}{line}\n" for number, line in enumerate(WEB.splitlines())
    )
    [web] = manifests(text).manifests
    assert (str(web), web.where) == ("Deployment web", "deployment.yml:4")


def test_custom_resources_and_secrets_without_values_are_deployed() -> None:
    text = document("Certificate", "cert-manager.io/v1") + document("Secret").removeprefix(WEB)
    assert [str(item) for item in manifests(text).manifests] == ["Deployment web", "Certificate x", "Secret x"]


def test_mutable_tag_of_another_image_is_a_warning() -> None:
    text = document("Pod", spec={"containers": [{"name": "x", "image": "nginx:latest"}]})
    [warning] = manifests(text).warnings
    assert warning.startswith("deployment.yml:13 has the image nginx:latest, whose tag may mean another image tomorrow")


def test_job_without_a_spec_is_left_to_the_cluster() -> None:
    *_, made = manifests(document("Job", "batch/v1")).manifests
    assert made.is_job


def test_what_only_the_cluster_sets_is_left_out() -> None:
    annotations = {"deployment.kubernetes.io/revision": "3", "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    metadata = {"name": "x", "creationTimestamp": None, "uid": "1", "annotations": {"a": "b", **annotations}}
    *_, made = manifests(document("ConfigMap", metadata=metadata, status={}, data={})).manifests
    kept = {"name": "x", "namespace": "example", "annotations": {"a": "b"}}
    assert made.body == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": kept}


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("batch/v2", "CronJob"),
        ("apps/v1", "ReplicaPlan"),
        ("resource.k8s.io/v1beta1", "ResourceClaim"),
        ("resource.k8s.io/v9alpha1", "ResourcePoolClaim"),
        ("networking.k8s.io/v2", "Ingress"),
        ("v1", "Thing"),
    ],
)
def test_kinds_and_versions_that_only_the_cluster_may_know_are_passed_on(version: str, kind: str) -> None:
    *_, made = manifests(document(kind, version, spec={"fromTheFuture": 1})).manifests
    assert (made.api_version, made.kind) == (version, kind)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"spec": {"items": []}},
        {"items": None},
        {"items": ["10.0.0.1"]},
        {"items": [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "y"}}]},
    ],
)
def test_custom_resource_whose_kind_ends_in_list_is_an_object(fields: dict[str, Any]) -> None:
    *_, made = manifests(document("AllowList", "example.com/v1", **fields)).manifests
    assert str(made) == "AllowList x"
    assert made.body.get("items") == fields.get("items")


def test_list_of_one_kind_that_kubectl_prints_is_read_item_by_item() -> None:
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    text = document("ConfigMapList", metadata={"resourceVersion": ""}, items=[item])
    assert [str(made) for made in manifests(text).manifests] == ["Deployment web", "ConfigMap x"]


@pytest.mark.parametrize(
    "spec",
    [
        {"containers": [{"name": "a"}]},
        {"containers": [{"name": "a", "image": {"repository": "blog"}}]},
        {"containers": [{"name": "a", "image": "the newest one"}]},
        {"containers": ["a", "b"]},
        {"containers": {"a": {}}},
        {"template": {"metadata": {"labels": {"title": "no value of a label"}}}},
    ],
)
def test_custom_resources_mean_what_they_like_by_the_same_words(spec: dict[str, Any]) -> None:
    found = manifests(document("Widget", "example.com/v1", spec=spec))
    assert found.manifests[-1].body["spec"] == spec
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("metadata", "fields", "kept"),
    [
        # What somebody has written, and what `kubectl get` shows of an object.
        ({}, {"data": {}, "status": {"a": 1}, "stringData": False}, {"data", "status", "stringData"}),
        ({"uid": "1"}, {"data": {}, "status": {"a": 1}}, {"data"}),
        ({"creationTimestamp": None}, {"status": {}}, set()),
    ],
)
def test_custom_resource_keeps_what_the_cluster_has_not_added(
    metadata: dict[str, Any], fields: dict[str, Any], kept: set[str]
) -> None:
    made = manifests(document("Widget", "example.com/v1", metadata={"name": "x", **metadata}, **fields)).manifests[-1]
    assert made.body.keys() - {"apiVersion", "kind", "metadata"} == kept


@pytest.mark.parametrize(
    "text",
    [
        document("ConfigMap", **dict[str, Any]({"a\nb": 1})),
        document("ConfigMap", data={"a\nb": True}),
        document("Secret", stringData={"a\nb": "x"}),
        document("Widget\nb", "example.com/v1"),
        document("Widget", "example.com/v1\nb"),
        document("Widget", "example.com/v1", metadata={"name": "a\nb"}),
        document("Role", "rbac.authorization.k8s.io/v1", metadata={"name": "a\nb"}),
        document(
            "RoleBinding",
            "rbac.authorization.k8s.io/v1",
            roleRef={"kind": "ClusterRole", "name": "system:a\nb"},
            subjects=[{"kind": "User", "name": "a\nb"}],
        ),
        document("Pod", spec={"containers": [{"name": "a\nb", "image": "x"}, {"name": "a\nb", "image": "x"}]}),
    ],
)
def test_problem_with_a_line_break_in_it_is_one_line(text: str) -> None:
    for problem in problems(text):
        assert problem.isprintable()
        assert problem.startswith("deployment.yml:13 ")


def test_warning_with_a_line_break_in_it_is_one_line() -> None:
    pod = {"containers": [{"name": "x", "image": "a:1", "env": [{"name": "A", "value": "${X:-a\nb} {{ c\nd }}"}]}]}
    assert all(warning.isprintable() for warning in manifests(document("Pod", spec=pod)).warnings)


def test_unknown_choice_in_a_list_is_said_of_the_list() -> None:
    spec = {"accessModes": ["ReadOnlyByFew"], "resources": {}}
    [warning] = manifests(document("PersistentVolumeClaim", spec=spec)).warnings
    assert warning.startswith("deployment.yml:13 is 'ReadOnlyByFew', and each of accessModes is one of ReadOnlyMany, ")


def test_labels_of_a_custom_resource_itself_are_those_of_kubernetes() -> None:
    text = document("Widget", "example.com/v1", metadata={"name": "x", "labels": {"title": "a b"}})
    assert [problem.split(";")[0] for problem in problems(text)] == [
        "deployment.yml:13 is 'a b', which is no value of a label"
    ]
