import pytest
import torch
from torch import Tensor

from studio.runs.code_path import CodePath
from studio.runs.interpolation import Code

Z = [torch.tensor([[x, 0.0]]) for x in (0.0, 3.0, 4.0)]
BEGIN = Code(Z[0], torch.ones(1, 3, 4, 4), torch.zeros(2, 1, 3, 4, 4))
STATE = {"z": Z[-1], "noises": torch.ones(2, 1, 3, 4, 4)}


def doubled(before: dict[str, Tensor], after: dict[str, Tensor]) -> dict[str, Tensor]:
    """Noise that grows by 2 with each unit of z."""
    return {"noises": after["noises"] + 2 * (after["z"] - before["z"])[0, 0]}


def at(strength: float, path: CodePath) -> Code:
    code = path.at(strength, Z, STATE)
    assert code is not None
    return code


@pytest.mark.parametrize(("strength", "z"), [(0, 0), (0.5, 2), (0.75, 3), (0.875, 3.5), (1, 4), (1.5, 6)])
def test_z_moves_along_the_length_of_the_path_and_straight_on_beyond_it(strength: float, z: float) -> None:
    assert at(strength, CodePath(BEGIN, BEGIN, None)).z[0, 0].item() == pytest.approx(z)


def test_noises_have_the_share_of_what_the_optimiser_added_and_all_that_the_code_demands() -> None:
    path = CodePath(BEGIN, BEGIN, doubled)
    torch.testing.assert_close(at(1, path).noises, STATE["noises"])
    # at the result the code demands 8, so the optimiser added -7
    assert at(0.5, path).noises.unique().tolist() == [pytest.approx(2 * 2 - 0.5 * 7)]
    assert at(0, path).noises.unique().tolist() == [0]
    assert at(0.5, CodePath(BEGIN, BEGIN, None)).noises.unique().tolist() == [0.5]


def test_what_was_not_optimised_stays() -> None:
    code = at(0.3, CodePath(BEGIN, BEGIN, None))
    torch.testing.assert_close(code.x_T, BEGIN.x_T)
    only_noise = CodePath(BEGIN, BEGIN, None).at(0.5, [None], {"noises": STATE["noises"]})
    assert only_noise is not None
    assert only_noise.z is BEGIN.z


def test_a_code_of_several_tensors_has_no_path() -> None:
    several = BEGIN._replace(z={"a": Z[0]})  # type: ignore[arg-type]
    assert CodePath(several, several, None).at(0.5, Z, {}) is None
