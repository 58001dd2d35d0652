"""Tasks through an executor, and the one writer of a store."""

import errno
import fcntl
import gc
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from operator import mul
from pathlib import Path
from unittest.mock import Mock

import pytest
from distributed import Client

from experiments.sweep import runner
from experiments.sweep.runner import (
    InProcess,
    SweepError,
    Task,
    executor_for,
    only_writer,
    process_pool,
    run_tasks,
)
from tests.experiments.sweep.patience import connecting_within


def squares(kept, numbers=range(10)):
    return [
        Task(label=f"{n}", call=partial(mul, n, n), keep=partial(kept.__setitem__, n))
        for n in numbers
    ]


@pytest.mark.parametrize("make", [InProcess, partial(ThreadPoolExecutor, 3)])
def test_every_result_is_kept_under_its_task(make):
    kept = {}
    with make() as executor:
        run_tasks(squares(kept), executor, total=10, title="squares")
    assert kept == {n: n * n for n in range(10)}


def test_processes_give_what_this_process_gives():
    kept = {}
    with process_pool(2) as executor:
        run_tasks(squares(kept), executor, total=10, title="squares")
    assert kept == {n: n * n for n in range(10)}


def test_in_process_each_result_is_kept_before_the_next_call():
    order = []
    tasks = [
        Task(
            label=f"{n}",
            call=partial(order.append, ("call", n)),
            keep=lambda _, n=n: order.append(("keep", n)),
        )
        for n in range(3)
    ]
    run_tasks(tasks, InProcess(), total=3, title="calls")
    assert order == [(what, n) for n in range(3) for what in ("call", "keep")]


def test_tasks_are_taken_as_there_is_room_for_them():
    """So that the arguments of a thousand tasks are not in memory at once."""
    taken, done = [], []

    def tasks():
        for n in range(200):
            taken.append(n)
            assert len(taken) - len(done) <= 40
            yield Task(label=f"{n}", call=partial(mul, n, 1), keep=done.append)

    with ThreadPoolExecutor(2) as executor:
        run_tasks(tasks(), executor, total=200, title="calls")
    assert sorted(done) == list(range(200))


@pytest.mark.parametrize("make", [InProcess, partial(ThreadPoolExecutor, 2)])
def test_a_task_that_fails_is_named_and_the_others_are_kept(make):
    kept = {}
    bad = Task(label="broken one", call=partial(mul, None, None), keep=kept.clear)
    tasks = squares(kept)
    tasks.insert(3, bad)
    with make() as executor, pytest.raises(SweepError, match="broken one: unsupported"):
        run_tasks(tasks, executor, total=11, title="squares")
    assert kept == {n: n * n for n in range(10)}


def test_a_cause_is_said_once_with_the_first_tasks_that_it_made_fail():
    kept = {}
    bad = [
        Task(label=f"bad {n}", call=partial(int, "x"), keep=kept.clear)
        for n in range(5)
    ]
    bad.append(Task(label="other", call=partial(next, iter(())), keep=kept.clear))
    with pytest.raises(SweepError) as caught:
        run_tasks([*bad, *squares(kept)], InProcess(), total=16, title="squares")
    assert str(caught.value) == (
        "6 of 16 squares failed, the others are kept: bad 0, bad 1, bad 2 and 2 more: "
        "invalid literal for int() with base 10: 'x'; other: StopIteration"
    )
    assert len(kept) == 10


def test_two_of_one_name_that_fail_are_two():
    tasks = [Task(label="one", call=partial(int, x), keep=print) for x in "xy"]
    with pytest.raises(SweepError, match=r"^2 of 2 runs failed.*one: .*; one: "):
        run_tasks(tasks, InProcess(), total=2, title="runs")


def test_workers_that_are_gone_end_the_sweep_at_once_and_are_reported():
    kept = {}
    tasks = squares(kept, range(3))
    tasks.append(Task(label="last", call=partial(os._exit, 1), keep=kept.clear))
    with process_pool(1) as executor, pytest.raises(SweepError, match="workers are go"):
        run_tasks(tasks, executor, total=4, title="squares")
    assert all(kept[n] == n * n for n in kept)


