import json
from typing import Any

import pytest

from ops.preview import plan
from ops.preview.plan import Plan
from ops.preview.redaction import Redactor
from tests.support.plans import document, made, recorded, step, text

OLD, NEW = (f"registry.sandbox.test/group/blog:{version}" for version in ("1.0.0", "2.0.0"))
NAMESPACE = "kubernetes:core/v1:Namespace"
PROVIDER = "pulumi:providers:kubernetes"


def told(found: Plan) -> list[tuple[str, str, str]]:
    return [(change.operation, change.type, change.name) for change in found.changes]


def differences(found: Plan) -> list[tuple[str, str | None, str | None]]:
    return [(item.path, item.old, item.new) for change in found.changes for item in change.properties]


def test_a_new_image_is_shown_on_both_targets_and_once_as_an_image() -> None:
    found = recorded("image")
    assert told(found) == [
        ("replace", "Container", "docker-app-container"),
        ("replace", "RemoteImage", "docker-app-image"),
        ("update", "Deployment", "app-deployment"),
    ]
    assert differences(found)[1:] == [
        ("name", OLD, NEW),
        ("spec.template.spec.containers[app].image", OLD, NEW),
    ]
    assert found.images == ((OLD, NEW),)


def test_what_only_up_will_know_is_marked_and_automatic_names_are_not_shown() -> None:
    container = recorded("image").changes[0]
    assert [(item.path, item.new, item.replaces) for item in container.properties] == [
        ("image", "(known after up)", True)
    ]


def test_a_changed_secret_is_told_although_both_sides_are_hidden() -> None:
    assert differences(recorded("rotation"))[1:] == [("value", "[secret]", "[secret]")] * 2
    assert differences(recorded("env")) == [("envs", "[secret]", "[secret]")]


CONTAINER = "docker:index/container:Container"
SECRET = "kubernetes:core/v1:Secret"


def test_a_plain_image_change_is_not_destructive_and_a_removed_application_is() -> None:
    # The new container is healthy before the old one goes; the pulled image stays on its host.
    assert not any(change.destructive for change in recorded("image").changes)
    assert all(change.destructive for change in recorded("without_app").changes)


@pytest.mark.parametrize(
    ("kind", "old", "new", "destructive"),
    [
        (SECRET, {"metadata": {"name": "token-1"}}, {"metadata": {"name": "token-2"}}, False),
        (SECRET, {"metadata": {"name": "token"}}, {"metadata": {"name": "token"}}, True),
        (SECRET, {}, {"metadata": {"name": "token"}}, True),
        (CONTAINER, {}, {"__defaults": ["name"]}, False),
        (CONTAINER, {}, {"__defaults": ["name"], "ports": [{"external": 80}]}, True),
        (CONTAINER, {}, {"name": "web", "__defaults": []}, True),
        ("gitlab:index/projectVariable:ProjectVariable", {"key": "A"}, {"key": "B"}, True),
    ],
)
def test_a_replacement_is_destructive_unless_the_new_one_comes_first(
    kind: str, old: dict[str, Any], new: dict[str, Any], destructive: bool
) -> None:
    (change,) = made(step("replace", kind=kind, old=old, new=new)).changes
    assert change.destructive is destructive


def test_a_replacement_that_no_property_explains_has_its_reason() -> None:
    found = recorded("other_cluster")
    assert found.count("replace") == 11
    reasons = {change.name: change.reasons for change in found.changes if change.operation == "replace"}
    assert reasons.pop("cluster") == ()
    assert set(reasons.values()) == {("provider",)}
    (identifier,) = next(change.properties for change in found.changes if change.name == "cluster")
    assert (identifier.path, identifier.old, identifier.new, identifier.replaces) == (
        ("clusterIdentifier", "sandbox", "other", True)
    )


def test_components_and_the_stack_are_no_resources() -> None:
    # The engine's summary counts 6: the component WebApp is one.
    assert told(recorded("without_app")) == [
        ("delete", "Deployment", "app-deployment"),
        ("delete", "Secret", "registry-pull-secret"),
        ("delete", "Service", "app-service"),
        ("delete", "NetworkPolicy", "app-network-policy"),
        ("delete", "PodDisruptionBudget", "app-disruption-budget"),
    ]
    assert recorded("empty_state").count("create") == 18


@pytest.mark.parametrize("name", ["unchanged", "drift_none"])
def test_a_preview_without_changes_has_none(name: str) -> None:
    found = recorded(name)
    assert not found.failed
    assert found.changes == ()


