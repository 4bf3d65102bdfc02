"""What holds for the project as a whole."""

import ast
import hashlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ["clay", "losses", "adjointdeis", "studio"]
# what a room may import of the others; clay and the loss and gradient libraries stand alone
MAY_IMPORT = {"clay": set(), "losses": set(), "adjointdeis": set(), "studio": {"clay", "losses", "adjointdeis"}}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("room", ROOMS)
def test_imports_between_rooms_run_one_way(room):
    for path in (ROOT / room).rglob("*.py"):
        used = {name.split(".")[0] for name in imported(path)} & set(ROOMS) - {room}
        assert used <= MAY_IMPORT[room], f"{path.name} imports {used}"


def test_only_the_page_and_the_endpoints_know_gradio():
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            of_the_page = path.stem.startswith("page") or path.stem.endswith(("_tab", "_keep"))
            if not of_the_page and path.stem != "api":
                assert "gradio" not in {name.split(".")[0] for name in imported(path)}, path.name


def test_the_demo_needs_none_of_the_tools_for_training_and_testing():
    code = (
        "import sys, studio.page, studio.embedded, adjointdeis, losses\n"
        "extra = {'numba', 'pytest', 'playwright', 'beartype', 'torchdiffeq'} & set(sys.modules)\n"
        "sys.exit(f'imported: {extra}' if extra else 0)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)


def test_requirements_are_those_of_the_library_and_its_studio_extra():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    listed = [line for line in lines if line and not line.startswith("#")]
    assert listed == [*project["dependencies"], *project["optional-dependencies"]["studio"]]


def test_weights_are_safetensors_and_nothing_else_that_could_run():
    assert not [p for p in (ROOT / "assets").rglob("*") if p.suffix in {".pt", ".pth", ".bin", ".ckpt", ".pkl"}]
    assert sum(p.stat().st_size for p in (ROOT / "assets").rglob("*.safetensors")) < 60e6


def test_the_model_card_knows_the_weights_that_ship():
    card = (ROOT / "assets" / "clay" / "README.md").read_text(encoding="utf-8")
    for path in (ROOT / "assets" / "clay").rglob("*.safetensors"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() in card, f"{path.name}: run python -m clay.card"
