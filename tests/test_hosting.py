"""Files for hosts: the README's header, the requirements, the container image."""

import re
from pathlib import Path

import gradio
import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def header() -> dict[str, str]:
    _, head, _ = (ROOT / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return {key: value.strip().strip('"') for key, _, value in (line.partition(":") for line in head.splitlines())}


def requirement(name: str) -> Requirement:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return next(one for line in lines if line and line[0] != "#" and (one := Requirement(line)).name == name)


def test_the_readmes_header_fits_the_app_and_its_requirements(header: dict[str, str]) -> None:
    assert (ROOT / header["app_file"]).is_file()
    assert header["sdk"] == "gradio"
    # a Space installs exactly this version, then requirements.txt
    assert header["sdk_version"] in requirement("gradio").specifier
    assert Version(gradio.__version__) >= Version(header["sdk_version"])
    # numpy and diffusers need 3.11; shared GPU hosts have 3.10 and 3.12
    assert header["python_version"] == "3.12"
    assert len(header["short_description"]) <= 60


def test_torch_may_have_any_version_of_a_zerogpu_host() -> None:
    assert all(version in requirement("torch").specifier for version in ("2.8.0", "2.9.1", "2.10.0", "2.11.0"))


def test_the_image_runs_without_root_in_public_with_a_health_check() -> None:
    user, command = DOCKERFILE.index("USER studio"), DOCKERFILE.index('CMD ["python", "app.py"')
    assert user < command
    assert "--uid 1000" in DOCKERFILE
    assert '"--public"' in DOCKERFILE[command:]
    assert "HEALTHCHECK" in DOCKERFILE
    assert re.search(r"^FROM python:3\.11-slim$", DOCKERFILE, re.MULTILINE)


def test_the_image_contains_no_secrets() -> None:
    assert not re.search(r"(?i)token|password|secret=|_key", DOCKERFILE)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {".git", ".env*", "*.pem", "*.key"} <= set(ignored)
    # what the app needs is not ignored
    assert not {"assets", "studio", "losses", "clay", "adjointdeis", "app.py", "requirements.txt"} & set(ignored)
