"""What the engine hands over, in any form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.settings import settings
from components.settings.stack import BLOCKS
from tests.support.stack_files import EVERY

pytestmark = pytest.mark.usefixtures("no_garbage_collection")

HUGE = [
    "9" * 5000,
    "[" * 100_000,
    "[" * 100_000 + "]" * 100_000,
    '{"a":' * 100_000,
    '{"port": ' + "9" * 5000 + "}",
    *("[" * depth + "]" * depth for depth in range(300, 1100, 100)),
    *('{"port":' * depth + "1" + "}" * depth for depth in range(300, 1100, 100)),
]


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("secrets", [False, True])
def test_a_block_that_no_reader_takes_is_a_problem_of_one_line(block: str, *, secrets: bool) -> None:
    full = f"gitlab-deploy:{block}"
    for value in HUGE:
        for written in (value, {"port": value}, {"a": {"secure": "x"}}):
            _, problems = settings.parse({full: value}, [full] if secrets else [], written={full: written})
            assert any(problem.path.startswith(full) for problem in problems), value[:20]
            assert all("\n" not in str(problem) for problem in problems)


@given(st.text())
def test_any_text_of_a_block_is_a_problem_or_a_block(text: str) -> None:
    _, problems = settings.parse({"gitlab-deploy:access": text})
    assert all("\n" not in str(problem) for problem in problems)


@pytest.mark.parametrize(
    ("name", "is_secret", "remedy"),
    [
        (
            "app.secrets.DB_PASSWORD",
            True,
            "run 'pulumi config rm gitlab-deploy:app.secrets.DB_PASSWORD', and set it with 'pulumi config set --secret "
            "--path gitlab-deploy:app.secrets.DB_PASSWORD'",
        ),
        (
            "registry.password",
            False,
            "revoke that secret, run 'pulumi config rm gitlab-deploy:registry.password', and set a new one with "
            "'pulumi config set --secret --path gitlab-deploy:registry.password'",
        ),
        (
            'kubernetes.secrets["database/password"]',
            True,
            "run 'pulumi config rm 'gitlab-deploy:kubernetes.secrets[\"database/password\"]'', and set it with "
            "'pulumi config set --secret --path 'gitlab-deploy:kubernetes.secrets[\"database/password\"]''",
        ),
        (
            "access.server",
            False,
            "run 'pulumi config rm gitlab-deploy:access.server', and set it with 'pulumi config set --path "
            "gitlab-deploy:access.server'",
        ),
        (
            "access[0]",
            False,
            "run 'pulumi config rm 'gitlab-deploy:access[0]'', and set it with 'pulumi config set --path "
            "'gitlab-deploy:access[0]''",
        ),
    ],
)
def test_a_key_set_without_path_is_told_with_the_commands(name: str, remedy: str, *, is_secret: bool) -> None:
    full = f"gitlab-deploy:{name}"
    values = {key: value for key, value in EVERY.items() if isinstance(value, str)}
    _, problems = settings.parse(values | {full: "hunter2canary"}, [full] if is_secret else [])
    [problem] = [problem for problem in problems if problem.path == full]
    assert str(problem) == f"{full} was set without --path, so that no block has it; {remedy}"


@pytest.mark.parametrize("name", ["appx.secrets", "accessory", "image.tag"])
def test_a_key_that_only_begins_like_a_block_is_not_known(name: str) -> None:
    _, problems = settings.parse({f"gitlab-deploy:{name}": "x"})
    assert [problem.cause for problem in problems if problem.path == f"gitlab-deploy:{name}"] == ["is not a known key"]
