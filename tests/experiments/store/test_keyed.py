"""The store alone: what it finds, what it refuses, and where it keeps things."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch

from experiments.store.keyed import Computed, RecordFolder, RecordsFile, Run, open_store
from experiments.store.pair_settings import Site
from experiments.store.record_files import load_record, save_record


@dataclass(frozen=True, kw_only=True, slots=True)
class Squared(Computed["Square"]):
    """What it comes to."""

    square: int
    path: str = "single"
    source: str = "torchvision"


@dataclass(frozen=True, kw_only=True, slots=True)
class Square(Run[Squared]):
    """A run that takes no time."""

    schema: ClassVar[str] = "tests/square/1"
    result_type = Squared

    number: int

    @property
    def stem(self):
        """What a reader calls it."""
        return f"square-{self.number}"

    def measure(self, site):
        """Square the number."""
        return {"square": self.number**2}


THREE, FOUR = Square(number=3), Square(number=4)


@pytest.fixture(params=["folder", "all.json"])
def store(request, tmp_path):
    return open_store(tmp_path / request.param if "json" in request.param else tmp_path)


def test_what_is_kept_is_found_under_its_settings_alone(store):
    assert store.load(THREE) is None
    store.save(THREE.run(), THREE)
    store.save(FOUR.run(), FOUR)
    assert store.load(THREE) == THREE.result(THREE.run())
    assert (store.load(FOUR).square, store.load(FOUR).config) == (16, FOUR)
    assert store.load(replace(THREE, number=5)) is None


def test_a_record_says_what_it_was_computed_with():
    """One thread of the CPU, whatever else there is."""
    torch.set_num_threads(2)
    said = THREE.run(Site(device="meta"))["provenance"]
    assert (said["threads"], said["device"]) == (1, "cpu")
    assert torch.get_num_threads() == 2


def test_the_place_says_which_store_it_is(tmp_path):
    assert isinstance(open_store(tmp_path), RecordFolder)
    one = open_store(tmp_path / "all.json")
    assert isinstance(one, RecordsFile)
    assert one.folder == tmp_path


def test_a_batch_is_no_single_run(tmp_path):
    store = RecordFolder(folder=tmp_path)
    batch = THREE.run() | {"path": "batched-2"}
    store.save(batch, THREE)
    assert store.load(THREE) is None
    assert store.load(THREE, "batched-2").path == "batched-2"
    # Under the other's name it is refused, and named.
    save_record(batch, store.file(THREE))
    with pytest.warns(UserWarning, match="on the path 'batched-2', not 'single'"):
        assert store.load(THREE) is None


def test_a_file_of_other_settings_is_refused(tmp_path):
    store = RecordFolder(folder=tmp_path)
    save_record(FOUR.run(), store.file(THREE))
    with pytest.warns(UserWarning, match=r"holds the result of other settings\. It is"):
        assert store.load(THREE) is None


@pytest.mark.parametrize("where", ["source", "provenance"])
def test_embedded_data_stand_in_for_no_others(tmp_path, where):
    said = {
        "source": {"source": "embedded"},
        "provenance": {"provenance": {"data": {"source": "embedded"}}},
    }
    record = THREE.run() | said[where]
    RecordFolder(folder=tmp_path).save(record, THREE)
    asked = RecordFolder(folder=tmp_path, source="embedded")
    assert asked.load(THREE).square == 9
    asked = RecordFolder(folder=tmp_path, source="debian", compute=False)
    with pytest.warns(UserWarning, match=r"'embedded' data.* counts as missing\."):
        assert asked.load(THREE) is None


def test_names_tell_settings_and_batches_apart():
    names = {
        THREE.record_name(),
        FOUR.record_name(),
        THREE.record_name("batched-2"),
        THREE.record_name("batched-3"),
    }
    assert len(names) == 4
    assert all(name.startswith("square-") for name in names)


def test_one_file_keeps_what_it_holds(tmp_path):
    store = RecordsFile(file=tmp_path / "all.json")
    for run in (THREE, FOUR):
        store.save(run.run(), run)
    entries = load_record(store.file, schema=Square.schema)["entries"]
    assert [entry["square"] for entry in entries] == [9, 16]


def test_a_record_of_no_images_answers_whatever_the_source(tmp_path):
    RecordFolder(folder=tmp_path).save(THREE.run(), THREE)
    for source in ("embedded", "torchvision"):
        assert RecordFolder(folder=tmp_path, source=source).load(THREE).square == 9


UNREADABLE = {
    "a name too many": (lambda record: record | {"cube": 27}, "'cube'"),
    "a name too few": (
        lambda record: {k: v for k, v in record.items() if k != "square"},
        "'square'",
    ),
    "another kind": (lambda record: record | {"square": "9"}, "'9' cannot be read"),
    "nothing": (lambda record: record | {"square": None}, "None cannot be read"),
}


@pytest.mark.parametrize(("change", "said"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_record_that_says_something_else_is_named(store, change, said):
    """Whole, of these settings, and yet not what is to be read of it."""
    store.save(change(THREE.run()), THREE)
    if isinstance(store, RecordsFile):
        with pytest.raises(ValueError, match=rf"all\.json cannot be read: .*{said}"):
            store.load(THREE)
        return
    named = rf"{THREE.record_name()} cannot be read: .*{said}.*\. It is computed again"
    with pytest.warns(UserWarning, match=named):
        assert store.load(THREE) is None


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_file_that_was_cut_off_is_named(tmp_path, share):
    store = RecordFolder(folder=tmp_path)
    store.save(THREE.run(), THREE)
    file = store.file(THREE)
    text = file.read_text()
    file.write_text(text[: int(share * len(text))])
    with pytest.warns(UserWarning, match=rf"{file.name} is damaged: .* again\.$"):
        assert store.load(THREE) is None
