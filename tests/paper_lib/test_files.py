"""Files that are written whole or not at all."""

import os
import re

import pytest

from paper_lib import files
from paper_lib.files import replacing


def listing(folder):
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("old", [None, b"old"])
@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_a_file_is_put_in_place_once_it_is_complete(tmp_path, old, kind):
    path = tmp_path / "some.file"
    if old is not None:
        path.write_bytes(old)
    with replacing(kind(path)) as part:
        assert part.name == path.name
        assert not part.exists()
        part.write_bytes(b"half")
        assert path.exists() == (old is not None)
        assert old is None or path.read_bytes() == old
        part.write_bytes(b"whole")
    assert path.read_bytes() == b"whole"
    assert listing(tmp_path) == ["some.file"]


def write_half(part):
    part.write_bytes(b"half")
    raise OSError("no space left on device")


def interrupt(part):
    part.write_bytes(b"half")
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("write", "error"), [(write_half, OSError), (interrupt, KeyboardInterrupt)]
)
def test_what_fails_leaves_the_old_file_and_no_other(tmp_path, write, error):
    path = tmp_path / "some.file"
    path.write_bytes(b"old")
    with pytest.raises(error), replacing(path) as part:
        write(part)
    assert path.read_bytes() == b"old"
    assert listing(tmp_path) == ["some.file"]


def test_a_move_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "some.file"
    path.write_bytes(b"old")

    def fail(*names):
        raise OSError("read-only file system")

    monkeypatch.setattr(files.os, "replace", fail)
    with pytest.raises(OSError, match="read-only"), replacing(path) as part:
        part.write_bytes(b"whole")
    assert path.read_bytes() == b"old"
    assert listing(tmp_path) == ["some.file"]


def test_nothing_written_replaces_nothing(tmp_path):
    path = tmp_path / "some.file"
    path.write_bytes(b"old")
    with pytest.raises(FileNotFoundError), replacing(path):
        pass
    assert path.read_bytes() == b"old"
    assert listing(tmp_path) == ["some.file"]


def test_a_folder_that_is_not_there_is_not_made(tmp_path):
    with (
        pytest.raises(FileNotFoundError),
        replacing(os.path.join(tmp_path, "absent", "some.file")),
    ):
        pytest.fail("there is nowhere to write")
    assert listing(tmp_path) == []


def test_a_folder_that_is_not_there_is_named(tmp_path):
    """The file that is written first has a name that nobody gave."""
    path = tmp_path / "absent" / "some.file"
    message = f"^path must lie in a folder that exists, got {re.escape(str(path))}"
    with pytest.raises(FileNotFoundError, match=message), replacing(path):
        pass
    assert listing(tmp_path) == []
