import random

from benchmarks.soak.users import random_input


def test_inputs_differ_and_depend_on_the_seed_only() -> None:
    rng = random.Random(1)
    first, second = random_input(rng), random_input(rng)
    assert (first.picture, first.seed) != (second.picture, second.seed)
    assert random_input(random.Random(1)) == first
