"""Runs that are killed: after so much work, which a busy machine does not change."""

import multiprocessing
import time


def records_in(store):
    """Count the records of a store, which need not be there yet."""
    return sum(1 for _ in store.glob("[!.]*.json"))


def is_killed(run, groups, store, draw):
    """Kill a run of groups after none to two records more, and a moment on.

    Returns:
        False where it came to its end before.
    """
    child = multiprocessing.get_context("fork").Process(
        target=run, args=(groups, store), kwargs={"source": "embedded"}
    )
    wanted = records_in(store) + draw.randrange(3)
    child.start()
    while child.is_alive() and records_in(store) < wanted:
        time.sleep(0.002)
    child.join(draw.uniform(0.0, 0.3))
    assert child.exitcode in {None, 0}
    if child.exitcode == 0:
        return False
    child.kill()
    child.join()
    return True
