import torch

from clay.networks.readout import Readout


def test_a_linear_readout_of_linear_parameters_has_no_error():
    torch.manual_seed(0)
    code = torch.randn(64, 8)
    parameters = code @ torch.randn(8, 5)
    network = Readout(torch.nn.Identity(), 8, 5)
    with torch.no_grad():
        solved = torch.linalg.lstsq(code, parameters).solution
        network.read.weight.copy_(solved.mT)
        network.read.bias.zero_()
    assert network.loss(code, parameters) < 1e-10
