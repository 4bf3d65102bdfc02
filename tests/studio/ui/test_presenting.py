import json
import re
import shutil
import subprocess

import pytest

from studio.ui.presenting import ASSETS, script, style


def test_the_script_is_one_function_that_knows_its_settings() -> None:
    assert script(True, idle=7).startswith("() => {\nconst FORCED = true, IDLE = 7;\n")
    assert "const FORCED = false" in script(False)


def test_the_script_is_valid() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed; the browser tests run the script")
    done = subprocess.run([node, "--check", "-"], input=f"({script(True)})", text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_no_style_or_script_of_ours_names_an_address() -> None:
    for path in ASSETS.iterdir():
        assert not re.search(r"https?://|@import|url\(", path.read_text(encoding="utf-8")), path.name


def test_every_key_that_is_shown_does_something() -> None:
    source = (ASSETS / "present.js").read_text(encoding="utf-8")
    shown = re.search(r"const KEYS = (\{.*?\});", source)
    assert shown is not None
    keys = json.loads(re.sub(r"(\w+):", r'"\1":', shown[1]))
    acts = source.split("const acts = {")[1].split("\n  };")[0]
    remote = {"pagedown", "pageup"}  # of a presenter's remote, and not shown
    assert set(keys) | remote == set(re.findall(r"^    (\w+): \(\) =>", acts, re.M))


def test_the_style_outweighs_the_rules_of_the_page() -> None:
    plain = (ASSETS / "present.css").read_text(encoding="utf-8")
    assert style().count(".presenting") == 5 * plain.count(".presenting")
