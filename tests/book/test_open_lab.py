"""``make lab``: the surroundings of JupyterLab, and that it starts."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from urllib.request import Request, urlopen

import pytest

from tests.book.conftest import ROOT, load

PROGRAM = ROOT / "tools" / "open_lab.py"


@pytest.fixture(scope="module")
def program():
    return load(PROGRAM)


def test_only_what_a_browser_needs_is_the_users(program):
    given = {
        "HOME": "/home/me",
        "DISPLAY": ":1",
        "XDG_RUNTIME_DIR": "/run/me",
        "JUPYTER_CONFIG_DIR": "/home/me/.jupyter",
        "PYTHONPATH": "/home/me/lib",
        "PATH": "/bin",
    }
    found = program.lab_environment(given)
    for name in ("HOME", "DISPLAY", "XDG_RUNTIME_DIR", "PATH"):
        assert found[name] == given[name]
    assert "PYTHONPATH" not in found
    assert found["OMP_NUM_THREADS"] == "1"
    own = [found[name] for name in program.OWN]
    assert len(own) == 7
    assert all(path.startswith(str(ROOT / "_build" / "home")) for path in own)


def test_news_are_refused_once(program, tmp_path):
    program.refuse_news(tmp_path)
    file = tmp_path / program.NEWS
    assert json.loads(file.read_text()) == {"fetchNews": "false"}
    file.write_text("{}")
    program.refuse_news(tmp_path)
    assert file.read_text() == "{}", "what a user has chosen stays"


def test_where_it_is_not_installed_that_is_said(program, monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert program.main([]) == 1
    error = capsys.readouterr().err
    assert error == "error: JupyterLab is not installed: run 'make lab'.\n"


def test_the_target_installs_and_opens():
    command = ["make", "--dry-run", "lab", "ARGS=--no-browser"]
    # As typed in a shell: within `make test` it would say which folder it enters.
    env = {key: one for key, one in os.environ.items() if not key.startswith("MAKE")}
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, env=env
    )
    install, start = done.stdout.strip().splitlines()
    assert install.endswith("tools/make_environment.py lab")
    assert start.endswith("tools/open_lab.py --no-browser")


def ask(port, path, **data):
    """Ask the server; wait until it is there."""
    body = json.dumps(data).encode() if data else None
    headers = {"Authorization": "token abc", "Content-Type": "application/json"}
    request = Request(
        f"http://127.0.0.1:{port}/api{path}",
        data=body,
        headers=headers,
        method="PUT" if data else "GET",
    )
    for _ in range(600):
        try:
            with urlopen(request, timeout=60) as answer:
                return json.loads(answer.read())
        except ConnectionRefusedError:
            time.sleep(0.2)
        except OSError as error:
            if not isinstance(getattr(error, "reason", None), ConnectionRefusedError):
                raise
            time.sleep(0.2)
    raise TimeoutError(f"no server at port {port}")


def test_it_serves_the_pairs_of_the_book():
    pytest.importorskip("jupyterlab", reason="only `make lab` installs JupyterLab")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = f"--no-browser --allow-root --port={port} --IdentityProvider.token=abc"
    server = subprocess.Popen([sys.executable, PROGRAM, *words.split()])
    try:
        assert "version" in ask(port, "")
        names = {one["name"] for one in ask(port, "/contents")["content"]}
        assert {"lemma_1.py", "lemma_1.ipynb"} <= names
        asked = ask(port, "/contents/lemma_1.py?type=notebook")
        assert asked["type"] == "notebook", "jupytext reads the text as a notebook"
    finally:
        server.terminate()
        server.wait(60)
