import json
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.batch.jobs import read_jobs
from studio.batch.output import Output
from studio.batch.plan import Plan
from studio.batch.report import write_report
from studio.batch.work import work
from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.models.interface import Model


@pytest.fixture
def batch(model: Model, tmp_path: Path, save_picture: Callable[..., Path], cancel_token: CancelToken) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("a b.png", "c.png"):
        save_picture(f"pictures/{name}")
    (folder / "broken.png").write_bytes(b"nonsense")
    jobs = read_jobs(folder, {"prompt": "</script>", "sampling_steps": 4, "optimisation_steps": 1})
    output = Output(tmp_path / "out", model, jobs)
    output.size(2)
    work(model, Plan.of(jobs, 2), output, cancel_token)
    return output.path


def values(report: Path) -> dict:
    line = report.read_text(encoding="utf-8").split("document.getElementById('report'), ")[1]
    return json.JSONDecoder().raw_decode(line)[0]


def test_the_report_lists_the_failed_jobs_first_and_shows_the_pictures_beside_it(batch: Path) -> None:
    report = write_report(batch)
    found = values(report)
    assert report.parent == batch
    assert found["subtitle"].startswith("2 results, 1 failed")
    assert [job["cells"][0] for job in found["jobs"]] == ["broken", "a b", "c"]
    assert found["jobs"][0]["run"] is None
    run = found["jobs"][1]["run"]
    assert (run["after"], run["tiles"]["src"]) == ("a%20b.png", "a%20b.frames.webp")
    assert len(run["losses"]) == 2
    assert "</script><" not in report.read_text(encoding="utf-8").split("const player")[1].split("</script></body>")[0]


def test_a_result_whose_picture_is_gone_has_no_player(batch: Path) -> None:
    (batch / "c.png").unlink()
    assert values(write_report(batch))["jobs"][2]["run"] is None


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no results"):
        write_report(tmp_path)
    with pytest.raises(UserError, match="There is no folder"):
        write_report(tmp_path / "gone")
