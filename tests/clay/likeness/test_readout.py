import torch

from clay.likeness.measures import COLOURS, PLACES
from clay.likeness.readout import Readout


def test_hair_colour_and_skin_depend_on_colours_alone(tmp_path):
    readout = Readout(16).eval()
    place, colour = torch.rand(3, PLACES), torch.rand(3, COLOURS)
    one, other = readout(place, colour), readout(torch.rand(3, PLACES), colour)
    assert torch.equal(one.skin, other.skin)
    assert torch.equal(one.attributes["hair_colour"], other.attributes["hair_colour"])
    assert not torch.equal(one.attributes["hair_style"], other.attributes["hair_style"])
    readout.save_folder(tmp_path)
    assert torch.allclose(Readout.from_folder(tmp_path)(place, colour).skin, one.skin, atol=0.01)
