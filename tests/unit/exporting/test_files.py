"""Files and their parts: cells that no spreadsheet computes, row groups, locks, lines of a draft."""

import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

import qcasync
from qcasync.exporting import sinks
from qcasync.exporting.cells import as_cells, cells_schema
from qcasync.exporting.folder import Lock, write_whole
from qcasync.exporting.pages import Sheet, as_line, fits, from_line, numbers_of, page_of, rest_of
from qcasync.exporting.parts import PartWriter, read_part
from qcasync.exporting.sinks import File
from qcasync.exporting.texts import FORMULA, inert, json_line
from qcasync.exporting.wishes import Format
from qcasync.models.deployments import Deployment
from qcasync.models.orders import Order, OrderPage
from qcasync.models.quarantine import Quarantined
from qcasync.simulator import Simulator

HOSTILE = [f"{sign}1" for sign in FORMULA]
NUMBERS = pa.schema([pa.field("n", pa.int64())])


def orders(count: int) -> OrderPage:
    """Some orders, as the simulator writes them."""
    simulator = Simulator(3)
    rows = simulator.orders(simulator.add_project([count]).id)
    page = qcasync.decode_orders(msgspec.json.encode({"orders": rows, "success": True}))
    return msgspec.structs.replace(page, quirks=())  # which nobody asks for later


