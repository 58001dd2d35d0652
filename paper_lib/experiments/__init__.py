"""Runs of the experiments and the store of their results."""

from paper_lib.experiments.pair import (
    PairConfig,
    PreparedPair,
    Score,
    prepare,
    provenance,
    run_pair,
    score,
)
from paper_lib.experiments.store import load_record, save_record, table_rows
from paper_lib.experiments.sweep import load_or_run, record_name

__all__ = [
    "PairConfig",
    "PreparedPair",
    "Score",
    "load_or_run",
    "load_record",
    "prepare",
    "provenance",
    "record_name",
    "run_pair",
    "save_record",
    "score",
    "table_rows",
]
