"""Execute the paired notebooks and build the book.

Three commands::

    python tools/build_book.py notebooks     # refresh the stored outputs, in place
    python tools/build_book.py book          # execute a copy of the sources, build it
    python tools/build_book.py run book/NAME.ipynb OUT.ipynb -p PARAMETER VALUE

A notebook is a pair of files, ``NAME.py`` (percent format, the source) and
``NAME.ipynb`` (the same cells with their outputs). Papermill executes it in the
folder that holds it, so that ``../results`` leads to the stored results both in the
tree and in the copy under ``_build/source``, and in the surroundings that
``surroundings.py`` gives every run.

All work is done in a fresh folder and moved into place at the end: a run that is
stopped leaves what was there before, and the next run starts over.
"""

import argparse
import ast
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import checkout
import jupytext
import nbformat
import yaml
from jupytext.compare import NotebookDifference, compare_notebooks
from nbformat import NotebookNode
from surroundings import clean_environment, prepare
from tqdm import tqdm

from experiments.sweep.locks import holding

ROOT = Path(__file__).resolve().parent.parent
# What the build reads: pages, stored results; the tests, proofs, modules they name.
PACKAGES = ("experiments", "paper_lib")
ABOUT = ("CITATION.cff", "LICENSE", "pyproject.toml")
FOLDERS = ("book", "proofs", "results", "tests", *PACKAGES)
SOURCES = ("_config.yml", "_toc.yml", *ABOUT, *FOLDERS)
IGNORED = shutil.ignore_patterns("__pycache__", ".*")
CELL_TIMEOUT = 600
CELL_METADATA_DROPPED = ("execution", "papermill")
NOTEBOOK_METADATA_DROPPED = ("papermill", "language_info")
# How programs say that there is no room to write: the disk's, or the user's share.
NO_ROOM = re.compile(
    r"Errno (28|122)\b|No space left|quota exceeded|disk is full", re.IGNORECASE
)


class BookError(Exception):
    """The book cannot be built; the message says why and what to do."""


# --- notebooks as data ---------------------------------------------------------


