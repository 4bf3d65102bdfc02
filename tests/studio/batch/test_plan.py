from pathlib import Path

import pytest

from studio.batch.jobs import Job
from studio.batch.plan import LARGEST, Plan, batch_size
from studio.core.settings import parse
from studio.models.interface import Model


def jobs(count: int, **settings: object) -> list[Job]:
    values = {"prompt": "x", "where": "", **settings}
    return [Job(i, f"{settings.get('loss', 'edit')}-{i}", Path("a.png"), None, parse(values)) for i in range(count)]


def names(plan: Plan) -> list[str]:
    return [job.name for batch in plan.batches for job in batch]


def test_only_jobs_with_the_same_sampler_share_a_batch() -> None:
    mixed = [job for pair in zip(jobs(5), jobs(5, loss="clip_text"), strict=True) for job in pair]
    plan = Plan.of(mixed, 4)
    assert sorted(len(batch) for batch in plan.batches) == [1, 1, 4, 4]
    assert all(len({job.settings.loss for job in batch}) == 1 for batch in plan.batches)
    assert sorted(names(plan)) == sorted(job.name for job in mixed)


def test_prompts_and_seeds_may_differ_in_a_batch() -> None:
    different = [Job(i, str(i), Path("a"), None, parse({"prompt": f"p{i}", "seed": i, "where": ""})) for i in range(3)]
    assert len(Plan.of(different, 8).batches) == 1


def test_a_morph_runs_alone() -> None:
    assert [len(batch) for batch in Plan.of(jobs(3, loss="morph"), 8).batches] == [1, 1, 1]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shards_are_a_partition_of_the_batches(count: int) -> None:
    whole = Plan.of(jobs(23), 4)
    parts = [whole.shard(i, count) for i in range(count)]
    assert sorted(name for part in parts for name in names(part)) == sorted(names(whole))
    assert {batch for part in parts for batch in part.batches} == set(whole.batches)


def test_broken_jobs_belong_to_the_first_shard() -> None:
    bad = Job(9, "bad", Path("a"), None, parse({}), "no file")
    plan = Plan.of([*jobs(2), bad], 4)
    assert "bad" not in names(plan)
    assert [part.broken for part in (plan.shard(0, 2), plan.shard(1, 2))] == [(bad,), ()]


def test_a_batch_is_left_if_one_of_its_results_is_missing() -> None:
    plan = Plan.of(jobs(6), 3)
    assert [len(batch) for batch in plan.left({"edit-0", "edit-1", "edit-2", "edit-4"})] == [3]


def test_the_size_follows_from_the_free_memory(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    many = jobs(3)
    monkeypatch.setattr("studio.batch.plan._free", lambda device: 2**40)
    assert batch_size(model, many) == LARGEST["cpu"]
    monkeypatch.setattr("studio.batch.plan._free", lambda device: 1000)
    assert batch_size(model, many) == 1