class Leaving(type(Path())):  # type: ignore[misc]  # until Python 3.12, Path itself cannot be inherited from
    """A file that its holder removes after somebody opened it, and before he looks at it."""

    _has_left = False

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Look at it."""
        if not self._has_left:
            self._has_left = True
            self.unlink()
        found: os.stat_result = super().stat(follow_symlinks=follow_symlinks)
        return found


class TestTexts:
    @pytest.mark.parametrize("text", HOSTILE)
    def test_a_formula_becomes_text(self, text: str) -> None:
        assert inert(text) == f"'{text}"

    @pytest.mark.parametrize("text", ["", "a=1", " =1", "'=1", "1-1"])
    def test_anything_else_stays(self, text: str) -> None:
        assert inert(text) == text

    def test_json_is_strict_and_harmless(self) -> None:
        value = {"a": float("nan"), "b": float("inf"), "c": "\x1b\x7f\x9b\u2028\u202e\n"}
        line = json_line(value)
        assert line == b'{"a":null,"b":null,"c":"\\u001b\\u007f\\u009b\\u2028\\u202e\\n"}\n'
        assert json.loads(line)["c"] == value["c"]


class TestCells:
    def test_every_form_of_column(self) -> None:
        moment = datetime(2026, 1, 2, 3, 4, 5, 60, tzinfo=UTC)
        amounts = pa.list_(pa.struct([("currency", pa.string()), ("amount", pa.float64())]))
        columns: dict[str, Any] = {
            "text": pa.array(["=1", None, "a"]),
            "word": pa.array(["-x", "-x", None]).dictionary_encode(),
            "number": pa.array([-1.5, None, 2.0]),
            "flag": pa.array([True, None, False]),
            "moment": pa.array([moment, None, moment], pa.timestamp("us", tz="UTC")),
            "texts": pa.array([["=a", "b"], None, []], pa.list_(pa.string())),
            "integers": pa.array([[1, 2], None, []], pa.list_(pa.int64())),
            "amounts": pa.array([[{"currency": "USD", "amount": 1.5}], None, []], amounts),
        }
        batch = pa.RecordBatch.from_pydict(columns)
        cells = as_cells(batch)
        assert cells.schema == cells_schema(batch.schema)
        assert cells.to_pydict() == {
            "text": ["'=1", None, "a"],
            "word": ["'-x", "'-x", None],
            "number": [-1.5, None, 2.0],
            "flag": [True, None, False],
            "moment": ["2026-01-02T03:04:05.000060Z", None, "2026-01-02T03:04:05.000060Z"],
            "texts": ["'=a b", None, ""],
            "integers": ["1 2", None, ""],
            "amounts": ["USD 1.5", None, ""],
        }
        assert as_cells(batch.slice(1)).to_pydict()["texts"] == [None, ""]
        assert as_cells(batch.slice(2)).to_pydict()["amounts"] == [""]


class TestSinks:
    @pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
    @pytest.mark.parametrize("rows", [0, 1, sinks.ROWS_OF_A_GROUP, sinks.ROWS_OF_A_GROUP + 1])
    def test_any_number_of_rows(self, tmp_path: Path, form: Format, rows: int) -> None:
        file = File(tmp_path / "file", "numbers", form, NUMBERS)
        for first in range(0, rows, 8192):
            file.write(pa.record_batch([pa.array(range(first, min(rows, first + 8192)))], schema=NUMBERS))
        file.finish()
        assert file.rows == rows
        if form == "parquet":
            told = pyarrow.parquet.ParquetFile(tmp_path / "file")
            assert told.read().to_pydict() == {"n": list(range(rows))}
            assert told.metadata.num_row_groups == -(-rows // sinks.ROWS_OF_A_GROUP)
        else:
            lines = (tmp_path / "file").read_text().splitlines()
            expected = ['"n"', *map(str, range(rows))] if form == "csv" else [f'{{"n":{n}}}' for n in range(rows)]
            assert lines == expected

    def test_what_is_there_is_not_touched(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("mine")
        with pytest.raises(FileExistsError):
            File(tmp_path / "file", "numbers", "csv", NUMBERS)
        assert (tmp_path / "file").read_text() == "mine"

    def test_dictionaries_that_differ_become_one(self, tmp_path: Path) -> None:
        schema = pa.schema([pa.field("word", pa.dictionary(pa.int32(), pa.string()))])
        file = File(tmp_path / "file", "words", "parquet", schema)
        for words in (["a", "b"], ["c", "a"], ["b"]):
            column = pa.array(words).dictionary_encode()
            file.write(pa.record_batch([column], schema=schema))
        file.finish()
        assert pyarrow.parquet.read_table(tmp_path / "file").to_pydict() == {"word": ["a", "b", "c", "a", "b"]}


class TestFolder:
    def test_a_lock_is_had_once(self, tmp_path: Path) -> None:
        first, second = Lock(tmp_path / "lock"), Lock(tmp_path / "lock")
        assert (first.take(), second.take()) == (True, False)
        assert (first.is_held, second.is_held) == (True, False)
        first.release(remove=False)
        assert second.take()
        second.release(remove=True)
        second.release(remove=True)
        assert not (tmp_path / "lock").exists()

    def test_a_lock_whose_file_went_is_no_lock(self, tmp_path: Path) -> None:
        first = Lock(tmp_path / "lock")
        assert first.take()
        (tmp_path / "lock").unlink()
        second = Lock(tmp_path / "lock")
        assert second.take()
        assert not Lock(tmp_path / "lock").take()

    def test_a_lock_whose_file_went_before_it_was_had_is_taken_again(self, tmp_path: Path) -> None:
        (tmp_path / "lock").touch()
        assert Lock(Leaving(tmp_path / "lock")).take()
        assert not Lock(tmp_path / "lock").take()

    def test_a_file_is_replaced_as_a_whole(self, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").write_bytes(b"mine")
        (tmp_path / "file-new").symlink_to(tmp_path / "elsewhere")
        write_whole(tmp_path / "file", b"one")
        assert (tmp_path / "elsewhere").read_bytes() == b"mine"
        (tmp_path / "elsewhere").unlink()
        write_whole(tmp_path / "file", b"two")
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"file": b"two"}


class TestSheets:
    def test_there_and_back(self) -> None:
        page = orders(100)
        sheet = Sheet(
            page=msgspec.structs.replace(page, start=300),
            numbers=(1,) * 60 + (2,) * 40,
            asked_at=11.5,
            observed_at=12.5,
        )
        assert from_line(as_line(sheet)) == sheet
        assert as_line(sheet).count(b"\n") == 1

    def test_words_that_nobody_knows(self) -> None:
        simulator = Simulator(3)
        wire: list[Any] = list(simulator.orders(simulator.add_project([3]).id))
        wire[0] = {**wire[0], "type": 99, "status": 4}
        wire[1]["events"][0]["status"] = "teleported"
        wire[2] = {**wire[2], "tag": "\x00\x1b"}
        page = qcasync.decode_orders(msgspec.json.encode({"orders": wire, "success": True}))
        assert len(page.orders) == 3
        page = msgspec.structs.replace(page, quirks=())
        sheet = Sheet(page=page, numbers=(1, 1, 1), asked_at=0.5, observed_at=1.0)
        assert from_line(as_line(sheet)) == sheet

    def test_half_a_character(self) -> None:
        page = orders(1)
        page = OrderPage(orders=(msgspec.structs.replace(page.orders[0], tag="half \ud83d"),))
        read = from_line(as_line(Sheet(page=page, numbers=(1,), asked_at=0.5, observed_at=1.0)))
        assert read.page.orders[0].tag == "half \ufffd"

    def test_quarantined_rows_keep_their_places(self) -> None:
        held = tuple(Quarantined(index=index, reason="odd", raw=b"\xff{") for index in (0, 2))
        page = OrderPage(orders=orders(2).orders, quarantined=held, start=7)
        sheet = Sheet(page=page, numbers=(1, 1, 1, 2), asked_at=0.5, observed_at=1.0)
        again = from_line(as_line(sheet))
        assert again == sheet
        assert [type(row) for row in again.page.rows()] == [Quarantined, Order, Quarantined, Order]
        rest = rest_of(again, 9)
        assert (rest.start, rest.end, rest.numbers, rest.page.quarantined[0].index) == (9, 11, (1, 2), 0)
        assert rest_of(again, 5) is again
        named = [Deployment(number=number, deploy_id=f"L-{number}", start=0, end=9) for number in (1, 2)]
        assert [order.deploy_id for order in again.attributed(named)] == ["L-1", "L-2"]

    @pytest.mark.parametrize(
        ("told", "numbers"),
        [([1, 2], (1, 2)), ([None, 1, None, 2, None], (1, 1, 1, 2, 2)), ([None, None], (1, 1)), ([], ())],
    )
    def test_a_quarantined_row_goes_with_the_one_before(self, told: list[int | None], numbers: tuple[int, ...]) -> None:
        order = orders(1).orders[0]
        rows: list[Order | Quarantined] = []
        for at, number in enumerate(told):
            if number is None:
                rows.append(Quarantined(index=at, reason="", raw=b""))
            else:
                rows.append(
                    msgspec.structs.replace(order, deployment=Deployment(number=number, deploy_id=None, start=0, end=1))
                )
        assert numbers_of(page_of(rows, 5)) == numbers

    @pytest.mark.parametrize(
        "line", [b"", b"{}", b'{"start":0,"asked_at":0,"observed_at":1,"runs":[],"quarantined":[],"body":{}}']
    )
    def test_what_somebody_else_wrote(self, tmp_path: Path, line: bytes) -> None:
        (tmp_path / "part").write_bytes(gzip.compress(line + b"\n"))
        with pytest.raises(qcasync.ConfigurationError, match="is damaged"):
            list(read_part(tmp_path / "part"))

    def test_marks(self) -> None:
        page = orders(3)
        marks = Sheet(page=page, numbers=(1, 1, 1), asked_at=0.5, observed_at=1.0).marks()
        assert fits(marks, marks)
        assert fits([None, *marks[1:]], [*marks[:2], None])
        assert not fits(marks, marks[:2])
        assert not fits(marks, [marks[1], marks[0], marks[2]])

    def test_a_part_that_is_empty_is_none(self, tmp_path: Path) -> None:
        assert PartWriter(tmp_path / "part").finish() is None
        assert list(tmp_path.iterdir()) == []
