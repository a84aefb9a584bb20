"""Listings: the same files from a folder and from archives, and everything that an archive could do to us."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell import archives
from stepwell.errors import DataError, ExampleError

FILES = {"b/10.png": b"ten", "b/2.png": b"two" * 999, 'a "q" <b>\n🙂/x.png': b"", "note.txt": b"n"}
JUNK = {".hidden/1.png": b"x", "__MACOSX/b/._2.png": b"x", "b/Thumbs.db": b"x", "b/.DS_Store": b"x"}
ORDER = ('a "q" <b>\n🙂/x.png', "b/2.png", "b/10.png", "note.txt")


def as_folder(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def as_zip(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def as_tar(path: Path, files: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def as_kind(kind: str, place: Path, files: dict[str, bytes]) -> Path:
    if kind == "folder":
        return as_folder(place / "folder", files)
    if kind.startswith("zip"):
        return as_zip(place / "x.zip", files, zipfile.ZIP_STORED if kind == "zip stored" else zipfile.ZIP_DEFLATED)
    return as_tar(place / f"x.{kind}", files, "w:gz" if kind.endswith("gz") else "w")


@pytest.mark.parametrize("kind", ["folder", "zip", "zip stored", "tar", "tar.gz", "tgz"])
def test_every_kind_lists_and_reads_the_same(kind: str, tmp_path: Path) -> None:
    listing = archives.open_listing(as_kind(kind, tmp_path, FILES | JUNK))
    assert listing.names == ORDER
    assert {name: listing.read(name) for name in listing.names} == FILES
    assert listing.sizes == {name: len(content) for name, content in FILES.items()}
    assert listing.folders == ('a "q" <b>\n🙂', "b")
    assert set(archives.peek(listing.source)) == set(FILES)


def test_a_tar_of_a_folder_itself_lists_its_content(tmp_path: Path) -> None:
    as_folder(tmp_path / "data", {"a/1.png": b"1"})
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        archive.add(tmp_path / "data", arcname=".")
    assert archives.open_listing(tmp_path / "x.tar").names == ("a/1.png",)


def test_a_zip_of_windows_separates_by_backslashes(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("x")
    info.filename, info.create_system = "a\\1.png", 0
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(info, b"1")
    listing = archives.open_listing(tmp_path / "x.zip")
    assert listing.names == ("a/1.png",)
    assert listing.read("a/1.png") == b"1"


@pytest.mark.parametrize("name", ["../x.png", "a/../../x.png", "/etc/x.png", "C:\\x.png", "..\\x.png"])
@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_names_that_lead_outside_are_refused(kind: str, name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="leads outside"):
        archives.open_listing(as_kind(kind, tmp_path, {"a/1.png": b"1", name: b"2"}))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
@pytest.mark.parametrize("suffix", ["tar", "tar.gz"])
def test_links_and_devices_in_a_tar_are_refused(kind: bytes, suffix: str, tmp_path: Path) -> None:
    member = tarfile.TarInfo("a/1.png")
    member.type, member.linkname = kind, "target"
    with tarfile.open(tmp_path / f"x.{suffix}", "w:gz" if suffix.endswith("gz") else "w") as archive:
        archive.addfile(member)
    with pytest.raises(DataError, match=r"'a/1\.png' is a link, a device"):
        archives.open_listing(tmp_path / f"x.{suffix}")


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("a/1.png")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(DataError, match="a link or a device"):
        archives.open_listing(tmp_path / "x.zip")


def test_encrypted_members_are_refused(tmp_path: Path) -> None:
    content = bytearray(as_zip(tmp_path / "x.zip", {"a/1.png": b"1"}).read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + flags] |= 1
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(DataError, match="encrypted"):
        archives.open_listing(tmp_path / "x.zip")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_the_same_name_twice_is_refused(kind: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'a/1\.png' twice"):
        archives.open_listing(as_kind(kind, tmp_path, {"a/1.png": b"1", "a//1.png": b"2"}))


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_bomb_is_refused(kind: str, tmp_path: Path) -> None:
    path = as_kind(kind, tmp_path, {"a/1.png": bytes(80 * 2**20)})
    assert path.stat().st_size < 2**18
    with pytest.raises(DataError, match="bomb"):
        archives.open_listing(path)


def test_too_many_and_too_large_members_are_refused(tmp_path: Path) -> None:
    path = as_zip(tmp_path / "x.zip", {f"a/{i}.png": b"12" for i in range(5)})
    with pytest.raises(DataError, match="more than 4 files"):
        archives.open_listing(path, archives.Limits(entries=4))
    with pytest.raises(DataError, match="more than the limit of 1"):
        archives.open_listing(path, archives.Limits(file_bytes=1))


def test_a_compressed_tar_too_large_for_memory_names_the_way_out(tmp_path: Path) -> None:
    path = as_tar(tmp_path / "x.tar.gz", {"a/1.png": os.urandom(100_000)}, "w:gz")
    with pytest.raises(DataError, match="in their order") as caught:
        archives.open_listing(path, archives.Limits(memory=50_000))
    assert ".zip" in caught.value.do


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tar.gz"])
def test_a_damaged_archive_is_named(name: str, tmp_path: Path) -> None:
    for content in (b"", b"no archive at all" * 100, b"\x1f\x8b" + b"broken" * 100):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError) as caught:
            archives.open_listing(tmp_path / name)
        assert name in caught.value.where
        assert archives.peek(tmp_path / name) == ()


@given(place=st.integers(0, 10_000), value=st.integers(0, 255), kind=st.sampled_from(["zip", "tar", "tar.gz"]))
def test_a_flipped_byte_gives_our_errors_or_the_same_files(
    place: int, value: int, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = as_kind(kind, tmp_path_factory.mktemp("flipped"), FILES)
    content = bytearray(path.read_bytes())
    content[place % len(content)] = value
    path.write_bytes(content)
    where = path.name
    try:
        listing = archives.open_listing(path)
        for name in listing.names:
            listing.read(name)
    except DataError as error:
        where = error.where
    assert path.name in where


def test_damage_inside_a_zip_is_the_error_of_one_file(tmp_path: Path) -> None:
    path = as_zip(tmp_path / "x.zip", {"a/1.png": b"good", "a/2.png": b"also good"}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"also", b"ALSO"))
    listing = archives.open_listing(path)
    assert listing.read("a/1.png") == b"good"
    with pytest.raises(ExampleError, match="damaged") as caught:
        listing.read("a/2.png")
    assert caught.value.where.endswith("x.zip: a/2.png")


def test_links_in_a_folder_are_followed_but_never_in_a_circle(tmp_path: Path) -> None:
    as_folder(tmp_path / "data", {"a/1.png": b"1"})
    as_folder(tmp_path / "elsewhere", {"2.png": b"2"})
    (tmp_path / "data/b").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data/a/up").symlink_to(tmp_path / "data")
    (tmp_path / "data/a/gone.png").symlink_to(tmp_path / "nowhere")
    listing = archives.open_listing(tmp_path / "data")
    assert listing.names == ("a/1.png", "b/2.png")
    assert listing.problems == (("a/gone.png", "the link leads nowhere"),)


def test_a_folder_that_may_not_be_read_is_told_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_folder(tmp_path / "data", {"a/1.png": b"1", "b/2.png": b"2"})
    real = os.scandir

    def guarded(path: str) -> object:
        if str(path).endswith(closed):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", guarded)
    closed = "/a"
    listing = archives.open_listing(tmp_path / "data")
    assert (listing.names, listing.problems) == (("b/2.png",), (("a", "Permission denied"),))
    closed = "/data"
    with pytest.raises(DataError, match="Permission denied"):
        archives.open_listing(tmp_path / "data")


def test_reading_names_what_is_missing_not_a_file_or_too_large(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"123")
    os.mkfifo(tmp_path / "pipe")
    for name, sentence in (("gone", "not there"), ("pipe", "not a file"), ("big", "limit of 2"), ("n\0l", "null")):
        with pytest.raises(ExampleError, match=sentence) as caught:
            archives.read_file(tmp_path / name, limit=2)
        assert name in caught.value.where


def test_bytes_that_are_no_text_in_a_name_come_as_escapes_and_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.png")).write_bytes(b"1")
    listing = archives.open_listing(folder)
    assert listing.names == ("\\udcff.png",)
    assert listing.names[0].encode()
    assert listing.read(listing.names[0]) == b"1"


def test_what_is_neither_there_nor_an_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        archives.open_listing(tmp_path / "nothing")
    (tmp_path / "x.rar").write_bytes(gzip.compress(b"x"))
    with pytest.raises(DataError, match="neither a folder"):
        archives.open_listing(tmp_path / "x.rar")


def test_natural_order() -> None:
    names = ["10", "9", "b2", "B10", "a", "A", "b02", "x1y10", "x1y9", "", "1" * 5000]
    expected = ["", "9", "10", "1" * 5000, "A", "a", "b02", "b2", "B10", "x1y9", "x1y10"]
    assert sorted(names, key=archives.natural_key) == expected


@given(st.lists(st.text()))
def test_natural_order_is_total(names: list[str]) -> None:
    other_way = names[::-1]
    assert sorted(names, key=archives.natural_key) == sorted(other_way, key=archives.natural_key)
