"""The benchmark of sweeps writes what it measured as a record."""

import pytest

from benchmarks import __main__ as command
from benchmarks import report, sweep
from experiments.store.record_files import load_record
from experiments.sweep.runner import InProcess


@pytest.fixture
def written(monkeypatch, tmp_path):
    """Run the command with sweeps that take no time; give the record it wrote."""
    seconds = iter(range(1, 100))
    monkeypatch.setattr(sweep, "_sweep", lambda *_, **__: float(next(seconds)))
    monkeypatch.setattr(sweep, "_source", lambda: "auto")
    monkeypatch.setattr(sweep, "process_pool", lambda workers: InProcess())
    monkeypatch.setattr(sweep, "device_name", lambda device: f"a {device} device")
    monkeypatch.setattr(command, "available_device", lambda device: device)
    monkeypatch.setattr(report, "_FOLDER", tmp_path / "results")

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["benchmarks", "sweep", *arguments])
        assert command.main() == 0
        return {
            path.name: load_record(path, schema=report.SCHEMA)
            for path in (tmp_path / "results").glob("*.json")
        }

    return run


def test_a_sweep_on_a_gpu_leaves_a_record(written):
    found = written("--device", "cuda", "--runs", "2", "--write")
    (part,) = [
        value
        for value in found["sweep-gpu.json"].values()
        if isinstance(value, dict)
        if "times" in value
    ]
    assert part == {
        "device": "a cuda device",
        "source": "auto",
        "pairs": 45,
        "datasets": ["mnist", "fashion-mnist"],
        "times": [1.0, 2.0],
    }
    assert "torch" in found["sweep-gpu.json"]["provenance"]


def test_a_sweep_of_workers_leaves_one_too(written):
    found = written("--runs", "2", "--pairs", "3", "--write")
    (part,) = [
        value
        for value in found["sweep.json"].values()
        if isinstance(value, dict)
        if "times" in value
    ]
    assert (part["pairs"], part["source"]) == (3, "auto")
    assert {workers: len(times) for workers, times in part["times"].items()} == {
        "1": 2,
        "2": 2,
    }


def test_without_being_asked_nothing_is_written(written):
    assert written("--runs", "1", "--pairs", "1") == {}


@pytest.mark.bad_input
def test_a_device_that_is_not_there_is_named_before_any_work(monkeypatch, capsys):
    """Batches and sweeps come last, after half an hour of other benchmarks."""
    begun = []
    monkeypatch.setattr(command, "_run", lambda name, options: begun.append(name))
    monkeypatch.setattr("sys.argv", ["benchmarks", "--device", "nonsense"])
    with pytest.raises(SystemExit) as stopped:
        command.main()
    assert (stopped.value.code, begun) == (2, [])
    last = capsys.readouterr().err.splitlines()[-1]
    assert "--device must be one this machine has, got 'nonsense'" in last
