"""Whatever a key has for a value, in one file or in two: the file is read or refused with lines, and nothing else."""

import itertools
import json
import re
from typing import Any

import pytest

from components.compose import keys
from tests.support.compose_files import problems

VALUES: list[Any] = [
    *(None, 0, -1, 1.5, 1e300, True, "x", "", "\x01", "²", "${A:-1}", "$NOT", "a" * 300, "/a\0b"),
    *([], {}, [None], [1], [{}], [[1]], [True], ["a", "a=b"], ["a:b"], ["$NOT=1"]),
    *({"a": None}, {"a": 1}, {"a": []}, {"a": {}}, {"a": {"b": None}}, {"a": [None]}, {"a": "$NOT"}),
    *({"test": []}, {"service": "web"}, {"file": "x"}, {"driver": 1}, {"limits": 1}, [{"source": {}}], [{"path": []}]),
]
OVER: list[Any] = [[1], {"a": {"b": 1}}]
SERVICE = sorted({*keys.WORKS, *keys.NO_EFFECT, *keys.REFUSED, "x-mine", "no-key"})
TOP = [*keys.TOP_LEVEL, *keys.TOP_LEVEL_REFUSED, "x-mine", "no-key"]
USED = {"volumes": ["a:/a"], "networks": ["a"], "configs": ["a"], "secrets": ["a"]}


def require_sound(*documents: Any) -> None:
    for problem in problems(*map(json.dumps, documents), files={"x": "services: []\n"}):
        assert re.match(r"compose\.[01]\.yml:[0-9]+ |x:1 |gitlab-deploy:dockerHost\.", problem), problem
        assert "; " in problem
        assert "\n" not in problem


@pytest.mark.parametrize("key", SERVICE)
def test_a_key_of_a_service_may_have_any_value(key: str) -> None:
    for value in VALUES:
        require_sound({"services": {"web": {"image": "IMAGE", key: value}}})
    for value, other in itertools.product(VALUES, OVER):
        require_sound({"services": {"web": {"image": "IMAGE", key: other}}}, {"services": {"web": {key: value}}})


@pytest.mark.parametrize("key", TOP)
def test_a_key_of_the_file_may_have_any_value(key: str) -> None:
    file = {"services": {"web": {"image": "IMAGE", **USED}}, **{kind: {"a": {}} for kind in USED}}
    for value in VALUES:
        require_sound({**file, key: value})
        require_sound({**file, key: {"a": value}})
        require_sound(file, {key: value})
        require_sound(file, {key: {"a": value}})
