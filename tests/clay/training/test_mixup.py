import torch

from clay.training.mixup import mix


def test_mixed_images_run_from_one_image_to_the_other(autoencoder):
    generator = torch.Generator().manual_seed(0)
    first, second = torch.rand(2, 3, 3, 64, 64, generator=generator) * 2 - 1
    ends = [mix(autoencoder, first, second, torch.full((3, 1), w)) for w in (0.0, 1.0)]
    assert (ends[0] - first).abs().max() < 1e-5
    assert (ends[1] - second).abs().max() < 1e-5
    w = torch.tensor([[0.0], [0.5], [1.0]])
    mixed = mix(autoencoder, first, second, w)
    assert (mixed[0] - first[0]).abs().max() < 1e-5
    codes = [autoencoder.encode(x[1:2]) for x in (first, second)]
    coarse = [autoencoder.decoder(z).mean for z in (*codes, (codes[0] + codes[1]) / 2)]
    expected = (first[1] + second[1]) / 2 + coarse[2] - (coarse[0] + coarse[1]) / 2
    assert (mixed[1] - expected.clamp(-1, 1)).abs().max() < 1e-5
