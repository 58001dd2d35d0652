"""A folder of stored results: found, or one sentence that says where it was sought."""

import pytest

from experiments.store.record_files import stored_folder


def test_a_folder_with_results_is_found_from_where_one_stands(tmp_path, monkeypatch):
    store = tmp_path / "results" / "defense"
    store.mkdir(parents=True)
    (store / "one.json").write_text("{}")
    (tmp_path / "book").mkdir()
    monkeypatch.chdir(tmp_path / "book")
    assert stored_folder("../results/defense").resolve() == store
    assert stored_folder(str(store)) == store
    assert stored_folder(store, holding="o*.json") == store


@pytest.mark.bad_input
def test_what_is_not_there_is_named_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "one.csv").write_text("")
    (tmp_path / "file.json").write_text("{}")
    gone = (tmp_path.parent / "results").resolve()
    with pytest.raises(
        FileNotFoundError,
        match=rf"table1 must be a folder.*\(\*\.json\), but {gone} is not there; "
        r"run the notebook in its own folder.*--cwd book.*give table1 as an absolute",
    ):
        stored_folder("../results", name="table1")
    with pytest.raises(FileNotFoundError, match=f"{tmp_path / 'here'} has none"):
        stored_folder("here")
    with pytest.raises(FileNotFoundError, match=r"file\.json is not there"):
        stored_folder("file.json")