def strip_run_metadata(notebook: NotebookNode) -> NotebookNode:
    """Drop what differs between two runs with the same result.

    Args:
        notebook: An executed notebook; left as it is.

    Returns:
        A copy without papermill's records, execution times, empty lists of tags
        and the version of the language, all of which the kernel writes anew, and
        with text that came in several pieces put together: a busy machine cuts it
        elsewhere each time, and a page would break the line there.
    """
    stripped = nbformat.reads(nbformat.writes(notebook), as_version=4)
    for key in NOTEBOOK_METADATA_DROPPED:
        stripped.metadata.pop(key, None)
    for cell in stripped.cells:
        for key in CELL_METADATA_DROPPED:
            cell.metadata.pop(key, None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
        if cell.cell_type == "code":
            cell.outputs = _with_whole_streams(cell.outputs)
    return stripped


def _with_whole_streams(outputs: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Join pieces of one stream that follow each other."""
    whole: list[NotebookNode] = []
    for output in outputs:
        last = whole[-1] if whole else {}
        if output.output_type == "stream" and output.name == last.get("name"):
            last["text"] += output.text
        else:
            whole.append(output)
    return whole


def stored_errors(notebook: NotebookNode) -> list[str]:
    """List the outputs of a notebook that are errors.

    Args:
        notebook: A notebook with its outputs.

    Returns:
        One line per error, with the number of the cell; empty if there is none.
    """
    return [
        f"cell {number}: {line}"
        for number, cell in enumerate(notebook.cells)
        for line in raised_errors(NotebookNode(cells=[cell]))
    ]


def raised_errors(notebook: NotebookNode) -> list[str]:
    """List what the cells of a notebook raised.

    Args:
        notebook: A notebook with its outputs.

    Returns:
        Kind and message of each error; empty if there is none.
    """
    return [
        f"{output.ename}: {output.evalue}"
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]


def lost_figures(notebook: NotebookNode, before: NotebookNode) -> list[str]:
    """Find the figures that another backend or format would leave out of a page.

    Args:
        notebook: A notebook with its outputs.
        before: The same notebook as it was stored, or one without cells.

    Returns:
        One line for each cell that shows a figure as text alone, or that shows other
        kinds of images than the cell with the same source and id did before.
    """
    images = {(cell.get("id"), cell.source): _images(cell) for cell in before.cells}
    lost = []
    for number, cell in enumerate(notebook.cells):
        shown = [output.get("data", {}) for output in cell.get("outputs", [])]
        as_text = any(
            str(data.get("text/plain")).startswith("<Figure size")
            and "image/png" not in data
            for data in shown
        )
        stored = images.get((cell.get("id"), cell.source), [])
        if as_text or (stored and stored != _images(cell)):
            lost.append(f"cell {number} shows no figure, or another kind than before")
    return lost


def _images(cell: NotebookNode) -> list[str]:
    """Name the kinds of images in a cell's outputs, one by one."""
    outputs = cell.get("outputs", [])
    kinds = [kind for output in outputs for kind in output.get("data", {})]
    return sorted(kind for kind in kinds if kind.startswith("image/"))


def parameter_names(notebook: NotebookNode) -> set[str]:
    """Name the parameters a notebook takes.

    Args:
        notebook: A notebook in Python.

    Returns:
        The names assigned in the cells tagged ``parameters``.
    """
    return {name for part in _settings(notebook) for name in _assigned_names(part)}


def _settings(notebook: NotebookNode) -> list[ast.stmt]:
    """List the statements of the cells tagged ``parameters``."""
    return [
        statement
        for cell in notebook.cells
        if "parameters" in cell.metadata.get("tags", [])
        for statement in ast.parse(cell.source).body
    ]


def _switches(notebook: NotebookNode) -> set[str]:
    """Name the parameters that are True or False as they stand."""
    return {
        name
        for part in _settings(notebook)
        if isinstance(part, ast.Assign | ast.AnnAssign)
        and isinstance(part.value, ast.Constant)
        and isinstance(part.value.value, bool)
        for name in _assigned_names(part)
    }


def _assigned_names(statement: ast.stmt) -> set[str]:
    """Name the variables that one statement assigns.

    Args:
        statement: A statement of the parameters cell.

    Returns:
        Its targets; empty for anything but an assignment.
    """
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    else:
        return set()
    nodes = [node for target in targets for node in ast.walk(target)]
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def check_parameters(notebook: NotebookNode, parameters: Mapping[str, object]) -> None:
    """Refuse parameters that the notebook does not have, and switches half on.

    Papermill itself only warns, runs with the defaults and reports success. Of a
    switch any text would count as on, ``no`` among them.

    Args:
        notebook: The notebook to be run.
        parameters: Name and value of each parameter to set.

    Raises:
        BookError: If a name is not assigned in the cell tagged ``parameters``, or is
            True or False there and given another value.
    """
    known = parameter_names(notebook)
    unknown = sorted(set(parameters) - known)
    if unknown:
        raise BookError(
            f"unknown parameter {', '.join(map(repr, unknown))}; "
            f"this notebook has {', '.join(sorted(known)) or 'no parameters'}."
        )
    for name in sorted(_switches(notebook) & set(parameters)):
        if not isinstance(parameters[name], bool):
            raise BookError(f"{name} must be True or False, got {parameters[name]!r}.")


def parse_value(text: str) -> object:
    """Read a parameter's value from the command line.

    Args:
        text: A Python literal (``3.0``, ``(0, 1)``, ``None``) or any other text.

    Returns:
        The literal's value, or the text itself where it is no literal.
    """
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


# --- pairs -----------------------------------------------------------------------


def notebook_scripts(book: Path) -> list[Path]:
    """Find the notebooks of a book by their text form.

    Args:
        book: The folder of the pages.

    Returns:
        Every ``.py`` file in it and its subfolders, sorted, without those in
        folders whose name starts with an underscore.

    Raises:
        BookError: If an ``.ipynb`` file has no ``.py`` file beside it.
    """
    found = {
        suffix: {
            path
            for path in book.rglob(f"*{suffix}")
            if not any(
                part.startswith(("_", ".")) for part in path.relative_to(book).parts
            )
        }
        for suffix in (".py", ".ipynb")
    }
    for notebook in sorted(found[".ipynb"]):
        if notebook.with_suffix(".py") not in found[".py"]:
            raise BookError(
                f"{notebook} has no text form; make one with "
                f"'jupytext --set-formats ipynb,py:percent {notebook}'."
            )
    return sorted(found[".py"])


def pair_in_step(script: Path) -> bool:
    """Tell whether the two files of a pair hold the same cells.

    Args:
        script: The ``.py`` file of the pair.

    Returns:
        True if both give the same text: cells, tags and what else the pair keeps.
        Headers and blank lines between cells do not count.
    """
    notebook = script.with_suffix(".ipynb")
    if not notebook.exists():
        return False
    source, stored = jupytext.read(script), jupytext.read(notebook)
    stored.metadata = source.metadata
    try:
        compare_notebooks(stored, source, fmt="py:percent")
    except NotebookDifference:
        return False
    return True


def refuse_unsaved_edits(script: Path) -> None:
    """Stop before edits made in the ``.ipynb`` file are overwritten.

    Args:
        script: The ``.py`` file of the pair, which is taken as the source.

    Raises:
        BookError: If the pair is out of step and the ``.ipynb`` file is newer.
    """
    notebook = script.with_suffix(".ipynb")
    if not notebook.exists() or pair_in_step(script):
        return
    if notebook.stat().st_mtime > script.stat().st_mtime:
        raise BookError(
            f"{notebook} differs from {script.name} and is newer. "
            f"To keep its edits run 'jupytext --to py:percent {notebook}'; "
            f"to discard them run 'touch {script}'."
        )


# --- running ---------------------------------------------------------------------


def run_command(
    command: Sequence[str | Path], *, what: str, quiet: bool = True
) -> None:
    """Run a command in the project's own surroundings.

    Args:
        command: The program and its arguments.
        what: What is being done, for the error message.
        quiet: Keep the command's output for the error message, and else show it.

    Raises:
        BookError: If the command fails; the message holds its warnings and errors,
            its last lines and, where the disk is full, that at the end.
    """
    environment = clean_environment()
    prepare(environment)
    done = subprocess.run(
        [str(part) for part in command],
        env=environment,
        text=True,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        check=False,
    )
    if done.returncode:
        lines = (done.stdout or "").splitlines()
        early = [line for line in lines[:-60] if re.search("WARNING|ERROR", line)]
        full = [line.strip() for line in lines if NO_ROOM.search(line)]
        said = "\n".join([*early, *lines[-60:], *full[-1:]])
        raise BookError(f"{what} failed (exit code {done.returncode}).\n{said}".strip())


def papermill(
    notebook: Path,
    output: Path,
    *,
    folder: Path,
    parameters: Mapping[str, object] | None = None,
    timeout: int = CELL_TIMEOUT,
    quiet: bool = True,
) -> None:
    """Execute a notebook headlessly.

    Args:
        notebook: The notebook to execute.
        output: Where papermill writes it, cell by cell as it runs.
        folder: Working folder of the kernel.
        parameters: Values that replace those of the parameters cell; they must
            have passed `check_parameters`.
        timeout: Seconds that one cell may take.
        quiet: Hide papermill's progress bar.

    Raises:
        BookError: If a cell fails or takes too long; the message ends with the error
            that the cell raised, where it raised one.
    """
    flags = ["--kernel", "python3", "--execution-timeout", str(timeout)]
    if parameters:
        flags += ["--parameters_yaml", yaml.safe_dump(dict(parameters))]
    bar = ["--no-progress-bar"] if quiet else ["--progress-bar", "--log-output"]
    command = [
        *(sys.executable, "-m", "papermill", notebook, output),
        *(*flags, "--cwd", folder, *bar),
    ]
    output.unlink(missing_ok=True)
    try:
        run_command(command, what=f"executing {notebook.name}", quiet=quiet)
    except BookError as error:
        try:
            causes = raised_errors(nbformat.read(output, as_version=4))
        except (OSError, ValueError):  # not there, or cut off by a full disk
            raise error from None
        raise BookError("\n".join([str(error), *causes])) from error


def refresh(
    script: Path, *, workspace: Path, timeout: int = CELL_TIMEOUT, quiet: bool = True
) -> None:
    """Execute a pair and put the result in the place of its ``.ipynb`` file.

    The cells come from the ``.py`` file, cell ids and metadata from the ``.ipynb``
    file, and the new file replaces the old one in one move, after the last cell.

    Args:
        script: The ``.py`` file of the pair.
        workspace: An existing folder on the same disk, for what is unfinished.
        timeout: Seconds that one cell may take.
        quiet: Hide papermill's progress bar.

    Raises:
        BookError: If a cell fails, or has lost the figure that it stored; the files
            of the pair are then as before.
    """
    refuse_unsaved_edits(script)
    notebook = script.with_suffix(".ipynb")
    before = NotebookNode(cells=[])
    if notebook.exists():
        before = nbformat.read(notebook, as_version=4)
    with tempfile.TemporaryDirectory(dir=workspace) as name:
        source = Path(name) / script.name
        shutil.copy2(script, source)
        if notebook.exists():
            shutil.copy2(notebook, source.with_suffix(".ipynb"))
        run_command(
            [sys.executable, "-m", "jupytext", "--to", "ipynb", "--update", source],
            what=f"reading {script.name}",
        )
        output = Path(name) / "executed.ipynb"
        papermill(
            source.with_suffix(".ipynb"),
            output,
            folder=script.parent,
            timeout=timeout,
            quiet=quiet,
        )
        executed = strip_run_metadata(nbformat.read(output, as_version=4))
        if errors := stored_errors(executed):
            raise BookError(f"{script}: " + "; ".join(errors))
        if lost := lost_figures(executed, before):
            raise BookError(
                f"{notebook}: {'; '.join(lost)}. If that is meant, remove the file "
                "and run again."
            )
        nbformat.write(executed, output)
        output.replace(notebook)


def refresh_all(
    scripts: Sequence[Path], *, workspace: Path, jobs: int, timeout: int = CELL_TIMEOUT
) -> None:
    """Execute pairs, several at a time.

    Args:
        scripts: The ``.py`` files of the pairs.
        workspace: A folder for what is unfinished; emptied first.
        jobs: How many run at once; with one, papermill shows the progress of each.
        timeout: Seconds that one cell may take.
    """
    shutil.rmtree(workspace, ignore_errors=True)
    workspace.mkdir(parents=True)
    options = {"workspace": workspace, "timeout": timeout}
    if min(jobs, len(scripts)) <= 1:
        for script in scripts:
            print(f"executing {script.name}", flush=True)
            refresh(script, quiet=False, **options)
        return
    with ThreadPoolExecutor(jobs) as pool:
        runs = [pool.submit(refresh, script, **options) for script in scripts]
        for run in tqdm(runs, desc="notebooks", unit="notebook"):
            try:
                run.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise


# --- the book --------------------------------------------------------------------


def copy_sources(root: Path, destination: Path) -> None:
    """Copy what the build reads into an empty folder.

    Args:
        root: The project.
        destination: The folder to fill; replaced if it exists.
    """
    shutil.rmtree(destination, ignore_errors=True)
    destination.mkdir(parents=True)
    for name in (*SOURCES, checkout.FILE):
        source = root / name
        if source.is_dir():
            shutil.copytree(source, destination / name, ignore=IGNORED)
        elif source.exists():
            shutil.copy2(source, destination / name)
    if not (root / checkout.FILE).exists():  # else the root is a copy itself
        checkout.write(destination, checkout.describe(root, SOURCES))


def build_html(source: Path) -> Path:
    """Build the pages, with every warning an error.

    Args:
        source: A folder filled by `copy_sources`.

    Returns:
        The folder of the built pages.

    Raises:
        BookError: If a stored output is an error or lacks a figure, or if the build
            warns or fails.
    """
    for script in notebook_scripts(source / "book"):
        notebook = script.with_suffix(".ipynb")
        if not notebook.exists():
            raise BookError(
                f"{script.name} has no stored outputs: run 'make notebooks'."
            )
        stored = nbformat.read(notebook, as_version=4)
        if errors := stored_errors(stored):
            raise BookError(f"{notebook.name} stores an error: " + "; ".join(errors))
        if lost := lost_figures(stored, stored):
            raise BookError(f"{notebook.name}: {'; '.join(lost)}.")
    shutil.rmtree(source / "_build", ignore_errors=True)
    main = "from jupyter_book.cli.main import main; main()"
    run_command(
        [sys.executable, "-c", main, "build", source, "-W", "-n", "--keep-going"],
        what="building the pages",
    )
    return source / "_build" / "html"


def replace_folder(fresh: Path, target: Path) -> None:
    """Put a finished folder in the place of the last one.

    Args:
        fresh: The finished folder; moved.
        target: Where it goes; what was there is deleted.
    """
    old = target.with_name(target.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the build folder, so that two builds do not mix.

    Args:
        folder: The build folder; created if need be.

    Yields:
        Nothing; the folder is held until the block ends.

    Raises:
        BookError: If another build holds the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(holding(folder / ".lock"))
        except BlockingIOError:
            raise BookError(f"another build is at work in {folder}.") from None
        yield


def make_book(root: Path, *, jobs: int, timeout: int, execute: bool = True) -> Path:
    """Execute a copy of the sources and build the book from it.

    Args:
        root: The project; nothing outside its ``_build`` folder is written.
        jobs: How many notebooks run at once.
        timeout: Seconds that one cell may take.
        execute: Execute the notebooks, rather than publish the stored outputs.

    Returns:
        The page to open.
    """
    build = root / "_build"
    with only_one(build):
        source = build / "source"
        copy_sources(root, source)
        if execute:
            refresh_all(
                notebook_scripts(source / "book"),
                workspace=build / "run",
                jobs=jobs,
                timeout=timeout,
            )
        print("building the pages", flush=True)
        replace_folder(build_html(source), build / "html")
    return build / "html" / "index.html"


def make_notebooks(
    root: Path, names: Sequence[Path], *, jobs: int, timeout: int
) -> None:
    """Refresh the stored outputs of the tree's notebooks.

    Args:
        root: The project.
        names: The notebooks to run, by either file of the pair; all if empty.
        jobs: How many run at once.
        timeout: Seconds that one cell may take.

    Raises:
        BookError: If a name is no notebook of the book.
    """
    scripts = notebook_scripts(root / "book")
    chosen = [name.resolve().with_suffix(".py") for name in names]
    if unknown := [str(path) for path in chosen if path not in scripts]:
        raise BookError(f"no notebook of the book: {', '.join(unknown)}.")
    build = root / "_build"
    with only_one(build):
        refresh_all(
            chosen or scripts, workspace=build / "run", jobs=jobs, timeout=timeout
        )


def run_notebook(
    notebook: Path, output: Path, parameters: Mapping[str, object], *, timeout: int
) -> None:
    """Run one notebook with other parameters, leaving the book as it is.

    Args:
        notebook: Either file of a pair.
        output: The notebook to write; it must not be one of the book's.
        parameters: Name and value of each parameter to set.
        timeout: Seconds that one cell may take.

    Raises:
        BookError: If a parameter is unknown, or if the output would replace a
            notebook of the book.
    """
    script = notebook.resolve().with_suffix(".py")
    if not script.exists():
        raise BookError(f"no such notebook: {script}.")
    if output.resolve().parent == script.parent:
        raise BookError(f"write the result outside {script.parent}, not to {output}.")
    cells = jupytext.read(script)
    check_parameters(cells, parameters)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / f"{script.stem}.ipynb"
        nbformat.write(cells, source)
        papermill(
            source,
            output.resolve(),
            folder=script.parent,
            parameters=parameters,
            timeout=timeout,
            quiet=False,
        )


# --- the command line ------------------------------------------------------------


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line.

    Args:
        arguments: The words after the program's name; None: the process's own.

    Returns:
        The command and its options.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    notebooks = commands.add_parser("notebooks", help="refresh the stored outputs")
    notebooks.add_argument("names", nargs="*", type=Path, help="default: all")
    book = commands.add_parser("book", help="execute a copy and build the book")
    book.add_argument(
        "--stored", action="store_true", help="publish the stored outputs, run nothing"
    )
    run = commands.add_parser("run", help="run one notebook with other parameters")
    run.add_argument("notebook", type=Path)
    run.add_argument("output", type=Path)
    run.add_argument(
        *("-p", "--parameter"),
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="a Python literal or text; may be repeated",
    )
    run.add_argument(
        "--path",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "PATH"),
        help="a parameter that is a path from here, taken as it is; may be repeated",
    )
    for command in (notebooks, book):
        command.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    for command in (notebooks, book, run):
        command.add_argument(
            "--timeout", type=int, default=CELL_TIMEOUT, help="seconds per cell"
        )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The words after the program's name; None: the process's own.

    Returns:
        The exit status: 0, or 1 with a message on standard error.
    """
    options = parse_arguments(arguments)
    try:
        if options.command == "notebooks":
            make_notebooks(
                ROOT, options.names, jobs=options.jobs, timeout=options.timeout
            )
        elif options.command == "book":
            page = make_book(
                ROOT,
                jobs=options.jobs,
                timeout=options.timeout,
                execute=not options.stored,
            )
            print(f"\nThe book is built. Open {page}\n{page.as_uri()}")
        else:
            parameters = {name: parse_value(text) for name, text in options.parameter}
            parameters |= {name: os.path.abspath(path) for name, path in options.path}
            run_notebook(
                options.notebook, options.output, parameters, timeout=options.timeout
            )
            print(f"written: {options.output}")
    except shutil.Error as error:  # a list of all the files that were not copied
        print(f"error: {error.args[0][0][-1]}", file=sys.stderr)
        return 1
    except (BookError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
