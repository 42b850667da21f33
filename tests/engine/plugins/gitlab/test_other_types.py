from tests.engine.plugins.gitlab.conftest import Stack
from tests.support.gitlab_double import GitLabDouble

DEPLOY_TOKEN = """
gitlab.ProjectDeployToken("pull", project="group/blog", scopes=["read_repository", "read_registry"],
    expires_at="2099-01-31T00:00:00+01:00", opts=opts)
"""
ENVIRONMENT = """
gitlab.ProjectEnvironment("production", project="group/blog", name="production", tier="production",
    external_url="https://blog.example.org", stop_before_destroy=True, opts=opts)
"""


def test_a_deploy_token_is_named_by_itself_and_its_secret_is_kept_encrypted(
    stack: Stack, gitlab_double: GitLabDouble
) -> None:
    project = gitlab_double.client().projects.get("group/blog")
    stack.up(DEPLOY_TOKEN)
    (token,) = project.deploytokens.list(get_all=True)
    assert token.name.startswith("pull-")
    assert set(token.scopes) == {"read_registry", "read_repository"}
    state = stack.resource("pull")
    assert state["id"] == f"group/blog:{token.id}"
    assert state["outputs"]["expiresAt"] == "2099-01-31T00:00:00+01:00"
    assert "ciphertext" in state["outputs"]["token"]
    stack.run("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    stack.run("preview", "--expect-no-changes")
    assert stack.plan(DEPLOY_TOKEN.replace('"read_repository", ', "")) == {"pull": "replace"}
    stack.run("destroy", "--yes", "--skip-preview")
    assert project.deploytokens.list(get_all=True) == []


def test_an_environment_is_updated_in_place_and_stopped_before_it_is_deleted(
    stack: Stack, gitlab_double: GitLabDouble
) -> None:
    project = gitlab_double.client().projects.get("group/blog")
    stack.up(ENVIRONMENT)
    (environment,) = project.environments.list(get_all=True)
    assert (environment.tier, environment.external_url) == ("production", "https://blog.example.org")
    assert stack.resource("production")["id"] == f"group/blog:{environment.id}"
    stack.run("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    moved = ENVIRONMENT.replace("blog.example.org", "www.example.org")
    assert stack.plan(moved) == {"production": "update"}
    stack.up(moved)
    assert project.environments.get(environment.id).external_url == "https://www.example.org"
    stack.run("destroy", "--yes", "--skip-preview")
    assert project.environments.list(get_all=True) == []


def test_a_running_environment_is_not_deleted_unless_it_is_to_be_stopped(
    stack: Stack, gitlab_double: GitLabDouble
) -> None:
    stack.up(ENVIRONMENT.replace("stop_before_destroy=True, ", ""))
    refused = stack.run("destroy", "--yes", "--skip-preview", fails=True)
    assert "is available, and only a stopped one can be deleted: set stopBeforeDestroy" in refused
    assert len(gitlab_double.client().projects.get("group/blog").environments.list(get_all=True)) == 1


def test_get_project_finds_it_by_path_and_by_id(stack: Stack) -> None:
    stack.up("""
invoke = pulumi.InvokeOptions(provider=opts.provider)
by_path = gitlab.get_project(path_with_namespace="group/blog", opts=invoke)
by_id = gitlab.get_project(id="20", opts=invoke)
pulumi.export("same", by_path.id == by_id.id == "20")
pulumi.export("found", [by_path.name, by_path.namespaces[0].full_path, by_path.push_rules, by_path.runners_token])
""")
    outputs = stack.export()["deployment"]["resources"][0]["outputs"]
    assert outputs == {"same": True, "found": ["blog", "group", [], None]}
