"""Imports point one way: views -> figures, controls, engine -> rnn_core."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LATER = ("streamlit", "plotly", "starlette", "app", "tests", "benchmarks")


def modules(package):
    return sorted(path for path in (ROOT / package).rglob("*.py"))


def imported(source):
    """Name every module that a source text imports, wherever the import stands."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module":
            found.add("a computed name")
    return found


def reaches(path, package):
    names = imported(path.read_text(encoding="utf-8"))
    return {name for name in names if name == package or name.startswith(f"{package}.")}


def test_the_reader_of_imports_sees_every_kind():
    source = (
        "import a.b\nfrom c import d\ndef f():\n    import e as g\n"
        "import importlib\nimportlib.import_module('h')\n"
    )
    assert imported(source) == {"a.b", "c", "c.d", "e", "importlib", "a computed name"}


@pytest.mark.parametrize("path", modules("rnn_core"), ids=lambda p: str(p.relative_to(ROOT)))
def test_engine_imports_nothing_of_the_page(path):
    for package in LATER:
        assert not reaches(path, package), package
    assert "a computed name" not in imported(path.read_text(encoding="utf-8"))


def test_engine_loads_without_the_page_s_libraries():
    """In a fresh interpreter, through every module of the engine."""
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in modules("rnn_core")
    ]
    code = (
        f"import importlib, sys\nfor name in {names}: importlib.import_module(name)\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} "
        f"& {{'streamlit', 'plotly', 'starlette', 'app', 'tornado'}}))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("package", "above"),
    [
        (
            "app/figures",
            [
                "streamlit",
                "app.views",
                "app.controls",
                "app.engine",
                "app.link",
                "app.components",
                "app.main",
                "app.lab",
            ],
        ),
        ("app/components", ["app.views", "app.figures", "app.controls", "app.engine"]),
        ("app/engine.py", ["app.views", "app.figures", "app.controls", "app.components"]),
        ("app/controls.py", ["app.views", "app.figures"]),
        ("app/views", ["app.main", "app.lab"]),
    ],
)
def test_page_imports_point_down(package, above):
    paths = [ROOT / package] if package.endswith(".py") else modules(package)
    assert paths
    for path in paths:
        for upper in above:
            assert not reaches(path, upper), f"{path.relative_to(ROOT)} imports {upper}"
