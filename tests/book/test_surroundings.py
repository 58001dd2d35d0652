"""What a user's machine brings reaches no run, and no run leaves a trace there."""

import base64
import io
import json
import os
import subprocess
import sys

import nbformat
import pytest
import surroundings
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from tests.book.test_build_book import SCRIPT

DRAWING = f"""{SCRIPT}
# %%
import matplotlib.pyplot as plt

figure, axis = plt.subplots(figsize=(1, 1))
_ = axis.plot([0, 1])
plt.close(figure)
figure

# %%
import sys

print(sys.prefix, plt.rcParams["figure.dpi"], plt.rcParams["text.usetex"])
"""


@pytest.fixture
def hostile(tmp_path):
    """A user who has configured everything, for other work."""
    home = tmp_path / "home"
    files = {
        "rc/matplotlibrc": "figure.dpi: 33\ntext.usetex: True\nfont.family: absent\n",
        ".config/matplotlib/matplotlibrc": "figure.dpi: 44\n",
        ".ipython/profile_default/startup/0.py": "print('hello')",
        "ipython/profile_default/ipython_kernel_config.py": (
            "c = get_config()\nc.InlineBackend.figure_formats = {'svg'}\n"
        ),
        "jupyter/kernels/python3/kernel.json": json.dumps(
            {"argv": ["false"], "display_name": "theirs", "language": "python"}
        ),
        "modules/sitecustomize.py": "raise SystemExit('theirs')",
        "startup.py": "print('started')",
        "jupytext.toml": 'cell_metadata_filter = "all"\nformats = "md"\n',
    }
    for name, text in files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (home / ".local" / "share").mkdir(parents=True)
    (home / ".local/share/jupyter").symlink_to(home / "jupyter")
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "MPLBACKEND": "Agg",
        "MATPLOTLIBRC": str(home / "rc"),
        "MPLCONFIGDIR": str(home / ".config" / "matplotlib"),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_PATH": str(home / "jupyter"),
        "JUPYTER_PREFER_ENV_PATH": "0",
        "PYTHONPATH": str(home / "modules"),
        "PYTHONSTARTUP": str(home / "startup.py"),
        "OMP_NUM_THREADS": "7",
    }


@pytest.fixture
def homeless(tmp_path):
    return {"HOME": str(tmp_path / "file" / "home")}


def make_project(folder):
    """Write a project whose one notebook draws."""
    book = folder / "project" / "book"
    book.mkdir(parents=True)
    (book / "page.py").write_text(DRAWING, encoding="utf-8")
    # As in the tree, where it keeps others from being found first.
    (book / "matplotlibrc").write_text("", encoding="utf-8")
    return book.parent


@pytest.fixture
def project(tmp_path):
    """One whose notebook was never executed."""
    return make_project(tmp_path)


@pytest.fixture(scope="module")
def stored(build_book, tmp_path_factory):
    """The executed notebook of such a project."""
    return executed(build_book, make_project(tmp_path_factory.mktemp("stored")))


@pytest.fixture
def drawn(project, stored):
    """One whose notebook has its outputs."""
    (project / "book" / "page.ipynb").write_bytes(stored)
    return project


def executed(build_book, project):
    build_book.make_notebooks(project, [], jobs=1, timeout=60)
    return (project / "book" / "page.ipynb").read_bytes()


def outputs(stored):
    cells = nbformat.reads(stored.decode(), as_version=4).cells
    return [output for cell in cells for output in cell.get("outputs", [])]


def test_the_same_bytes_whatever_the_user_has_set(
    build_book, drawn, stored, hostile, monkeypatch
):
    _, figure, said = outputs(stored)
    assert set(figure.data) == {"image/png", "text/plain"}
    assert said.text == f"{sys.prefix} 100.0 False\n"
    before = {path for path in drawn.parent.rglob("*") if "project" not in str(path)}
    for name, value in hostile.items():
        monkeypatch.setenv(name, value)
    assert executed(build_book, drawn) == stored
    after = {path for path in drawn.parent.rglob("*") if "project" not in str(path)}
    assert after == before, "the user's home is written to"


