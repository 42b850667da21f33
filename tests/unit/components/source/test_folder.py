from pathlib import Path

import pytest

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
