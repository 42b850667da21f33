"""Values of a stack file that some reader behind it takes for something else."""

from pathlib import Path

import pytest

from components.settings import rules
from components.settings.rule import Rule
from tests.support.stack_files import places, read

HOSTILE = [
    "",
    "a" * 254,
    "UPPER",
    "-a",
    "a-",
    "a_b",
    "a b",
    "a\n",
    "ä",
    "../x",
    "$(x)",
    "-oProxyCommand=x",
    "a\u202eb",
    "😀",
]
# Python's own reader of ISO 8601 takes some of these, GitLab none.
DAYS = [20270131, "20270131", "2027-1-31", "2027-W05-7", "2027-031", "2027-02-30", "31.01.2027", "2027-01-31T00:00:00Z"]
# The API has the path as one part of its own, in which dots lead elsewhere.
PROJECTS = ["group/..", "group/.", "../blog", "group/../admin/blog", "group/blog/..", "group%2Fblog", "group/blog?x=1"]


@pytest.mark.parametrize("rule", [rules.DNS_LABEL, rules.DNS_NAME, rules.SERVICE_NAME, rules.ROTATION])
@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_names_are_refused(rule: Rule, value: str) -> None:
    assert not rule.accepts(value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *(("gitlab-deploy:registry.expires", day) for day in DAYS),
        *(
            (path, project)
            for path in ("gitlab-deploy:gitlabProject", "gitlab-deploy:registry.project")
            for project in PROJECTS
        ),
        ("gitlab-deploy:access.previewProject", "group/.."),
    ],
)
def test_a_day_or_a_project_that_others_read_otherwise_is_refused(path: str, value: object, tmp_path: Path) -> None:
    (place,) = [place for place in places() if place.path == path]
    assert [problem.path for problem in read(place.put(value), tmp_path)[1]] == [path]
