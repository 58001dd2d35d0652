"""Workers that run other code, and clusters without workers or scheduler.

The clusters are Dask's own processes: what a lost one does cannot be guessed.
"""

import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing import get_context
from operator import mul
from pathlib import Path
from unittest.mock import Mock

import pytest

import paper_lib
from experiments.store.provenance import signature
from experiments.sweep import cluster as module
from experiments.sweep.cluster import ForeignWorkerError, refuse_foreign, sign
from experiments.sweep.runner import SweepError, Task, executor_for, run_tasks
from experiments.tables.group_sweep import run_plan
from experiments.tables.planning import groups_of
from tests.experiments.sweep.patience import connecting_within

OTHER = {"code": "0" * 64, "torch": signature()["torch"]}


def tasks(kept, calls):
    return [
        Task(label=f"job {n}", call=call, keep=partial(kept.__setitem__, n))
        for n, call in enumerate(calls)
    ]


@contextmanager
def process(*words, at, ready, code=None):
    """A process of Dask's with its address, once it has said that it is ready."""
    path = {} if code is None else {"PYTHONPATH": str(code)}
    # Python looks where it is started first, and after that where the path says.
    command = [sys.executable, "-m", "dask", *words, "--no-dashboard"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=os.environ | path, cwd=code
    ) as child:
        try:
            while at not in (line := child.stderr.readline()):
                assert line, "it ended before it was ready"
            address = line.split()[-1]
            while ready not in line:
                line = child.stderr.readline()
                assert line, "it ended before it was ready"
            threading.Thread(target=child.stderr.read, daemon=True).start()
            yield child, address
        finally:
            child.kill()


def scheduler(port="0"):
    where = ("scheduler", "--host", "127.0.0.1", "--port", port)
    return process(*where, at="Scheduler at:", ready="Scheduler at:")


def worker(of, code=None):
    alone = ("worker", of, "--nworkers", "1", "--nthreads", "1", "--no-nanny")
    return process(*alone, at="Start worker at:", ready="Registered to:", code=code)


@pytest.fixture(scope="module")
def other_code(tmp_path_factory):
    """This library as another commit has it: it learns at half the rate."""
    folder = tmp_path_factory.mktemp("other")
    source = Path(paper_lib.__file__).parent
    shutil.copytree(source, folder / "paper_lib")
    changed = folder / "paper_lib" / "models" / "training.py"
    text = changed.read_text()
    assert "lr=config.learning_rate" in text
    changed.write_text(
        text.replace("lr=config.learning_rate", "lr=config.learning_rate / 2")
    )
    return folder


# --- whose code it is -------------------------------------------------------------


def test_a_worker_of_this_code_and_torch_is_welcome():
    refuse_foreign("worker 1", signature())
    worker, made_by, result = sign(partial(mul, 2, 3), signature())
    assert (result, made_by) == (6, signature())
    assert str(os.getpid()) in worker


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (OTHER, "worker 1 was refused, as its code is 000000000000 instead of "),
        (signature() | {"torch": "1.0"}, "worker 1 was refused, as its torch is 1.0"),
        ({}, "its code is unknown instead of .* and its torch is unknown instead of"),
    ],
)
def test_another_worker_is_named_with_what_differs(found, said):
    with pytest.raises(ForeignWorkerError, match=said):
        refuse_foreign("worker 1", found)


def become_another():
    sys.modules[signature.__module__].CODE_DIGEST = OTHER["code"]


def test_under_other_code_no_call_is_made_and_nothing_is_kept(tmp_path):
    kept = {}
    calls = [partial(Path.touch, tmp_path / str(n)) for n in range(50)]
    pool = partial(ProcessPoolExecutor, 1, mp_context=get_context("spawn"))
    with (
        pool(initializer=become_another) as executor,
        pytest.raises(
            SweepError, match=r"^process .* was refused, as its code is 0000"
        ),
    ):
        run_tasks(tasks(kept, calls), executor, total=50, title="calls")
    assert kept == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_worker_of_another_commit_is_refused_before_it_works(other_code, tmp_path):
    groups = groups_of(["mnist"], [(0, 1), (3, 8)], 0)
    with scheduler() as (_, address), worker(address, other_code) as (_, foreign):
        with (
            executor_for(scheduler=address) as executor,
            pytest.raises(
                SweepError, match=f"^worker {foreign} was refused, as its code"
            ),
        ):
            run_plan(groups, tmp_path, executor=executor, source="embedded")
    assert [path.name for path in tmp_path.rglob("*.json")] == []
    assert [path.name for path in tmp_path.rglob("*.safetensors")] == []