def test_a_preview_with_refresh_shows_what_up_would_put_back() -> None:
    assert told(recorded("drift_deleted")) == [
        ("create", "Service", "app-service"),
        ("create", "PodDisruptionBudget", "app-disruption-budget"),
    ]
    assert ("protected", "false", "true") in differences(recorded("drift_variable"))
    assert differences(recorded("drift_conflict")) == [
        ("spec.replicas", "3", "2"),
        ("spec.template.spec.containers[app].image", NEW, OLD),
    ]


def test_a_failed_preview_has_the_programs_words_and_not_the_engines_last_ones() -> None:
    found = recorded("broken")
    assert found.failed
    assert [item.message for item in found.diagnostics] == [
        "Pulumi.sandbox.yaml has 1 problem; nothing was changed:\n"
        "  gitlab-deploy:imgae is not a known key; did you mean 'image'?"
    ]


def test_how_a_program_ends_that_the_engine_stopped_is_not_shown_beside_the_reason() -> None:
    said = {"severity": "error", "message": "error: Resource monitor has terminated, shutting down\n"}
    why = {"severity": "error", "message": "error: Preview failed: no such host\n"}
    for given, shown in ((said, why), "no such host"), ((said,), "Resource monitor has terminated"):
        (found,) = plan.read("prod", json.dumps({"steps": [], "diagnostics": given}), Redactor()).diagnostics
        assert shown in found.message


def test_a_message_about_many_resources_is_told_once() -> None:
    warning, error = recorded("unreachable").diagnostics
    assert "cluster is unreachable" in warning.message
    assert warning.resources == error.resources
    assert len(error.resources) == 10


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "there is no plan file"),
        ("", "the plan file is empty"),
        (" \n", "the plan file is empty"),
        (text("image")[:5000], "the plan file is cut"),
        ("error: no stack named 'prod' found\n", "the plan file holds no plan"),
        ('{"message": "401 Unauthorized"}', "the plan file holds no plan"),
        ('{"config": {}, "duration": 1}', "the preview ended before it planned anything"),
    ],
)
def test_a_plan_that_is_missing_empty_or_cut_is_a_failed_preview(content: str | None, why: str) -> None:
    found = plan.read("prod", content, Redactor())
    assert found.failed
    assert found.failure == why


def test_errors_around_the_plan_are_kept() -> None:
    whole = f"warning: the plugin is old\n{text('unchanged')}\nerror: \x1b[31mthe state is locked\x1b[0m\n"
    found = plan.read("prod", whole, Redactor())
    assert found.failed
    assert [(item.severity, item.message) for item in found.diagnostics if item.severity != "info"] == [
        ("warning", "the plugin is old"),
        ("error", "the state is locked"),
    ]
    alone = plan.read("prod", "error: no stack named 'prod' found\n", Redactor())
    assert [item.message for item in alone.diagnostics] == ["no stack named 'prod' found"]


def test_a_mandatory_policy_that_is_violated_fails_the_preview() -> None:
    def line(level: str) -> str:
        event = {
            "resourceUrn": "urn:pulumi:prod::p::kubernetes:apps/v1:Deployment::app",
            "message": "run as non-root",
            "policyName": "non-root",
            "enforcementLevel": level,
        }
        return json.dumps({"sequence": 3, "timestamp": 1, "policyEvent": event})

    advisory = plan.read("prod", f"{text('unchanged')}\n{line('advisory')}\n", Redactor())
    assert not advisory.failed
    mandatory = plan.read("prod", f"{line('mandatory')}\n{text('unchanged')}", Redactor())
    assert mandatory.failed
    said = next(item for item in mandatory.diagnostics if item.policy)
    assert (said.severity, said.policy, said.message) == ("error", "non-root", "non-root: run as non-root")
    assert said.resources == ("app",)


