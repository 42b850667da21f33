import shutil
from pathlib import Path

import pytest

from components.settings import write
from tests.support.project import ROOT
from tests.support.stack_files import places


def copy(folder: Path) -> None:
    for name in ("docs/configuration.md", "schema/stack.schema.json", "Pulumi.yaml"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)


@pytest.mark.parametrize("name", ["docs/configuration.md", "schema/stack.schema.json", "Pulumi.yaml"])
def test_what_is_not_current_is_found_and_written(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy(tmp_path)
    assert write.main(tmp_path, check=True) == 0
    text = (tmp_path / name).read_text()
    (tmp_path / name).write_text(text[:-20])
    assert write.main(tmp_path, check=True) == 1
    assert capsys.readouterr().err == f"{name} is not what the declarations of the keys say; run 'make docs'\n"
    assert write.main(tmp_path, check=False) == 0
    assert (tmp_path / name).read_text() == text


def test_page_has_every_key() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    for place in places():
        assert f"| `{place.key.name}` | " in page
        assert place.key.text.replace("|", "&#124;") in page
