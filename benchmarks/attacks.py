"""Speed of ``linearize``, ``fgm`` and ``pgd`` beside plain torch and peers.

The cases of a group run one after another, again and again, each time from another
start; what is compared is the ratio of two times of the same round, so that a machine
that is slower for a while slows both. Reported is the median ratio with a 95%
bootstrap interval.
"""

import sys
from collections.abc import Mapping, Sequence

import numpy as np
from tqdm.auto import tqdm

from benchmarks.cases import GROUPS, Case
from benchmarks.environment import peer_versions, peers_python
from benchmarks.report import Report, markdown_table
from benchmarks.subject import EPSILON, STEPS, embedded_subject
from benchmarks.workers import Worker, rotated, start_workers

Times = Mapping[str, Sequence[float]]
_RESAMPLES = 10_000


def run(*, runs: int = 20, with_peers: bool = True) -> Report:
    """Time all cases.

    Args:
        runs: Rounds, each of which runs every case once.
        with_peers: Whether to time peers, which takes an environment of their own.

    Returns:
        Tables, verdicts and every single time.
    """
    interpreters = {"project": sys.executable}
    if with_peers:
        interpreters["peers"] = peers_python()
    results, text = {}, []
    with start_workers(interpreters) as workers:
        for group, cases in GROUPS.items():
            chosen = [case for case in cases if case.environment in workers]
            results[group] = _measure(group, chosen, workers, runs)
            text += [f"### {group}", _table(chosen, results[group])]
            text += _verdicts(chosen, results[group]["seconds"])
    heading = (
        f"{embedded_subject().source}; budget {EPSILON}, {STEPS} steps of PGD; "
        f"median of {runs} interleaved runs, one thread. Peers: "
        f"{', '.join(peer_versions()) if with_peers else 'none'}."
    )
    return Report(
        title="Attacks", text="\n\n".join([heading, *text]), data={"groups": results}
    )


def _measure(
    group: str, cases: Sequence[Case], workers: Mapping[str, Worker], runs: int
) -> dict[str, dict]:
    """Warm every case up, then time all of them round by round."""
    names = [case.name for case in cases]
    found = {"label_kept": {}, "seconds": {name: [] for name in names}}
    found["processor_seconds"] = {name: [] for name in names}
    with tqdm(total=(runs + 1) * len(cases), desc=group, unit="run") as bar:
        for case in cases:
            answer = workers[case.environment].ask("label_kept", group, case.name)
            found["label_kept"][case.name] = answer["label_kept"]
            bar.update()
        for number in range(runs):
            for case in rotated(cases, number):
                answer = workers[case.environment].ask("timed", group, case.name)
                for kind in ("seconds", "processor_seconds"):
                    found[kind][case.name].append(round(answer[kind], 5))
                bar.update()
    return found


def ratio(times: Times, numerator: str, denominator: str) -> tuple[float, float, float]:
    """Compare two cases round by round.

    Args:
        times: Seconds of each case, round by round.
        numerator: One case.
        denominator: The other.

    Returns:
        The median ratio and the ends of its 95% bootstrap interval.
    """
    ratios = np.divide(times[numerator], times[denominator])
    draws = np.random.default_rng(0).choice(ratios, (_RESAMPLES, len(ratios)))
    low, high = np.quantile(np.median(draws, axis=1), [0.025, 0.975])
    return float(np.median(ratios)), float(low), float(high)


def _table(cases: Sequence[Case], found: Mapping[str, dict]) -> str:
    header = (
        "case",
        "seconds",
        "ratio",
        "95% interval",
        "processor time",
        "to",
        "label kept",
    )
    return markdown_table(header, [_row(case, found) for case in cases])


def _row(case: Case, found: Mapping[str, dict]) -> list[str]:
    kept = found["label_kept"][case.name]
    seconds = f"{np.median(found['seconds'][case.name]):.3f}"
    shown = "" if kept is None else f"{kept:.1%}"
    if case.baseline is None:
        return [case.name, seconds, "1", "", "1", "itself", shown]
    median, low, high = ratio(found["seconds"], case.name, case.baseline)
    processor, *_ = ratio(found["processor_seconds"], case.name, case.baseline)
    return [
        case.name,
        seconds,
        f"{median:.3f}",
        f"{low:.3f} to {high:.3f}",
        f"{processor:.3f}",
        case.baseline,
        shown,
    ]


def _verdicts(cases: Sequence[Case], times: Times) -> list[str]:
    """Say of each case with an aim whether it is met, and how it stands to peers."""
    lines = []
    for case in cases:
        if case.aim is not None:
            median, low, high = ratio(times, case.name, case.baseline)
            met = "met" if low <= case.aim else "MISSED"
            found = f"{median:.3f} ({low:.3f} to {high:.3f})"
            lines.append(f"- {case.name}: {found}, aim {case.aim:.2f}: {met}")
        if case.role == "ours" and (peers := _peers(cases)):
            lines.append(_against_fastest(case.name, peers, times))
    return ["\n".join(lines)]


def _peers(cases: Sequence[Case]) -> list[str]:
    return [case.name for case in cases if case.role == "peer"]


def _against_fastest(name: str, peers: Sequence[str], times: Times) -> str:
    """Compare with the peer that is fastest in the same rounds."""
    compared = {peer: ratio(times, name, peer) for peer in peers}
    fastest = max(compared, key=lambda peer: compared[peer][0])
    median, low, high = compared[fastest]
    place = "ahead" if high < 1 else "BEHIND" if low > 1 else "within noise"
    return (
        f"- {name} to the fastest peer, {fastest}: "
        f"{median:.3f} ({low:.3f} to {high:.3f}): {place}"
    )
