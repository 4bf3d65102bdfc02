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


# the packages inside each room; a package may import those before it in its list
ORDER = {
    "adjointdeis": [{"pipelines"}, {"gradients"}, {"audit"}, {"guide"}, {"paper"}, {"__init__"}],
    "clay": [{"people"}, {"rendering"}, {"networks"}, {"likeness"}, {"world"}, {"training"}, {"evaluation"}],
    "studio": [
        {name}
        for name in ("core", "images", "models", "runs", "queue", "export", "batch", "server", "api", "ui", "cli")
    ],
    "studio.models": [
        {"catalogue"},
        {"networks"},
        {"placement"},
        {"embedded", "losses"},
        {"loading"},
        {"status"},
        {"cli"},
        {"__main__"},
    ],
}


def place(room, package):
    """Where a package stands in the order of its room; a module at the top of a library comes first."""
    return next((i for i, names in enumerate(ORDER[room], 1) if package in names), 0)


@pytest.mark.parametrize("room", ORDER)
def test_imports_inside_a_room_run_one_way(room):
    folder = ROOT / room.replace(".", "/")
    for path in folder.rglob("*.py"):
        mine = path.relative_to(folder).parts[0].removesuffix(".py")
        for name in imported(path):
            if name.startswith(f"{room}."):
                theirs = name.removeprefix(f"{room}.").split(".")[0]
                assert place(room, theirs) <= place(room, mine), f"{path.relative_to(ROOT)} imports {name}"


def test_no_module_stands_at_the_top_of_the_studio():
    assert [path.name for path in (ROOT / "studio").glob("*.py")] == ["__init__.py"]


@pytest.mark.slow
def test_only_the_page_the_endpoints_and_the_server_import_gradio():
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if path.relative_to(ROOT).parts[:2] not in {("studio", "ui"), ("studio", "api"), ("studio", "server")}:
                assert "gradio" not in {name.split(".")[0] for name in imported(path)}, path.name


@pytest.mark.slow
def test_a_run_and_the_page_import_only_what_they_need(tmp_path):
    picture = ROOT / "assets" / "examples" / "1-red-bun.png"
    few = ["--set", "optimisation_steps=1", "--set", "sampling_steps=2"]
    words = ["--quiet", "steer", str(picture), "--text", "a hat", *few, "--out", str(tmp_path / "hat.png")]
    code = (
        "import sys; from studio.cli import main as cli\n"
        f"status = cli.main({words!r})\n"
        # diffusers itself may import transformers
        "loaders = {'studio.models.loading.load', 'studio.models.loading.pipelines.load'} & set(sys.modules)\n"
        "import studio.ui.page, adjointdeis, losses\n"
        "tools = {'numba', 'pytest', 'playwright', 'beartype', 'torchdiffeq'} & set(sys.modules)\n"
        "sys.exit(status or (f'imported: {loaders | tools}' if loaders | tools else 0))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=200)
    assert (tmp_path / "hat.png").exists()


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
        assert hashlib.sha256(path.read_bytes()).hexdigest() in card, f"{path.name}: run python -m clay.evaluation.card"
