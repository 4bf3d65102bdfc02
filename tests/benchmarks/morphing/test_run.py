import socket
import sys
from dataclasses import replace
from time import perf_counter

import pytest
import torch

from benchmarks.morphing.__main__ import main
from benchmarks.morphing.held_out import HeldOutPanel, ImageQuality, People, as_saved
from benchmarks.morphing.methods import Method
from benchmarks.morphing.pairs import passports
from benchmarks.morphing.plan import every_method
from benchmarks.morphing.run import Bench, work
from benchmarks.records import Records
from clay.world import load_world
from tests import forked

TINY = Method("tiny", steps=4, updates=2, optimizer="adam", rates={"x_T": 0.02, "z": 0.05}, iterations=2)


@pytest.fixture(scope="module")
def bench():
    return Bench(load_world(), "these", people=8)


@pytest.mark.slow
def test_noise_increases_the_feature_distance_and_the_denoising_error(bench):
    faces = bench.passports[:2]
    people = People(faces, faces.flip(0))
    quality = ImageQuality(bench.world, bench.passports)
    noisy = faces + 0.3 * torch.randn(faces.shape, generator=torch.Generator().manual_seed(0))
    assert quality.feature_distance(faces).abs().max() < 1e-3
    assert (quality.feature_distance(noisy) > 0.5).all()
    assert float(quality.denoising_error(faces, people).mean()) == pytest.approx(1, rel=0.2)
    assert (quality.denoising_error(noisy, people) > 2).all()


@pytest.mark.slow
def test_a_person_is_accepted_as_themselves_only(bench):
    (pair, *_) = bench.pairs
    first, second = bench.passports[[pair.first]], bench.passports[[pair.second]]
    for margin in HeldOutPanel(bench.world, People(first, second)).margins(as_saved(first)).values():
        assert margin[0, 0] > 0 > margin[0, 1]


@pytest.mark.slow
@pytest.mark.parametrize(
    "method",
    [
        TINY,
        replace(TINY, sde=True, family="data", rates={"noises": 0.02, "z": 0.05}),
        replace(TINY, start="average", draft=(3, 1)),
        replace(TINY, gradient="subgrid", adjoint_steps=2, optimizer="sgd", normalize=True),
        replace(TINY, optimizer="lbfgs", rates={"x_T": 1.0, "z": 1.0}, updates=1),
        replace(TINY, kind="search", blends=3),
        replace(TINY, kind="greedy", rates={"eps": 0.01}),
        Method(
            "page", "page", steps=4, updates=2, page={"loss": "morph", "sampling_steps": 4, "optimisation_steps": 2}
        ),
    ],
)
def test_a_row_holds_the_number_of_calls_and_the_loss_does_not_rise(bench, method):
    (row,), image = bench.morph(method, bench.pairs[:1])
    assert image.shape == (1, 3, 64, 64)
    losses = [point[1] for point in row["curve"]]
    assert min(losses) <= losses[0]
    if method.optimizer != "lbfgs":  # the number of calls of a line search varies
        assert row["calls"] + row["encoding_calls"] == method.expected_calls()
    calls = [point[0] for point in row["curve"]]
    assert calls == sorted(calls)


@pytest.mark.slow
def test_a_batch_of_pairs_gives_the_morphs_of_single_pairs(bench):
    together, images = bench.morph(TINY, bench.pairs[:2])
    for k, pair in enumerate(bench.pairs[:2]):
        bench.encoder.known.clear()
        (alone,), image = bench.morph(TINY, [pair])
        torch.testing.assert_close(images[k : k + 1], image, atol=0.02, rtol=0)
        assert together[k]["curve"][-1][1] == pytest.approx(alone["curve"][-1][1], abs=2e-3)


@pytest.mark.slow
def test_existing_rows_are_not_made_again_and_nothing_starts_after_the_time_limit(bench, tmp_path):
    average, control = every_method()["pixel average"], every_method()["first face (control)"]
    records = Records(tmp_path)
    for rows, _ in work(bench, records, iter([(average, 1)]), batch=10, until=float("inf")):
        records.add(rows)
    made = [rows for rows, _ in work(bench, records, iter([(average, 2), (control, 1)]), 10, float("inf"))]
    assert [(rows[0]["method"], [row["pair"] for row in rows]) for rows in made] == [
        (average.name, [1]),
        (control.name, [0]),
    ]
    assert not list(work(bench, records, iter([(TINY, 2)]), 10, until=perf_counter()))
    bench.weights, before = "others", bench.weights
    assert list(work(bench, records, iter([(average, 1)]), 10, float("inf")))
    bench.weights = before


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks safely here")
def test_two_processes_make_the_same_rows_as_one(tmp_path, monkeypatch):
    pytest.importorskip("accelerate")
    words = ["benchmarks.morphing", "--pairs", "2", "--people", "8", "--batch", "1", "--methods", "pixel average"]
    monkeypatch.setattr(sys, "argv", [*words, "--out", str(tmp_path / "one")])
    threads = torch.get_num_threads()
    main()
    torch.set_num_threads(threads)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free.getsockname()[1]}
    group = {"WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2, **address}  # what `accelerate launch` sets
    two = [*words, "--out", str(tmp_path / "two")]
    several = [forked.start(main, two, RANK=rank, LOCAL_RANK=rank, **group) for rank in range(2)]
    assert [forked.status(process) for process in several] == [0, 0]
    found = [
        sorted([{k: row[k] for k in ("pair", "margins", "curve", "noisiness")} for row in Records(folder)], key=str)
        for folder in (tmp_path / "one", tmp_path / "two")
    ]
    assert found[0] == found[1]
    assert len(list((tmp_path / "two").glob("*-of-2.jsonl"))) == 2


@pytest.mark.slow  # the renderer is compiled once
def test_passports_are_images_of_different_people():
    pictures = passports(range(3))
    assert pictures.shape == (3, 3, 64, 64)
    assert pictures.abs().max() <= 1
    assert (pictures[0] - pictures[1]).abs().mean() > 0.01