@pytest.mark.parametrize("user", ["hostile", "homeless"])
def test_nbval_runs_in_the_same_surroundings(drawn, root, user, request):
    given = os.environ | request.getfixturevalue(user)
    given.pop("PYTHONPATH", None)  # read before any program of ours; make drops it
    options = ["-q", "-p", "no:cacheprovider", "-p", "conftest", "--rootdir", root]
    options += ["-c", root / "pyproject.toml", drawn / "book" / "page.ipynb"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", *map(str, options)],
        env=given,
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_figures_have_twice_the_pixels_of_the_size_they_are_shown_in(stored):
    figure = outputs(stored)[1]
    image = Image.open(io.BytesIO(base64.b64decode(figure.data["image/png"])))
    assert figure.data["text/plain"] == "<Figure size 100x100 with 1 Axes>"
    shown = figure.metadata["image/png"]
    assert image.size == (2 * shown["width"], 2 * shown["height"]) > (199, 199)
    assert [round(one) for one in image.info["dpi"]] == [200, 200]


def test_settings_of_kernels_that_are_others_are_written_anew(tmp_path):
    home = os.environ | {"HOME": str(tmp_path)}
    file = tmp_path / surroundings.SETTINGS
    for before in (None, "c.InlineBackend.figure_formats = {'svg'}\n"):
        if before:
            file.write_text(before, encoding="utf-8")
        surroundings.prepare(home)
        assert file.read_text(encoding="utf-8") == surroundings.RETINA
    assert [one.name for one in file.parent.iterdir()] == [file.name]


def test_a_home_that_is_not_there_is_not_needed(
    build_book, project, homeless, monkeypatch
):
    for name, value in homeless.items():
        monkeypatch.setenv(name, value)
    assert len(outputs(executed(build_book, project))) == 3


@pytest.mark.parametrize(
    ("given", "cache", "data"),
    [
        ({"HOME": "/h"}, "/h/.cache/torch", None),
        (
            {"HOME": "/h", "PAPER_LIB_DATA": "~/my d"},
            "/h/.cache/torch",
            "/h/my d",
        ),
        ({"HOME": "/h", "XDG_CACHE_HOME": "/c", "PAPER_LIB_DATA": ""}, "/c/torch", ""),
        ({"HOME": "/h", "TORCH_HOME": "/t", "XDG_CACHE_HOME": "/c"}, "/t", None),
    ],
)
def test_data_sets_are_looked_for_where_the_user_has_them(given, cache, data):
    clean = surroundings.clean_environment(given)
    assert clean["TORCH_HOME"] == cache
    assert clean.get("PAPER_LIB_DATA") == data
    assert surroundings.clean_environment(clean) == clean


def test_a_relative_folder_of_data_counts_from_the_call(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clean = surroundings.clean_environment({"PAPER_LIB_DATA": "its data"})
    assert clean["PAPER_LIB_DATA"] == str(tmp_path / "its data")


def test_the_tests_themselves_run_in_these_surroundings():
    assert surroundings.clean_environment(os.environ).items() <= os.environ.items()


# --- figures that are gone ---------------------------------------------------------


def notebook(*kinds, source="figure", text="<Figure size 100x100 with 1 Axes>"):
    data = dict.fromkeys(kinds, "") | ({"text/plain": text} if text else {})
    shown = [new_output("display_data", data)] if data else []
    cell = new_code_cell(source, outputs=shown)
    cell["id"] = "one"
    return new_notebook(cells=[cell])


PNG = "image/png"


@pytest.mark.parametrize(
    ("now", "before"),
    [
        (notebook(), new_notebook()),
        (notebook("image/svg+xml"), new_notebook()),
        (notebook(text=""), notebook(PNG)),
        (notebook(PNG, "image/svg+xml"), notebook(PNG)),
    ],
)
def test_a_lost_figure_is_found(build_book, now, before):
    assert build_book.lost_figures(now, before) == [
        "cell 0 shows no figure, or another kind than before"
    ]


@pytest.mark.parametrize(
    ("now", "before"),
    [
        (notebook(PNG), notebook()),
        (notebook(PNG), notebook(PNG)),
        (notebook(text="no figure"), new_notebook()),
        (notebook(source="other", text=""), notebook(PNG)),
    ],
)
def test_a_figure_that_is_there_or_gone_with_its_code_is_not_lost(
    build_book, now, before
):
    assert build_book.lost_figures(now, before) == []


def test_an_execution_that_loses_a_figure_changes_nothing(
    build_book, drawn, stored, monkeypatch
):
    monkeypatch.setattr(
        build_book,
        "clean_environment",
        lambda: surroundings.clean_environment() | {"MPLBACKEND": "Agg"},
    )
    with pytest.raises(build_book.BookError, match=r"page\.ipynb: cell 3 shows no fig"):
        executed(build_book, drawn)
    assert (drawn / "book" / "page.ipynb").read_bytes() == stored
