"""Tables that are too large for what they say: refused in a sentence, before memory is taken for them."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from stepwell import archives
from stepwell.errors import DataError
from stepwell.tabular import separated, store, text
from stepwell.tasks.table.options import Options
from stepwell.tasks.table.readers import table


def test_a_gzip_bomb_is_refused_without_being_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "HONEST_START", 2**20)
    bomb, honest = tmp_path / "bomb.csv.gz", tmp_path / "honest.csv.gz"
    bomb.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 2**20))
    honest.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 2**17))
    with pytest.raises(DataError, match="decompression bomb") as refused:
        separated.read(bomb, Options())
    assert str(bomb) in refused.value.where
    assert separated.read(honest, Options()).rows == 2**17


def test_a_file_without_line_ends_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "LINE", 1000)
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n" + "1,2," * 1000)
    with pytest.raises(DataError, match="more than 1,000 characters") as refused:
        separated.read(path, Options())
    assert "line 3" in refused.value.where


def test_a_line_as_long_as_may_be_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name,size\nred,111111\nblue,222222\n")
    monkeypatch.setattr(text, "LINE", len("blue,222222\n"))
    assert separated.read(path, Options()).rows == 2


def test_a_hundred_thousand_columns_are_refused_from_a_file_and_from_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(",".join(f"g{i}" for i in range(100_000)) + "\n" + ",".join(["0.5"] * 100_000) + "\n")
    assert table.recognizes(path) is not None
    for source in (path, (np.zeros((3, 100_000)), [0, 1, 0])):
        with pytest.raises(DataError, match=f"columns; {store.WIDEST:,} are taken"):
            table.read(source, Options())