@pytest.mark.slow
def test_a_worker_of_another_commit_that_joins_later_is_refused(other_code):
    kept = {}
    # Each of its own length: Dask makes equal calls once.
    calls = [partial(time.sleep, 0.5 + 1e-6 * n) for n in range(300)]
    with scheduler() as (_, address), worker(address), ExitStack() as stack:
        foreign = worker(address, other_code)
        late = Task(
            label="late",
            call=partial(mul, 1, 1),
            keep=lambda _: kept.update(foreign=stack.enter_context(foreign)[1]),
        )
        with (
            executor_for(scheduler=address) as executor,
            pytest.raises(SweepError, match=r"^worker tcp://.* was refused") as caught,
        ):
            run_tasks([late, *tasks(kept, calls)], executor, total=301, title="calls")
    assert f"worker {kept.pop('foreign')} was refused" in str(caught.value)
    assert len(kept) < 300
    assert f"{len(kept) + 1} of 301 are kept" in str(caught.value)


# --- a cluster that is not there ----------------------------------------------------


@pytest.mark.slow
def test_without_a_worker_it_says_so_and_goes_on_when_one_comes():
    kept = {}
    with scheduler() as (_, address), ExitStack() as stack:

        def start_one(*args, **kwargs):
            stack.enter_context(worker(address))

        monkeypatch = stack.enter_context(pytest.MonkeyPatch.context())
        said = Mock(side_effect=start_one)
        monkeypatch.setattr(module.warnings, "warn", said)
        with executor_for(scheduler=address) as executor:
            calls = [partial(mul, n, n) for n in range(3)]
            run_tasks(tasks(kept, calls), executor, total=3, title="squares")
    assert kept == {n: n * n for n in range(3)}
    ((text, *_), _) = said.call_args
    assert text == (
        f"no worker is connected to the scheduler {address}; 3 jobs wait for one."
    )


@pytest.mark.slow
@pytest.mark.parametrize("comes_back", [False, True])
def test_a_lost_scheduler_ends_the_sweep_with_one_error(comes_back):
    kept = {}
    with scheduler() as (lost, address), worker(address), ExitStack() as stack:

        def lose(_):
            lost.kill()
            lost.wait()
            kept["when"] = time.monotonic()
            if comes_back:
                stack.enter_context(scheduler(address.rsplit(":")[-1]))

        calls = [partial(time.sleep, 0.1)] * 100
        last = Task(label="the killer", call=partial(mul, 1, 1), keep=lose)
        with pytest.raises(SweepError) as caught, executor_for(scheduler=address) as ex:
            run_tasks(
                [*tasks(kept, calls[:5]), last, *tasks(kept, calls)],
                ex,
                total=106,
                title="calls",
            )
    assert time.monotonic() - kept.pop("when") < 60.0
    text = str(caught.value)
    assert text.startswith(
        f"the scheduler {address} is lost while calls were run, with "
    )
    assert text.endswith(" of 106 are kept, run the sweep again to go on.")


@pytest.mark.slow
def test_jobs_sent_to_a_lost_scheduler_end_the_sweep_too():
    # A client that is closed looks for its scheduler for as long as this.
    with (
        connecting_within("3s"),
        scheduler() as (lost, address),
        executor_for(scheduler=address) as executor,
    ):
        lost.kill()
        lost.wait()
        with pytest.raises(SweepError, match=f"^the scheduler {address} is lost while"):
            run_tasks(tasks({}, [partial(mul, 1, 1)]), executor, total=1, title="jobs")
