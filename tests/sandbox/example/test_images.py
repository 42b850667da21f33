import json
import shutil
from pathlib import Path

import pytest

from sandbox.example import images as site
from sandbox.sandbox_error import SandboxError
from tests.support.registry import Registry

from .container import pull


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the site's sources to change, in place of the real ones."""
    ignore = shutil.ignore_patterns("public", "resources", ".hugo_build.lock")
    copy = Path(shutil.copytree(site.SOURCE, tmp_path / "sources", ignore=ignore))
    monkeypatch.setattr(site, "SOURCE", copy)
    return copy


def test_both_versions_are_published_under_the_digests_returned(registry: Registry, tmp_path: Path) -> None:
    digests = site.publish(registry.address)
    assert list(digests) == ["1.0.0", "2.0.0"]
    manifests = []
    for version, digest in digests.items():
        by_tag = pull(registry.address, f"group/blog:{version}", tmp_path / f"tag-{version}")
        by_digest = pull(registry.address, f"group/blog@{digest}", tmp_path / f"digest-{version}")
        assert (by_tag / "manifest.json").read_bytes() == (by_digest / "manifest.json").read_bytes()
        manifests.append(json.loads((by_tag / "manifest.json").read_bytes()))
    first, second = ([layer["digest"] for layer in manifest["layers"]] for manifest in manifests)
    assert first[0] == second[0], "the server's layer is not shared"
    assert first[1] != second[1]


def test_publishing_again_sends_no_layer_and_returns_the_same(registry: Registry) -> None:
    digests = site.publish(registry.address)
    before = registry.blobs()
    assert site.publish(registry.address) == digests
    assert registry.blobs() == before


def test_changed_sources_give_another_digest(sources: Path) -> None:
    before = site.site("1.0.0")
    about = sources / "content" / "about.md"
    about.write_text(about.read_text() + "\nOne more line.\n")
    assert site.site("1.0.0").digest != before.digest


def test_building_leaves_the_sources_as_they_are(sources: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in sources.rglob("*")}
    site.site("1.0.0")
    assert {path: path.stat().st_mtime_ns for path in sources.rglob("*")} == before


def test_the_callers_environment_does_not_change_the_site(monkeypatch: pytest.MonkeyPatch) -> None:
    before = site.site("1.0.0")
    monkeypatch.setenv("HUGO_TITLE", "Another")
    monkeypatch.setenv("HUGO_PARAMS_VERSION", "3.0.0")
    assert site.site("1.0.0").digest == before.digest


def test_a_site_that_does_not_build_says_where_and_why_in_one_line(sources: Path) -> None:
    (sources / "layouts" / "404.html").write_text("{{ nonsense }}")
    with pytest.raises(
        SandboxError, match=rf'^hugo does not build {sources}: .*404\.html.*"nonsense" not defined'
    ) as error:
        site.site("1.0.0")
    assert "\n" not in str(error.value)
