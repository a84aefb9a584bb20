"""Files made to hurt: refused at once, in a sentence, with little memory and nothing outside of where it belongs."""

from __future__ import annotations

import io
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from stepwell import archives
from stepwell.errors import DataError

LITTLE = 16 * 2**20  # bytes of memory that a refusal may take


def refused(path: Path) -> str:
    """What is said of an archive that is refused; it may not take much memory until then."""
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as caught:
            archives.open_listing(path)
        assert tracemalloc.get_traced_memory()[1] < LITTLE
    finally:
        tracemalloc.stop()
    assert caught.value.where == str(path) and caught.value.do
    return caught.value.what


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_folders_in_folders_without_end_are_refused(kind: str, tmp_path: Path) -> None:
    """Each folder of a path is listed: 30 kB of name would become 225 MB of folders."""
    path, name = tmp_path / f"deep.{kind}", "a/" * 15_000 + "1.png"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, b"")
    else:
        with tarfile.open(path, "w:gz" if kind.endswith("gz") else "w") as archive:
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    what = refused(path)
    assert "more than 100 folders deep" in what and len(what) < 200


def test_a_hundred_folders_are_taken(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a/" * 100 + "1.png", b"1")
    [name] = archives.open_listing(tmp_path / "x.zip").names
    assert name.count("/") == 100


def test_nothing_is_written_beside_an_archive_that_is_read(tmp_path: Path) -> None:
    path = tmp_path / "inside" / "x.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cat/1.png", b"1")
        archive.writestr("../../escaped.png", b"2")
    assert "leads outside" in refused(path)
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["inside", "x.zip"]
