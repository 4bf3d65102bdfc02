import torch

from clay.likeness.network import FaceParser
from clay.networks.heads import AttributeHeads
from clay.training.command import arguments, keep_heads, mixed, parse, run
from clay.training.loop import Plan


def test_the_command_line_sets_the_seed_and_has_the_given_defaults(monkeypatch):
    monkeypatch.setattr("sys.argv", ["train", "--seed", "3", "--steps", "7"])
    options = parse(arguments("Train.", steps=5, rate=0.1, out="here"))
    drawn = torch.rand(1)
    assert (options.steps, options.rate, options.out.name) == (7, 0.1, "here")
    assert torch.equal(drawn, torch.rand(1, generator=torch.Generator().manual_seed(3)))


def test_the_averaged_network_is_saved_after_the_last_step(tmp_path, capsys):
    saved = []
    network = torch.nn.Linear(2, 1)
    run(
        network,
        lambda net, step, generator: {"loss": net.weight.square().sum()},
        Plan(3, 0.1),
        tmp_path / "x.pt",
        saved.append,
    )
    assert [type(one) for one in saved] == [torch.nn.Linear]
    assert saved[0] is not network
    assert capsys.readouterr().out.startswith("step 3/3  loss ")


def test_only_the_heads_that_earlier_weights_lack_are_trained():
    before, network = AttributeHeads(8), AttributeHeads(8)
    known = {name: value for name, value in before.state_dict().items() if "hat_colour" not in name}
    fresh = network.heads["hat_colour"].weight.clone()
    keep_heads(network, known)
    assert torch.equal(network.heads["hat"].weight, before.heads["hat"].weight)
    assert torch.equal(network.heads["hat_colour"].weight, fresh)
    trained = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    assert trained == {"heads.hat_colour.weight", "heads.hat_colour.bias"}


def test_mixed_weights_lie_between_those_of_two_networks():
    first, second = FaceParser((8, 8, 16, 16)), FaceParser((8, 8, 16, 16))
    found = mixed(first, second, 0.25).state_dict()
    for name, weight in first.named_parameters():
        torch.testing.assert_close(found[name], 0.75 * weight + 0.25 * second.get_parameter(name))
    assert torch.equal(mixed(first, second, 1.0).segments.weight, second.segments.weight)