METADATA: dict[str, Any] = {"name": "web"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"__fieldManager": "a"}, {"__fieldManager": "b"}),
        ({"__defaults": ["a"], "spec": {"__defaults": []}}, {"__defaults": [], "spec": {"__defaults": ["b"]}}),
        (
            {"metadata": METADATA | {"resourceVersion": "1", "managedFields": [{"manager": "a"}]}},
            {"metadata": METADATA},
        ),
        ({"metadata": METADATA | {"uid": "1", "generation": 1, "creationTimestamp": "x"}}, {"metadata": METADATA}),
        ({"status": {"replicas": 1}}, {"status": {"replicas": 2}}),
        (
            {"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}}},
            {"metadata": {"annotations": {}}},
        ),
        (
            {"metadata": {"annotations": {"deployment.kubernetes.io/revision": "2", "a": "b"}}},
            {"metadata": {"annotations": {"a": "b"}}},
        ),
    ],
)
def test_bookkeeping_of_providers_and_servers_is_no_change(old: dict[str, Any], new: dict[str, Any]) -> None:
    changed = step(old=old, new=new, detailedDiff={"__inputs.spec": {"kind": "update", "inputDiff": False}})
    assert differences(made(changed)) == []


def test_an_annotation_that_the_program_itself_sets_is_shown() -> None:
    annotations = [{"kubectl.kubernetes.io/restartedAt": day} for day in ("monday", "tuesday")]
    old, new = ({"metadata": {"annotations": item}} for item in annotations)
    path = 'metadata.annotations["kubectl.kubernetes.io/restartedAt"]'
    assert differences(made(step(old=old, new=new))) == [(path, "monday", "tuesday")]


def test_an_update_of_bookkeeping_is_no_change_and_an_unexplained_one_is() -> None:
    noise = step(old={"status": {"a": 1}, "kind": "x"}, new={"status": {"a": 2}, "kind": "x"})
    assert made(noise).changes == ()
    assert len(made(step(old={"kind": "x"}, new={"kind": "x"})).changes) == 1


def test_a_new_version_of_a_provider_is_no_change_and_other_inputs_are() -> None:
    inputs = [{"version": "4.1.0", "namespace": "a"}, {"version": "4.2.0", "namespace": "a"}]
    assert made(step(kind=PROVIDER, old=inputs[0], new=inputs[1])).changes == ()
    other = step(kind=PROVIDER, old=inputs[0], new=inputs[1] | {"namespace": "b"})
    assert differences(made(other)) == [("namespace", "a", "b")]
    assert told(made(other)) == [("update", "provider kubernetes", "app")]


def test_a_providers_changed_secret_is_told_although_it_has_no_detailed_diff() -> None:
    inputs = {"token": "[secret]", "baseUrl": "https://gitlab.example.com"}
    changed = step(kind=PROVIDER, old=inputs, new=inputs, diffReasons=["token", "baseUrl"])
    assert differences(made(changed)) == [("token", "[secret]", "[secret]")]


def test_a_list_with_a_value_that_only_up_will_know_says_so() -> None:
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    found = made(step(old={"a": ["x"]}, new={"a": ["x", unknown]}))
    assert differences(found) == [("a", '["x"]', '["x", "(known after up)"]')]


def test_outputs_of_the_stack_are_named_and_are_no_change() -> None:
    stack = step("update", kind="pulumi:pulumi:Stack", old={}, new={})
    stack["oldState"]["outputs"] = {"a": 1, "b": 1}
    stack["newState"]["outputs"] = {"a": 2, "b": 1, "c": 1}
    found = made(stack)
    assert found.changes == ()
    assert found.outputs == ("a", "c")


def test_the_three_steps_of_a_replacement_are_one() -> None:
    steps = [
        step(op, kind=NAMESPACE, old={"a": "1"}, new={"a": "2"})
        for op in ("create-replacement", "replace", "delete-replaced")
    ]
    assert told(made(*steps)) == [("replace", "Namespace", "app")]


def test_an_entry_added_to_a_list_is_one_change() -> None:
    def labels(*names: str) -> dict[str, Any]:
        return {"labels": [{"__defaults": [], "label": name, "value": "x"} for name in names]}

    container = "docker:index/container:Container"
    found = made(step(kind=container, old=labels("b", "c"), new=labels("a", "b", "c")))
    assert differences(found) == [("labels[a].value", None, "x")]
    numbers = made(step(kind=container, old={"dns": ["1.1.1.1"]}, new={"dns": ["9.9.9.9", "1.1.1.1"]}))
    assert differences(numbers) == [("dns", '["1.1.1.1"]', '["9.9.9.9", "1.1.1.1"]')]


def test_what_a_server_holds_is_compared_where_the_inputs_are_the_same() -> None:
    changed = step(old={"replicas": 2}, new={"replicas": 2}, detailedDiff={"replicas": {"kind": "update"}})
    changed["oldState"]["outputs"] = {"replicas": 5}
    assert differences(made(changed)) == [("replicas", "5", "2")]
    inputs = {"spec": {"replicas": 2}}
    changed = step(old=inputs, new=inputs, detailedDiff={"spec": {"kind": "update"}})
    changed["oldState"]["outputs"] = {"spec": {"replicas": 5, "revisionHistoryLimit": 10}}
    assert differences(made(changed)) == [("spec.replicas", "5", "2")]


