import pytest

from components.cluster.explain import way_out

CONFLICT = (
    '1 error occurred:\n\t* the Kubernetes API server reported that "shop/web" failed to fully initialize: '
    'Apply failed with 1 conflict: conflict with "{}" using apps/v1: {}\nPlease review the fields above'
)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            CONFLICT.format('kubectl" with subresource "scale', ".spec.replicas"),
            "out of the stack file (kubernetes.replicas)",
        ),
        (CONFLICT.format("helm", '.spec.template.spec.containers[name="app"].image'), "'helm' has changed .spec.templ"),
        (
            'Deployment.apps "web" is invalid: spec.selector: Invalid value: {}: field is immutable',
            "Give yours another name",
        ),
        ('services "web" already exists', "Run the same command again"),
    ],
)
def test_an_error_of_the_api_server_ends_with_the_way_out(error: str, expected: str) -> None:
    said = way_out("Deployment", "web", [error])
    assert said
    assert expected in said
    assert "Deployment web" in said


def test_any_other_error_speaks_for_itself() -> None:
    assert way_out("Deployment", "web", ["connection refused"]) is None
