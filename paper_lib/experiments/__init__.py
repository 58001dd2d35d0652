"""Runs of the experiments and the store of their results."""

from paper_lib.experiments.batched import (
    attack_stacked,
    batch_path,
    linearize_stacked,
    score_pairs,
    train_pairs,
)
from paper_lib.experiments.bounds import BoundsConfig, run_bounds
from paper_lib.experiments.calibration import CalibrationConfig, calibrate
from paper_lib.experiments.claims import (
    PairGain,
    dyadic_interval,
    extreme_gains,
    holm,
    mcnemar,
    pair_gains,
)
from paper_lib.experiments.examples import (
    extreme_examples,
    load_examples,
    save_examples,
)
from paper_lib.experiments.image_rates import (
    ImageRatesConfig,
    image_rates,
    run_image_rates,
)
from paper_lib.experiments.pair import PairConfig, run_pair
from paper_lib.experiments.planning import (
    ALL_PAIRS,
    CLASSIFIERS,
    PRIMARY_CLASSIFIER,
    PRIMARY_PROTOCOL,
    PRIMARY_READING,
    PRIMARY_SOLVER,
    Line,
    lines_of,
    parse_pair,
    parse_pairs,
    parse_seeds,
    plan,
)
from paper_lib.experiments.points import LinearizedPair, linearize_pair
from paper_lib.experiments.prices import PriceConfig, run_prices
from paper_lib.experiments.provenance import provenance, seconds_by_seed
from paper_lib.experiments.rates import (
    RATE_PLANS,
    RatePlan,
    load_or_measure,
    load_rates,
)
from paper_lib.experiments.records import (
    PRICE_PLAN,
    VALIDITY_PLAN,
    bound_plan,
    image_rates_plan,
    load_or_compute,
    primary_budgets,
    reuse_plan,
)
from paper_lib.experiments.reports import rows_of, table_rows
from paper_lib.experiments.reuse import ReuseConfig, run_reuse
from paper_lib.experiments.runner import SweepError, executor_for, process_pool
from paper_lib.experiments.scoring import ScoreConfig, score_name, score_pair
from paper_lib.experiments.solvers import SOLVERS, fit_solver
from paper_lib.experiments.store import load_record, save_record, stored_folder
from paper_lib.experiments.summary import (
    SummaryRow,
    cell_percents,
    primary_results,
    summarize,
    write_csv,
    write_manifest,
)
from paper_lib.experiments.table1 import LineResult, load_lines, run_lines
from paper_lib.experiments.training import (
    ClassifierConfig,
    TrainedClassifier,
    train_pair,
)
from paper_lib.experiments.validity import (
    ValidityConfig,
    measure_validity,
    run_validity,
)

__all__ = [
    "ALL_PAIRS",
    "CLASSIFIERS",
    "PRICE_PLAN",
    "PRIMARY_CLASSIFIER",
    "PRIMARY_PROTOCOL",
    "PRIMARY_READING",
    "PRIMARY_SOLVER",
    "RATE_PLANS",
    "SOLVERS",
    "VALIDITY_PLAN",
    "BoundsConfig",
    "CalibrationConfig",
    "ClassifierConfig",
    "ImageRatesConfig",
    "Line",
    "LineResult",
    "LinearizedPair",
    "PairConfig",
    "PairGain",
    "PriceConfig",
    "RatePlan",
    "ReuseConfig",
    "ScoreConfig",
    "SummaryRow",
    "SweepError",
    "TrainedClassifier",
    "ValidityConfig",
    "attack_stacked",
    "batch_path",
    "bound_plan",
    "calibrate",
    "cell_percents",
    "dyadic_interval",
    "executor_for",
    "extreme_examples",
    "extreme_gains",
    "fit_solver",
    "holm",
    "image_rates",
    "image_rates_plan",
    "linearize_pair",
    "linearize_stacked",
    "lines_of",
    "load_examples",
    "load_lines",
    "load_or_compute",
    "load_or_measure",
    "load_rates",
    "load_record",
    "mcnemar",
    "measure_validity",
    "pair_gains",
    "parse_pair",
    "parse_pairs",
    "parse_seeds",
    "plan",
    "primary_budgets",
    "primary_results",
    "process_pool",
    "provenance",
    "reuse_plan",
    "rows_of",
    "run_bounds",
    "run_image_rates",
    "run_lines",
    "run_pair",
    "run_prices",
    "run_reuse",
    "run_validity",
    "save_examples",
    "save_record",
    "score_name",
    "score_pair",
    "score_pairs",
    "seconds_by_seed",
    "stored_folder",
    "summarize",
    "table_rows",
    "train_pair",
    "train_pairs",
    "write_csv",
    "write_manifest",
]
