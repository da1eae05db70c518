"""The shape of the code, checked on its source: who imports whom, gates, file sizes, quiet imports."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BASE = {"language", "types", "specs", "records", "cards", "tables", "errors", "limits", "paths"}
HEAVY = {"keras", "tensorflow", "tf_keras_vis", "streamlit", "plotly", "sklearn", "scipy", "cv2", "skops", "openpyxl"}
HEAVY |= {"pydicom", "nibabel"}  # they parse what others sent: in core/data, which runs them in a child process

# folder -> (parts of core it may import, heavy packages it may import, parts it may import inside functions only)
MAY_IMPORT = {
    "base": (BASE, set(), set()),
    "registry": (BASE | {"registry"}, set(), set()),
    "data": (BASE | {"registry", "data"}, {"cv2", "sklearn", "openpyxl", "pydicom", "nibabel"}, set()),
    "evaluation": (BASE | {"registry", "evaluation"}, {"sklearn", "scipy"}, set()),
    "store": (BASE | {"registry", "store"}, set(), set()),
    "figures": (BASE | {"registry", "figures"}, {"plotly"}, set()),
    "nn": (BASE | {"registry", "data", "store", "nn"}, {"keras", "tensorflow", "tf_keras_vis", "skops"}, set()),
    "training": (
        BASE | {"registry", "data", "evaluation", "store", "training"},
        {"sklearn", "skops"},
        {"nn"},
    ),
    # reads plans and starts `python -m core benchmark` as a process; a page may, and training stays out of the pages
    "jobs": (BASE | {"registry", "store", "training", "jobs"}, set(), set()),
    "serve": (BASE | {"registry", "data", "evaluation", "store", "figures", "serve"}, set(), {"nn"}),
    "cli": (
        BASE | {"registry", "data", "evaluation", "store", "training", "cli"},
        set(),
        {"nn", "figures", "serve"},
    ),
    "__main__": (BASE | {"cli"}, set(), set()),
    "pages": (
        BASE | {"registry", "data", "evaluation", "store", "figures", "serve", "jobs"},
        {"streamlit", "plotly"},
        set(),
    ),
}
DOOR = Path("pages/ui/door.py")  # the only page file that may reach core.nn, inside functions


def sources():
    return sorted([ROOT / "app.py", *ROOT.glob("core/**/*.py"), *ROOT.glob("pages/**/*.py")])


def folder_of(path):
    parts = path.relative_to(ROOT).parts
    if parts[0] != "core":
        return "pages"
    if len(parts) == 2:
        return "__main__" if parts[1] == "__main__.py" else "base"
    return parts[1]


def imports_of(path):
    """(module, stands at the top level) for every import in a file; relative imports are not used here."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.walk(node)
    }
    checking = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in checking:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) not in inside
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            module = node.module or ""
            if module == "core":
                for alias in node.names:
                    yield f"core.{alias.name}", id(node) not in inside
            elif module in ("core.nn", "core.store", "core.data"):
                yield module, id(node) not in inside
            else:
                yield module, id(node) not in inside


def violations(path, source_folder=None):
    """What a file imports against the table, one sentence each."""
    folder = source_folder or folder_of(path)
    core_parts, heavy, deferred = MAY_IMPORT[folder]
    is_door = path.is_relative_to(ROOT) and path.relative_to(ROOT) == DOOR
    for module, at_top in imports_of(path):
        head, *rest = module.split(".")
        if head == "core" and rest:
            part = rest[0]
            allowed = part in core_parts or (not at_top and part in deferred)
            if part == "nn" and is_door and not at_top:
                allowed = True
            if not allowed:
                yield f"{path.name} ({folder}) imports {module}"
        elif head in HEAVY and head not in heavy:
            inside_ok = not at_top and folder == "training" and head in {"skops"}
            if not inside_ok:
                yield f"{path.name} ({folder}) imports {module}"


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_one_way(path):
    assert list(violations(path)) == []


@pytest.mark.parametrize(
    ("folder", "line"),
    [
        ("data", "from core.nn.fit import fit"),
        ("evaluation", "import keras"),
        ("store", "from core.evaluation import report"),
        ("training", "from core.nn.fit import fit"),
        ("pages", "def show():\n    from core.nn.serving import Predictor"),
        ("nn", "import streamlit"),
        ("figures", "from core.store.runs import load_record"),
    ],
)
def test_the_table_catches_an_import_against_it(folder, line, tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text(line + "\n", encoding="utf-8")
    assert list(violations(broken, folder))


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_has_one_screenful_of_job_and_says_what_it_gives(path):
    text = path.read_text(encoding="utf-8")
    limit = 120 if path.parent == ROOT / "pages" else 300
    assert len(text.splitlines()) <= limit
    if path.name != "__init__.py":
        assert ast.get_docstring(ast.parse(text))
    else:
        assert text == ""


def test_only_backend_py_and_vis_py_import_keras_and_tf_keras_vis_at_the_top():
    found = {
        (path.name, module.split(".")[0])
        for path in sources()
        for module, at_top in imports_of(path)
        if at_top and module.split(".")[0] in {"keras", "tensorflow", "tf_keras_vis"}
    }
    assert found == {("backend.py", "keras"), ("vis.py", "tf_keras_vis")}


FORBIDDEN = ("pickle", "joblib.load", "allow_pickle=True", "eval(", "exec(", "yaml.load", "unsafe_allow_html=True")


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_is_unpickled_evaluated_or_drawn_as_raw_html(path):
    code = "\n".join(
        line.split("#")[0]
        for line in path.read_text(encoding="utf-8").splitlines()
        if not line.strip().startswith(("#", '"'))
    )
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = {module for module, _ in imports_of(path)}
    assert "pickle" not in modules
    for word in FORBIDDEN[1:]:
        if word in ("eval(", "exec("):
            calls = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
            assert word[:-1] not in calls
        else:
            assert word not in code


QUIET = """
import random, sys, threading, os
import numpy as np
before_files = set(os.listdir("."))
state = random.getstate(), np.random.get_state()[1].tolist()
import {module}
assert random.getstate() == state[0], "drew from random"
assert np.random.get_state()[1].tolist() == state[1], "drew from numpy.random"
assert threading.active_count() == 1, "started a thread"
assert set(os.listdir(".")) == before_files, "wrote a file"
heavy = sorted(set(sys.modules) & {{"keras", "tensorflow", "streamlit"}})
assert not heavy, heavy
"""


@pytest.mark.parametrize(
    "module",
    ["core.types", "core.data.load", "core.data.phantom", "core.evaluation.report", "core.store.runs",
     "core.training.runner", "core.training.strategies", "core.training.external"],
)  # fmt: skip
def test_importing_a_module_does_nothing_and_brings_no_keras(module, tmp_path):
    code = QUIET.format(module=module)
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(tmp_path)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
