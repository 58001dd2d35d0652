"""One environment's side of the timing: told over stdin what to run, once.

Started by ``workers.py`` as ``python -m benchmarks.worker``. A line holds a group and
a case's name; the answer is a line of JSON. Peers that print cannot disturb it, for
the answers go to a private copy of stdout.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from functools import cache

import torch

from benchmarks.cases import GROUPS, Attack
from benchmarks.subject import embedded_subject


@cache
def prepared(group: str, name: str) -> Attack:
    case = next(case for case in GROUPS[group] if case.name == name)
    return case.prepare(embedded_subject())


def timed(group: str, name: str) -> dict[str, float]:
    attack = prepared(group, name)
    processor, wall = time.process_time(), time.perf_counter()
    attack()
    return {
        "seconds": time.perf_counter() - wall,
        "processor_seconds": time.process_time() - processor,
    }


def label_kept(group: str, name: str) -> dict[str, float | None]:
    """Warm up, and say what share of points keeps its label under the attack."""
    found = prepared(group, name)()
    if not isinstance(found, torch.Tensor):
        return {"label_kept": None}
    subject = embedded_subject()
    with torch.no_grad():
        before = subject.model(subject.images).sign()
        after = subject.model(subject.images + found.view_as(subject.images)).sign()
    return {"label_kept": (before == after).double().mean().item()}


COMMANDS: dict[str, Callable[[str, str], dict]] = {
    "timed": timed,
    "label_kept": label_kept,
}


def serve() -> None:
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    torch.set_num_threads(1)
    for line in sys.stdin:
        command, group, name = json.loads(line)
        print(json.dumps(COMMANDS[command](group, name)), file=answers, flush=True)


if __name__ == "__main__":
    serve()
