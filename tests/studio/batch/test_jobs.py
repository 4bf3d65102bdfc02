import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from studio.batch.jobs import Job, read_jobs
from studio.batch.output import Output
from studio.batch.plan import Plan
from studio.batch.work import work
from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.models.interface import Model


@pytest.fixture
def pictures(tmp_path: Path) -> Callable[..., Path]:
    """A folder with pictures of these names."""

    def make(*names: str) -> Path:
        folder = tmp_path / "pictures"
        folder.mkdir(exist_ok=True)
        for name in names:
            Image.new("RGB", (20, 20), "orange").save(folder / name)
        return folder

    return make


def manifest(folder: Path, text: str, name: str = "jobs.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read(path: Path, **values: object) -> list[Job]:
    return read_jobs(path, {"prompt": "a hat", **values})


def test_a_folder_is_one_job_a_picture_with_the_settings_of_the_command(pictures: Callable[..., Path]) -> None:
    folder = pictures("b.png", "a.jpg")
    (folder / "notes.txt").write_text("not a picture")
    jobs = read(folder, seed=3)
    assert [(job.name, job.image.name, job.settings.seed, job.error) for job in jobs] == [
        ("a", "a.jpg", 3, ""),
        ("b", "b.png", 3, ""),
    ]


def test_pictures_that_differ_in_their_suffix_only_have_different_results(pictures: Callable[..., Path]) -> None:
    assert [job.name for job in read(pictures("a.png", "A.jpg", "b.png"))] == ["A-jpg", "a-png", "b"]


def test_names_of_pictures_become_names_of_files(pictures: Callable[..., Path]) -> None:
    folder = pictures("photo[1].png", "-x.png", "日本.png", "“é”.png")
    assert {job.name for job in read(folder)} == {"photo_1_", "x", "日本", "_é_"}


@pytest.mark.slow
def test_ten_thousand_files_are_read_and_three_broken_ones_are_rows_of_their_own(
    model: Model, pictures: Callable[..., Path], cancel_token: CancelToken, tmp_path: Path
) -> None:
    folder = pictures("0003.png")
    for i in range(10_000):
        if i != 3:
            (folder / f"{i:04}.png").write_bytes(b"nonsense" if i < 3 else b"")
    jobs = read(folder, sampling_steps=4, optimisation_steps=1)
    assert len(jobs) == 10_000
    output = Output(tmp_path / "out", model, jobs)
    output.size(4)
    tally = work(model, Plan.of(jobs[:4], 4), output, cancel_token)
    assert (tally.done, tally.failed) == (1, 3)


def test_a_line_replaces_the_settings_of_the_command(pictures: Callable[..., Path]) -> None:
    folder = pictures("a.png")
    text = "image,prompt,seed\na.png,red hair,1\na.png,,2\n"
    jobs = read(manifest(folder, text), sampling_steps=6)
    assert [(j.settings.prompt, j.settings.seed, j.settings.sampling_steps) for j in jobs] == [
        ("red hair", 1, 6),
        ("a hat", 2, 6),
    ]
    assert [job.name for job in jobs] == ["a-edit-1", "a-edit-2"]


def test_csv_and_jsonl_mean_the_same(pictures: Callable[..., Path]) -> None:
    folder = pictures("a.png", "b.png")
    rows = [{"image": "a.png", "loss": "identity", "second": "b.png", "out": "first"}, {"image": "b.png", "seed": 4}]
    lines = "\n".join(json.dumps(row) for row in rows) + "\n\n"
    table = "image,loss,second,out,seed\na.png,identity,b.png,first,\nb.png,,,,4\n"
    by_json, by_csv = read(manifest(folder, lines, "jobs.jsonl")), read(manifest(folder, table))
    assert [(j.name, j.image, j.second, j.settings) for j in by_json] == [
        (j.name, j.image, j.second, j.settings) for j in by_csv
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,promt\na.png,x\n", "unknown column “promt”: did you mean “prompt”"),
        ("image,zzzzz\na.png,x\n", "unknown column “zzzzz”: columns are image, second, out"),
        ("prompt\nx\n", "has no column “image”"),
        ("image,seed,seed\na.png,1,2\n", "names a column twice"),
        ("image,prompt\na.png,a hat, red\n", "Line 2 of jobs.csv has more cells than columns"),
        ("image\n", "holds no jobs"),
        ("", "has no column “image”"),
        ("image\na.png\na.png\n", "Lines 2 and 3 both write a-edit-0.png"),
        ("image,out\na.png,X\na.png,x\n", "Lines 2 and 3 both write x.png"),
        ("image,out\na.png,../../etc/passwd\n", "cannot be the name of a file"),
        ("image,out\na.png,.hidden\n", "cannot be the name of a file"),
        ('image,prompt\na.png,"unfinished\n', "is not CSV"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_an_error_before_anything_runs(
    pictures: Callable[..., Path], text: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        read(manifest(pictures("a.png"), text))


@pytest.mark.parametrize("line", ["[1]", "{", "5", "null", "[" * 5000])
def test_a_line_that_is_no_object_is_named(pictures: Callable[..., Path], line: str) -> None:
    with pytest.raises(UserError, match=r"Line 2 of jobs.jsonl is not a JSON object"):
        read(manifest(pictures("a.png"), '{"image": "a.png"}\n' + line, "jobs.jsonl"))


def test_a_manifest_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "jobs.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(UserError, match="not text in UTF-8"):
        read(tmp_path / "jobs.csv")


def test_a_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no file or folder"):
        read(tmp_path / "gone")
    with pytest.raises(UserError, match="holds no jobs"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("gone.png,1,edit", "There is no file gone.png"),
        (",1,edit", "names no image"),
        ("a.png,minus,edit", "Seed: give a whole number"),
        ("a.png,1,magic", "Goal: choose"),
        ("../a.png,1,edit", "There is no file a.png"),
        (f"{300 * 'x'}.png,1,edit", "There is no file xxx"),
    ],
)
def test_what_is_wrong_with_one_line_is_the_reason_of_its_job(
    pictures: Callable[..., Path], line: str, reason: str
) -> None:
    good, bad = read(manifest(pictures("a.png"), f"image,seed,loss\na.png,7,edit\n{line}\n"))
    assert good.error == ""
    assert reason in bad.error


def test_a_fingerprint_changes_with_picture_settings_and_model(pictures: Callable[..., Path]) -> None:
    folder = pictures("a.png", "b.png")
    a, b = read(folder)
    other = read(folder, seed=1)[0]
    assert len({a.fingerprint("m"), b.fingerprint("m"), other.fingerprint("m"), a.fingerprint("n")}) == 4
    assert a.fingerprint("m") == read(folder)[0].fingerprint("m")