def test_an_interrupt_cancels_what_has_not_begun(monkeypatch):
    futures = [Future() for _ in range(10)]
    executor = Mock(spec=Executor)
    executor.submit.side_effect = futures

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(runner.futures, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_tasks(squares({}), executor, total=10, title="squares")
    assert all(future.cancelled() for future in futures)


def test_two_sweeps_do_not_write_to_one_store(tmp_path):
    store = tmp_path / "store"
    with only_writer(store):
        with pytest.raises(SweepError, match="another sweep"):
            with only_writer(store):
                pass
    with only_writer(store):
        pass


def test_a_killed_sweep_leaves_neither_its_lock_nor_its_scratch(tmp_path):
    code = (
        "import sys, time, pathlib\n"
        "from experiments.sweep.runner import only_writer\n"
        "with only_writer(pathlib.Path(sys.argv[1])):\n"
        "    (pathlib.Path(sys.argv[1]) / '.saving-abc').mkdir()\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout.readline() == "ready\n"
        with pytest.raises(SweepError), only_writer(tmp_path):
            pass
        child.send_signal(signal.SIGKILL)
    (tmp_path / "record.json").write_text("{}")
    deadline = time.monotonic() + 10
    while True:
        try:
            with only_writer(tmp_path):
                break
        except SweepError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert sorted(os.listdir(tmp_path)) == [".lock", "record.json"]


def refuse(number, monkeypatch):
    def fail(*arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", fail)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_on_a_file_system_without_locks_a_sweep_goes_on_and_clears_nothing(
    tmp_path, monkeypatch, number
):
    refuse(number, monkeypatch)
    left = tmp_path / ".saving-of-another"
    left.mkdir()
    said = f"{tmp_path}/.lock has no locks .{os.strerror(number)}"
    with pytest.warns(UserWarning, match=said), only_writer(tmp_path):
        assert left.exists()


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EWOULDBLOCK])
def test_only_would_block_means_another_sweep(tmp_path, monkeypatch, number):
    refuse(number, monkeypatch)
    with pytest.raises(SweepError, match="another sweep"), only_writer(tmp_path):
        pytest.fail("another holds it")


@pytest.mark.bad_input
def test_a_pool_of_nobody():
    with pytest.raises(ValueError, match=r"^workers must be at least 1, got 0"):
        process_pool(0)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"workers": "two"}, TypeError, r"^workers must be an integer, got 'two'\.$"),
        ({"workers": 1.5}, TypeError, r"^workers must be an integer, got 1\.5\.$"),
        ({"workers": -1}, ValueError, r"^workers must be at least 0, got -1\.$"),
        (
            {"scheduler": "nonsense"},
            ValueError,
            r"^scheduler must be the address of a Dask scheduler, .* got 'nonsense': ",
        ),
        ({"scheduler": "x://1"}, ValueError, r"^scheduler must be .* got 'x://1': "),
        (
            {"scheduler": "tcp://127.0.0.1:9"},
            OSError,
            r"^scheduler must be .*Timed out",
        ),
    ],
)
def test_an_executor_of_nobody(settings, error, message):
    with (
        connecting_within("200ms"),
        pytest.raises(error, match=message),
        executor_for(**settings),
    ):
        pytest.fail("nobody is there")


@pytest.mark.bad_input
@pytest.mark.parametrize("scheduler", ["nonsense", "x://1", "tcp://127.0.0.1:9"])
def test_of_a_scheduler_that_is_refused_no_client_is_left(scheduler):
    """Left to be collected one day, it took the event loop of the next, or hung."""

    def clients():
        return {id(one) for one in gc.get_objects() if type(one) is Client}

    before = clients()
    with (
        connecting_within("200ms"),
        pytest.raises((OSError, ValueError)) as caught,
        executor_for(scheduler=scheduler),
    ):
        pytest.fail("nobody is there")
    assert clients() <= before, caught.value


@pytest.mark.bad_input
def test_a_store_that_is_a_file(tmp_path):
    file = Path(tmp_path / "store")
    file.write_text("")
    with pytest.raises(SweepError, match="cannot be written to"), only_writer(file):
        pass
