import io
import json
import os
import socket
import subprocess
import tarfile
from pathlib import Path

import pytest

from sandbox.example.oci import SKELETON, File, Image, make_image, make_layer, program, push, save
from sandbox.sandbox_error import SandboxError
from tests.support.registry import Registry

LABELS = {"org.opencontainers.image.version": "1.0.0"}


def small_image() -> Image:
    layer = make_layer([*SKELETON, File("srv/hello", b"hello\n")])
    return make_image(
        [layer], entrypoint=["/bin/serve", "--now"], ports=[8080], env={"B": "2", "A": "1"}, labels=LABELS
    )


def members(data: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {member.name: member for member in archive}


def skopeo(*arguments: str) -> str:
    return subprocess.run(["skopeo", *arguments], capture_output=True, text=True, check=True).stdout


def test_the_same_files_give_the_same_layer_whatever_their_order_time_and_mode(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for source, age, mode in ((first, 1_000, 0o600), (second, 2_000_000_000, 0o777)):
        source.write_bytes(b"same")
        source.chmod(mode)
        os.utime(source, (age, age))
    layer = make_layer([File("a/x", first), File("b", b"b")])
    assert make_layer([File("b", b"b"), File("a/x", second)]).digest == layer.digest


@pytest.mark.parametrize("other", [File("a", b"two"), File("a", b"one", 0o755), File("b", b"one"), File("a", None)])
def test_another_content_mode_or_name_gives_another_layer(other: File) -> None:
    assert make_layer([other]).digest != make_layer([File("a", b"one")]).digest


def test_members_are_roots_and_of_1970_and_every_folder_is_there_once() -> None:
    found = members(make_layer([File("a/b/c", b"", 0o640), File("a/d", b""), File("a", None, 0o700)]).data)
    assert [(name, member.isdir(), member.mode) for name, member in found.items()] == [
        ("a", True, 0o700),
        ("a/b", True, 0o755),
        ("a/b/c", False, 0o640),
        ("a/d", False, 0o644),
    ]
    assert {(member.uid, member.gid, member.mtime) for member in found.values()} == {(0, 0, 0)}


def test_the_skeleton_has_the_user_that_images_run_as_and_a_tmp_for_all() -> None:
    layer = make_layer(SKELETON)
    assert members(layer.data)["tmp"].mode == 0o1777
    with tarfile.open(fileobj=io.BytesIO(layer.data)) as archive:
        accounts = archive.extractfile("etc/passwd")
        assert accounts is not None
        assert b"nonroot:x:65532:65532:" in accounts.read()


def test_a_dynamic_program_brings_its_libraries_and_its_loader() -> None:
    found = {file.path: file for file in program(Path("/bin/ls"), "bin/ls")}
    assert found["bin/ls"].mode == 0o755
    assert any(Path(path).name == "libc.so.6" for path in found)
    assert any(Path(path).name.startswith("ld-linux") for path in found)
    assert all(isinstance(file.content, Path) and file.content.is_file() for file in found.values())


def test_a_static_program_comes_alone() -> None:
    assert program(Path("/sbin/ldconfig"), "ldconfig") == [File("ldconfig", Path("/sbin/ldconfig"), 0o755)]


def test_a_program_with_a_library_missing_is_refused_by_the_name_of_the_library(tmp_path: Path) -> None:
    broken = tmp_path / "ls"
    # The first library it names, renamed to one that no machine has.
    broken.write_bytes(Path("/bin/ls").read_bytes().replace(b"libselinux.so.1", b"libmissing0.so1"))
    broken.chmod(0o755)
    with pytest.raises(SandboxError, match=r"ls needs the library libmissing0\.so1, which this machine lacks: install"):
        program(broken, "bin/ls")


def test_an_archive_is_the_same_each_time_and_both_of_its_forms_are_read(tmp_path: Path) -> None:
    archive, again = tmp_path / "image.tar", tmp_path / "again.tar"
    save(small_image(), "localhost/hello:1", archive)
    save(small_image(), "localhost/hello:1", again)
    assert archive.read_bytes() == again.read_bytes()
    assert json.loads(skopeo("inspect", f"oci-archive:{archive}:1"))["Digest"] == small_image().manifest.digest
    for form in (f"oci-archive:{archive}:1", f"docker-archive:{archive}:localhost/hello:1"):
        config = json.loads(skopeo("inspect", "--config", form))["config"]
        assert config == {
            "User": "65532:65532",
            "ExposedPorts": {"8080/tcp": {}},
            "Env": ["A=1", "B=2"],
            "Entrypoint": ["/bin/serve", "--now"],
            "WorkingDir": "/",
            "Labels": LABELS,
        }


def test_a_pushed_image_has_its_own_digest_in_the_registry(registry: Registry) -> None:
    digest = push(small_image(), registry.address, "group/hello", "1")
    seen = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{registry.address}/group/hello:1"))
    assert seen["Digest"] == digest == small_image().manifest.digest
    assert seen["Labels"] == LABELS


def test_a_layer_that_the_registry_has_is_not_sent_again(registry: Registry) -> None:
    push(small_image(), registry.address, "group/shared", "1")
    before = registry.files()
    push(make_image(small_image().layers, entrypoint=["/bin/true"]), registry.address, "group/shared", "2")
    after = registry.files()
    assert before.items() <= after.items()
    assert len(before) < len(after)


def test_a_tag_moves_to_the_image_pushed_last(registry: Registry) -> None:
    later = make_image(small_image().layers, entrypoint=["/bin/false"])
    push(small_image(), registry.address, "group/moving", "1")
    push(later, registry.address, "group/moving", "1")
    seen = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{registry.address}/group/moving:1"))
    assert seen["Digest"] == later.manifest.digest


def test_a_registry_that_does_not_answer_is_named_with_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(SandboxError, match=rf"^the registry at {address} does not answer \(.*refused\): start it, or"):
        push(small_image(), address, "group/hello", "1")


def test_a_registry_that_refuses_is_quoted(registry: Registry) -> None:
    with pytest.raises(SandboxError, match=rf"^the registry at {registry.address} answers 404 to POST /v2/UPPER/blobs"):
        push(small_image(), registry.address, "UPPER", "1")
