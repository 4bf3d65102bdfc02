import torch

from studio.runs.interpolation import Code, interpolate, slerp


def test_the_great_circle_keeps_lengths_and_halves_the_angle() -> None:
    a, b = torch.tensor([1.0, 0, 0]), torch.tensor([0, 1.0, 0])
    half = slerp(a, b, 0.5)
    assert torch.allclose(half, torch.tensor([1.0, 1.0, 0]) / 2**0.5)
    third = slerp(a, b, 1 / 3)
    assert torch.isclose(torch.arccos(third @ a), torch.tensor(torch.pi / 6))


def test_the_ends_are_the_two_themselves() -> None:
    a, b = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)).unbind()
    assert torch.allclose(slerp(a, b, 0.0), a, atol=1e-6)
    assert torch.allclose(slerp(a, b, 1.0), b, atol=1e-6)


def test_parallel_opposite_and_zero_vectors_are_no_trouble() -> None:
    a = torch.tensor([3.0, 4.0])
    for b in (a, 2 * a, -a, torch.zeros(2)):
        assert torch.allclose(slerp(a, b, 0.25), 0.75 * a + 0.25 * b)


def test_codes_are_interpolated_on_a_line_in_z_and_on_circles_in_each_noise() -> None:
    generator = torch.Generator().manual_seed(1)
    first, second = (
        Code(
            torch.randn(1, 4, generator=generator),
            torch.randn(1, 3, 2, 2, generator=generator),
            torch.randn(5, 1, 3, 2, 2, generator=generator),
        )
        for _ in range(2)
    )
    found = interpolate(first, second, 0.25)
    assert torch.allclose(found.z, 0.75 * first.z + 0.25 * second.z)
    assert torch.allclose(found.x_T, slerp(first.x_T, second.x_T, 0.25))
    assert found.noises is not None
    assert first.noises is not None
    assert second.noises is not None
    assert torch.allclose(found.noises[3], slerp(first.noises[3], second.noises[3], 0.25))


def test_an_ode_has_no_noises_to_interpolate() -> None:
    code = Code(torch.zeros(1, 4), torch.ones(1, 3, 2, 2), None)
    assert interpolate(code, code).noises is None


def test_codes_without_z_have_none_between_them() -> None:
    code = Code(None, torch.ones(1, 3, 2, 2), None)
    assert interpolate(code, code).z is None
