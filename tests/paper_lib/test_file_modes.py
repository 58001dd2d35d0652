"""Who may read what the library and its sweeps write."""

import os
import stat
from contextlib import contextmanager

import pytest
import torch

from experiments.store.record_files import save_bytes, save_record
from experiments.sweep.runner import only_writer
from paper_lib.defense import save_certificate
from paper_lib.defense.solution import certify
from paper_lib.files import replacing
from paper_lib.models import PairCNN, save_classifier
from paper_lib.robust_sets import RobustSets


@contextmanager
def umask(mask):
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode_of(path):
    return oct(stat.S_IMODE(path.stat().st_mode))


def write_certificate(path):
    v = torch.zeros(2)
    sets = RobustSets(normals=torch.eye(2), offsets=torch.ones(2), epsilon=1.0)
    save_certificate(certify(sets, v), path)


def write_private(path):
    with replacing(path) as part, open(os.open(part, os.O_CREAT | os.O_WRONLY, 0o600)):
        pass


WRITERS = {
    "a classifier": lambda path: save_classifier(PairCNN(), path),
    "a certificate": write_certificate,
    "a record": lambda path: save_record({"schema": "some"}, path),
    "bytes": lambda path: save_bytes(b"some", path),
    "a private file": write_private,
    "the lock of a store": lambda path: only_writer(path.parent).__enter__(),
}


@pytest.mark.parametrize("old", [None, 0o600, 0o666])
@pytest.mark.parametrize(("mask", "mode"), [(0o022, "0o644"), (0o077, "0o600")])
@pytest.mark.parametrize("writer", WRITERS)
def test_the_umask_decides_who_may_read_a_file(tmp_path, writer, mask, mode, old):
    path = tmp_path / (".lock" if "lock" in writer else "some.file")
    if old is not None and "lock" not in writer:
        path.touch()
        path.chmod(old)
    with umask(mask):
        WRITERS[writer](path)
    assert mode_of(path) == mode
