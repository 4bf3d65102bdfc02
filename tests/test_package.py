"""The library on its own: what `pip install .` gives."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = sorted(
    path.relative_to(ROOT).as_posix() for path in (ROOT / "adjointdeis").rglob("*") if path.suffix in (".py", ".typed")
)


def run(code, cwd):
    subprocess.run([sys.executable, "-c", code], cwd=cwd, check=True, timeout=200)


@pytest.mark.slow
def test_the_wheel_holds_the_library_with_its_types_and_nothing_else(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):  # built elsewhere, so that the checkout stays as it is
        shutil.copy(ROOT / name, source)
    for room in ("adjointdeis", "studio", "losses", "clay", "benchmarks"):
        shutil.copytree(ROOT / room, source / room, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        "out",
        ".",
    ]
    subprocess.run(pip, cwd=source, check=True, timeout=200)
    (wheel,) = (source / "out").iterdir()
    assert re.fullmatch(r"adjointdeis-[\d.]+-py3-none-any\.whl", wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        files = archive.namelist()
        metadata = next(archive.read(name).decode() for name in files if name.endswith("METADATA"))
    held = sorted(name for name in files if ".dist-info/" not in name)
    assert held == LIBRARY
    assert "adjointdeis/py.typed" in LIBRARY
    needed = re.findall(r"^Requires-Dist: (.*)$", metadata, re.MULTILINE)
    assert [line for line in needed if "extra ==" not in line] == ["torch>=2.8"]


ALONE = """
import sys
import torch

sys.modules.update(dict.fromkeys({names}))  # an import of any of these fails
known = set(sys.modules)
sys.path.insert(0, {root!r})
import adjointdeis as ad

new = {{name.split(".")[0] for name in set(sys.modules) - known}}
assert new <= {{"adjointdeis"}} | sys.stdlib_module_names, new
torch.manual_seed(0)
network = torch.nn.Conv2d(3, 3, 3, padding=1).requires_grad_(False)
model = lambda t, x, z: network(x) * z[:, :, None, None]
sampler = ad.Sampler.from_grid(ad.LinearVP().uniform_log_snr(4), sde=True)
x, z, image = torch.randn(2, 3, 8, 8), torch.randn(2, 3), torch.randn(2, 3, 8, 8)
x_T, noises = ad.encode(model, sampler, image, z)
*_, again = ad.sample(model, sampler, x_T, z, noises)
assert torch.allclose(again, image, atol=1e-3)
loss = lambda image: image.square().mean(dim=(1, 2, 3))
frames = list(ad.guide(model, sampler, x_T, z, loss, noises=noises, wrt=("noises", "z"), lr=1e-3, steps=5))
assert (frames[-1].loss < frames[0].loss).all()
"""


@pytest.mark.slow
def test_the_library_samples_and_differentiates_with_torch_alone(tmp_path):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = [line for extra in project["optional-dependencies"].values() for line in extra]
    # setuptools and numpy come with torch itself, wherever they are installed
    names = {re.match(r"[\w-]+", line)[0].replace("-", "_") for line in listed} - {"setuptools", "numpy", "adjointdeis"}
    names |= {"PIL", "open_clip", "jax", "diffrax", "checkpoint_schedules", "losses", "clay", "studio"}
    run(ALONE.format(names=names, root=str(ROOT)), cwd=tmp_path)


def examples(page, section):
    """The Python blocks of a section of a document."""
    text = (ROOT / page).read_text(encoding="utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def statements(code):
    return [line for line in code.splitlines() if line and not line.startswith(("import", "from", "#"))]


def printed(code, capsys):
    """What a block prints, a list a line: each step and its values."""
    torch.manual_seed(0)
    exec(compile(code, "example", "exec"), {})
    return [eval(line.split(" ", 1)[1]) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "section", "most"),
    [("README.md", "Use it as a library", 6), ("docs/library.md", "Your network, your loss", 10)],
)
def test_the_readmes_example_runs_as_printed(page, section, most, capsys):
    """Somebody else's network and loss, in a few lines."""
    (code,) = examples(page, section)
    assert len(statements(code)) <= most
    losses = printed(code, capsys)
    assert len(losses) > 2
    assert all(last < first for first, last in zip(losses[0], losses[-1], strict=True))


@pytest.mark.slow
def test_the_example_of_an_image_that_exists_runs_as_printed(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    (code,) = examples("docs/library.md", "Change an image that exists")
    terms = printed(code, capsys)
    assert terms[0]["closeness"][0] < 1e-6
    assert terms[-1]["text"][0] < terms[0]["text"][0]
