"""Files that one process at a time may write."""

import errno
import fcntl
import os
import subprocess
import sys

import pytest

from experiments.sweep.locks import holding


def test_a_lock_is_held_by_one_and_freed_at_the_end(tmp_path):
    lock = tmp_path / "lock"
    with holding(lock):
        with pytest.raises(BlockingIOError), holding(str(lock)):
            pytest.fail("two hold it")
    with pytest.raises(ZeroDivisionError), holding(lock):
        _ = 1 / 0
    with holding(lock):
        pass


def test_whoever_waits_goes_on_when_the_holder_is_killed(tmp_path):
    code = (
        "import sys, time; from experiments.sweep.locks import holding\n"
        "with holding(sys.argv[1]): print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BlockingIOError), holding(tmp_path / "lock"):
            pytest.fail("two hold it")
        holder.kill()
        with holding(tmp_path / "lock", wait=True):
            pass


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL])
def test_a_file_system_without_locks_is_no_other_process(tmp_path, monkeypatch, code):
    def refuse(*arguments):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    said = f"{tmp_path}/lock has no locks .{os.strerror(code)}"
    with pytest.warns(UserWarning, match=said), holding(tmp_path / "lock"):
        pass
