import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.source import folder
from components.source.source_error import SourceError


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "k8s").mkdir()
    for name in ("k8s/b.yml", "k8s/a.yml", "top.yml"):
        (tmp_path / name).write_text("kind: Pod")
    return tmp_path


def test_files_of_a_pattern_are_sorted_and_each_is_named_once(files: Path) -> None:
    found = folder.matching("key", ["top.yml", "k8s/*.yml", "k8s/b.yml"], files)

    assert [str(file.relative_to(files)) for file in found] == ["top.yml", "k8s/a.yml", "k8s/b.yml"]


@pytest.mark.parametrize("pattern", ["missing.yml", "k8s", "/etc/passwd", "../x", "k8s/../../x"])
def test_a_pattern_that_names_no_file_inside_of_the_folder_is_refused(files: Path, pattern: str) -> None:
    with pytest.raises(SourceError, match=f"gitlab-deploy:kubernetes.manifests names '{pattern}'"):
        folder.matching("gitlab-deploy:kubernetes.manifests", [pattern], files)


@pytest.mark.parametrize(
    ("pattern", "cause"),
    [
        (".", "which is a folder"),
        ("./", "which is a folder"),
        ("k8s/", "which is a folder"),
        ("k8s/.", "which is a folder"),
        ("**.yaml", "which has '**' beside other letters"),
        ("k8s/**.yaml", "which has '**' beside other letters"),
        ("x" * 300, "which cannot be looked for (File name too long)"),
        ("k8s/" + "x" * 5000, "which cannot be looked for (File name too long)"),
        ("", "which is a folder"),
        ("k8s\0", "which no file in"),
        ("\ud800*", "which no file in"),
        ("k8s/a.yml/b.yml", "which no file in"),
        ("loop/*.yml", "which no file in"),
    ],
)
def test_a_pattern_that_is_none_of_files_is_one_sentence(files: Path, pattern: str, cause: str) -> None:
    (files / "loop").symlink_to("loop")
    with pytest.raises(SourceError, match=re.escape(f"key names {pattern!r}, {cause}")) as refused:
        folder.matching("key", [pattern], files)
    assert "\n" not in str(refused.value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from("k8s/.*?[]!-ab{}\\~ \0")))
def test_any_pattern_names_files_or_is_refused_in_a_sentence(files: Path, pattern: str) -> None:
    try:
        found = folder.matching("key", [pattern], files, suffixes=(".yml",))
    except SourceError as refused:
        assert "\n" not in str(refused)  # noqa: PT017 - either is right
    else:
        assert found


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("k8s", ["k8s/a.yml", "k8s/b.yml", "k8s/c.json"]),
        ("k8s/", ["k8s/a.yml", "k8s/b.yml", "k8s/c.json"]),
        (".", ["top.yml"]),
    ],
)
def test_a_folder_stands_for_its_own_files_of_the_suffixes(files: Path, pattern: str, expected: list[str]) -> None:
    (files / "k8s/below").mkdir()
    for name in ("k8s/c.json", "k8s/README.md", "k8s/below/d.yml", "k8s/.hidden.yml", ".gitlab-ci.yml"):
        (files / name).write_text("x")
    found = folder.matching("key", [pattern], files, suffixes=(".yml", ".json"))
    assert [str(file.relative_to(files)) for file in found] == expected


def test_a_folder_with_none_of_the_suffixes_is_refused_with_them(files: Path) -> None:
    with pytest.raises(SourceError, match=r"'k8s', a folder with no file \*.yaml, \*.json in it; correct the path"):
        folder.matching("key", ["k8s"], files, suffixes=(".yaml", ".json"))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.yml", ["top.yml"]),
        ("**/*.yml", ["k8s/a.yml", "k8s/b.yml", "top.yml"]),
        ("*/*", ["k8s/a.yml", "k8s/b.yml"]),
        (".*.yml", [".gitlab-ci.yml"]),
        (".gitlab-ci.yml", [".gitlab-ci.yml"]),
        (".deploy/*.yml", [".deploy/c.yml"]),
        (".deploy/.*.yml", [".deploy/.d.yml"]),
        ("k8s/.cache/**/*.yml", ["k8s/.cache/e.yml"]),
    ],
)
def test_hidden_files_are_those_that_a_pattern_names_as_in_a_shell(
    files: Path, pattern: str, expected: list[str]
) -> None:
    for name in (".gitlab-ci.yml", ".deploy/c.yml", ".deploy/.d.yml", "k8s/.cache/e.yml"):
        (files / name).parent.mkdir(exist_ok=True)
        (files / name).write_text("x")
    assert [str(file.relative_to(files)) for file in folder.matching("key", [pattern], files)] == expected


def test_a_pattern_that_matches_hidden_files_alone_matches_none(files: Path) -> None:
    (files / "k8s/.c.yaml").write_text("x")
    with pytest.raises(SourceError, match=r"'k8s/\*.yaml', which no file in .* matches"):
        folder.matching("key", ["k8s/*.yaml"], files)


def test_a_link_that_leads_out_of_the_folder_is_refused(files: Path) -> None:
    (files / "link.yml").symlink_to("/etc/hostname")

    with pytest.raises(SourceError, match="leads out"):
        folder.matching("key", ["*.yml"], files)


def test_the_folder_is_the_programs_or_the_checkout_that_the_job_names(tmp_path: Path) -> None:
    assert folder.folder("program", tmp_path, {}) == tmp_path
    assert folder.folder("application", Path("/program"), {"GITLAB_DEPLOY_FILES": str(tmp_path)}) == tmp_path


@pytest.mark.parametrize("environment", [{}, {"GITLAB_DEPLOY_FILES": "/no/such/folder"}])
def test_a_checkout_that_is_not_there_is_an_error(environment: dict[str, str]) -> None:
    with pytest.raises(SourceError, match="GITLAB_DEPLOY_FILES"):
        folder.folder("application", Path("/program"), environment)


@pytest.mark.parametrize(
    ("content", "cause"), [(b"\xff", "is not UTF-8"), (b"a" * (2**20 + 1), "has more than 1048576 bytes")]
)
def test_a_file_that_is_no_text_is_refused_by_its_name(files: Path, content: bytes, cause: str) -> None:
    (files / "k8s/a.yml").write_bytes(content)

    with pytest.raises(SourceError, match=f"k8s/a.yml {cause}"):
        folder.text(files / "k8s/a.yml", files)
