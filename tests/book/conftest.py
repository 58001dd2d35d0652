"""What the tests of the book share: the project's root and its two programs."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load(path: Path) -> ModuleType:
    """Import a file that belongs to no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def build_book() -> ModuleType:
    return load(ROOT / "tools" / "build_book.py")


@pytest.fixture(scope="session")
def claims_ledger() -> ModuleType:
    return load(ROOT / "book" / "_ext" / "claims_ledger.py")