def test_text_that_looks_like_a_number_differs_from_the_number() -> None:
    assert differences(made(step(old={"a": "1"}, new={"a": 1}))) == [("a", '"1"', "1")]
    assert differences(made(step(old={"a": ""}, new={"a": None}))) == [("a", '""', "null")]


def test_the_order_does_not_depend_on_the_engines() -> None:
    steps = [step("create", name=name, new={"a": name}) for name in ("b", "a")] + [step("delete", name="z", old={})]
    assert [change.name for change in made(*steps).changes] == ["z", "a", "b"]
    assert made(*steps) == made(*reversed(steps))


def test_two_branches_are_compared_by_what_they_ask_for() -> None:
    found = plan.between(text("empty_state"), text("empty_state_changed"), "prod", Redactor())
    assert found.compared
    assert told(found) == [("update", "RemoteImage", "docker-app-image"), ("update", "Deployment", "app-deployment")]
    assert ("spec.replicas", "2", "5") in differences(found)
    assert found.images == ((OLD, NEW),)
    assert plan.between(text("empty_state"), text("empty_state"), "prod", Redactor()).changes == ()


def test_resources_of_one_branch_alone_are_created_and_deleted() -> None:
    one = document(step("create", name="a", new={"x": 1}), step("create", name="b", new={"x": 1}))
    other = document(step("create", name="b", new={"x": 1}), step("create", name="c", new={"x": 1}))
    found = plan.between(one, other, "prod", Redactor())
    assert told(found) == [("delete", "Deployment", "a"), ("create", "Deployment", "c")]


def test_a_branch_whose_preview_failed_fails_and_a_target_without_one_is_told() -> None:
    assert plan.between(text("empty_state"), text("broken"), "prod", Redactor()).failed
    found = plan.between(None, text("empty_state"), "prod", Redactor())
    assert not found.failed
    assert found.count("create") == 18
    assert "the target branch has no preview" in found.diagnostics[-1].message


def test_reasons_in_another_order_are_the_same_plan() -> None:
    """A bridged provider reads them from a map: a note in a merge request would change with each run."""
    inputs, given = {"name": "blog", "project": "group/blog"}, ["project", "name"]
    replaced = [
        step("replace", old=inputs, new=inputs, diffReasons=order, replaceReasons=order, detailedDiff=None)
        for order in (given, given[::-1])
    ]
    assert made(replaced[0]) == made(replaced[1])
    other = {"name": "shop", "project": "group/shop"}
    changed = [step(old=inputs, new=other, diffReasons=order, detailedDiff=None) for order in (given, given[::-1])]
    assert made(changed[0]) == made(changed[1])


def test_a_providers_default_is_not_shown_as_removed_if_it_was_not_asked() -> None:
    health = {"__defaults": ["startPeriod"], "startPeriod": "0s", "interval": "1s"}
    old = {"__defaults": ["networkMode"], "networkMode": "bridge", "image": "a", "healthcheck": health}
    new = {"image": "b", "healthcheck": {"interval": "2s"}}
    (change,) = made(step(kind=CONTAINER, old=old, new=new)).changes
    assert [item.path for item in change.properties] == ["image", "healthcheck.interval"]


def test_reasons_that_no_program_gives_are_no_changes() -> None:
    """A bridged provider has no detailed diff, and names each computed output as a reason."""
    kind = "gitlab:index/projectDeployToken:ProjectDeployToken"
    old = {"name": "blog-1", "project": "group/blog"}
    replaced = step(
        "replace",
        kind=kind,
        old=old,
        new={**old, "name": "blog-2"},
        diffReasons=["expired", "expiresAt", "name", "revoked", "token", "username"],
        replaceReasons=["expiresAt", "name", "username"],
    )
    outputs = {"expired": False, "expiresAt": "2099-01-01T00:00:00Z", "revoked": False, "username": "gitlab+1"}
    replaced["oldState"]["outputs"] = old | outputs
    (change,) = made(replaced).changes
    assert [(item.path, item.old, item.new, item.replaces) for item in change.properties] == [
        ("name", "blog-1", "blog-2", True)
    ]
