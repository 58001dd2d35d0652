"""What the tests of the book share: the project's root and its two programs."""

import contextlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from playwright.sync_api import sync_playwright

from tests.book.browser import FLAGS, chromium_path

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
def formal_statements() -> ModuleType:
    return load(ROOT / "book" / "_ext" / "formal_statements.py")


@pytest.fixture(scope="session")
def claims(formal_statements) -> ModuleType:
    return load(ROOT / "book" / "_ext" / "claims.py")


@pytest.fixture(scope="session")
def claims_ledger(claims) -> ModuleType:
    return load(ROOT / "book" / "_ext" / "claims_ledger.py")


@pytest.fixture(scope="session")
def page_facts() -> ModuleType:
    return load(ROOT / "book" / "_ext" / "page_facts.py")


@pytest.fixture(scope="session")
def library_names() -> ModuleType:
    return load(ROOT / "book" / "_ext" / "library_names.py")


@pytest.fixture(scope="session")
def library_results(library_names) -> ModuleType:
    return load(ROOT / "book" / "_ext" / "library_results.py")


@pytest.fixture(scope="session")
def record_archives() -> ModuleType:
    return load(ROOT / "book" / "_ext" / "record_archives.py")


@pytest.fixture(scope="session")
def offered_files(record_archives) -> ModuleType:
    return load(ROOT / "book" / "_ext" / "offered_files.py")


@pytest.fixture(scope="session")
def page_form(
    claims, page_facts, library_names, offered_files, record_archives
) -> ModuleType:
    return load(ROOT / "book" / "_ext" / "page_form.py")


@pytest.fixture(scope="session")
def came_out(page_form) -> ModuleType:
    return load(ROOT / "book" / "_ext" / "came_out.py")


@pytest.fixture(scope="session")
def paper_places(page_form) -> ModuleType:
    return load(ROOT / "book" / "_ext" / "paper_places.py")


@pytest.fixture(scope="session")
def front_page(came_out) -> ModuleType:
    load(ROOT / "tools" / "headlines.py")
    load(ROOT / "tools" / "front_picture.py")
    return load(ROOT / "tools" / "front_page.py")


@pytest.fixture(scope="session")
def image_texts(page_form) -> ModuleType:
    return load(ROOT / "book" / "_ext" / "image_texts.py")


@pytest.fixture(scope="session")
def source(tmp_path_factory, build_book):
    """A copy of the sources, with the stored outputs of the notebooks."""
    folder = tmp_path_factory.mktemp("book") / "source"
    build_book.copy_sources(ROOT, folder)
    return folder


@pytest.fixture(scope="session")
def html(source, build_book):
    """The built pages; building fails on any warning."""
    return build_book.build_html(source)


@contextlib.contextmanager
def opened_browser(profile, **options):
    """A browser with nothing in it, where there is one."""
    path = chromium_path()
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=path,
            headless=True,
            args=FLAGS,
            **options,
        )
        yield context
        context.close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with opened_browser(tmp_path_factory.mktemp("profile")) as context:
        yield context
