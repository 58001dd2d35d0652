"""Records that are damaged, foreign, edited or not there."""

import json
import math
import re

import pytest

from experiments.store.record_files import load_record, save_record

pytestmark = pytest.mark.bad_input


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "is damaged"),
        (b'{"schema": "paper-lib/pair-rec', "is damaged"),
        (b"\xff\xfe\x00", "is damaged"),
        (b"[1, 2]", "must hold schema .* got None"),
        (b"{}", "must hold schema .* got None"),
        (b'{"schema": "other/2"}', "must hold schema .* got 'other/2'"),
    ],
)
def test_records_that_are_damaged_or_foreign(tmp_path, content, match):
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"^{re.escape(str(path))} {match}"):
        load_record(path)


def test_records_that_are_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "none"))):
        load_record(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        save_record({}, tmp_path / "absent" / "run.json")
    assert list(tmp_path.iterdir()) == []


def test_records_hold_no_nan_and_are_not_half_written(tmp_path):
    with pytest.raises(ValueError, match=r"(?i)out of range|nan"):
        save_record({"epsilon": math.nan}, tmp_path / "run.json")
    assert list(tmp_path.iterdir()) == []


def test_records_that_were_edited(tmp_path):
    """The checksum speaks of the content, not of the layout of the file."""
    path = tmp_path / "record.json"
    save_record({"schema": "a", "correct": 7}, path)
    assert load_record(path, schema="a") == {"schema": "a", "correct": 7}
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert load_record(path, schema="a")["correct"] == 7
    path.write_text(path.read_text().replace("7", "8", 1))
    with pytest.raises(ValueError, match=r"record.json is altered: it must have"):
        load_record(path, schema="a")
    path.write_text('{"schema": "a", "correct": 7}')
    with pytest.raises(ValueError, match=r"altered: it must have sha256 None"):
        load_record(path, schema="a")
