import pytest
import torch
from diffusers import UNet2DModel

from clay.networks.autoencoder import DiffusionAutoencoder


@pytest.fixture
def noisy(autoencoder):
    """Noisy images at low, middle and high noise, with the noise and the code they were made from."""
    generator = torch.Generator().manual_seed(1)
    t = torch.tensor([100, 500, 999])
    image = torch.rand(3, 3, 64, 64, generator=generator) * 0.2
    noise = torch.randn(3, 3, 64, 64, generator=generator)
    a_t = autoencoder.alpha_bar(t)
    return t, a_t.sqrt() * image + (1 - a_t).sqrt() * noise, noise, autoencoder.encode(image)


def test_even_untrained_it_predicts_the_noise_in_the_schedulers_convention(autoencoder, noisy):
    t, x_t, noise, z = noisy
    eps = autoencoder(t, x_t, z)
    for predicted, true in zip(eps[1:], noise[1:], strict=True):
        assert torch.corrcoef(torch.stack([predicted.flatten(), true.flatten()]))[0, 1] > 0.8


def test_alpha_bar_is_the_schedulers_at_whole_times_and_between_its_neighbours_elsewhere(autoencoder):
    table = autoencoder.scheduler.alphas_cumprod
    assert torch.equal(autoencoder.alpha_bar(torch.arange(1000)).flatten(), table)
    assert torch.equal(autoencoder.alpha_bar(torch.arange(1000.0)).flatten(), table)
    assert table[11] < autoencoder.alpha_bar(torch.tensor([10.5])).item() < table[10]


def test_codes_have_mean_0_and_variance_1(autoencoder):
    z = autoencoder.encode(torch.rand(4, 3, 64, 64) * 2 - 1)
    assert z.shape == (4, 128)
    assert z.mean(1).abs().max() < 1e-5
    assert (z.var(1, unbiased=False) - 1).abs().max() < 1e-2


def test_prepared_codes_give_the_same_noise(autoencoder, noisy):
    t, x_t, _, z = noisy
    prepared = autoencoder.prepare(z)
    assert torch.equal(autoencoder(t, x_t, prepared), autoencoder(t, x_t, z))


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 3, 32, 32), (1, 1, 64, 64)])
def test_images_of_another_shape_are_refused(autoencoder, shape):
    with pytest.raises(ValueError, match=r"image must have shape \(b, 3, 64, 64\), but has"):
        autoencoder.encode(torch.zeros(shape))


def test_gradients_with_respect_to_x_and_z_are_the_derivatives(autoencoder_folder):
    model = DiffusionAutoencoder.from_folder(autoencoder_folder, dtype=torch.float64)
    generator = torch.Generator().manual_seed(2)
    x, z = (torch.randn(s, generator=generator, dtype=torch.float64) for s in ((1, 3, 64, 64), (1, 128)))
    t, weight = torch.tensor([300.0]), torch.randn(1, 3, 64, 64, generator=generator, dtype=torch.float64)
    inputs = [x.requires_grad_(), z.requires_grad_()]
    gradients = torch.autograd.grad((weight * model(t, x, z)).sum(), inputs)
    for index, gradient in enumerate(gradients):
        direction = torch.randn(inputs[index].shape, generator=generator, dtype=torch.float64)
        values = []
        for step in (1e-5, -1e-5):
            moved = [v + step * direction if i == index else v for i, v in enumerate((x, z))]
            values.append((weight * model(t, *moved)).sum())
        difference = (values[0] - values[1]) / 2e-5
        assert (gradient * direction).sum().item() == pytest.approx(difference.item(), rel=1e-6)


def test_saving_and_loading_keeps_the_function_to_half_precision(autoencoder, autoencoder_folder, noisy):
    t, x_t, _, z = noisy
    loaded = DiffusionAutoencoder.from_folder(autoencoder_folder)
    assert (loaded(t, x_t, z) - autoencoder(t, x_t, z)).abs().max() < 5e-3
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())


def test_double_precision_agrees_with_single(autoencoder_folder, noisy):
    t, x_t, _, z = noisy
    single, double = (
        DiffusionAutoencoder.from_folder(autoencoder_folder, dtype=d) for d in (torch.float32, torch.float64)
    )
    assert (double(t, x_t.double(), z.double()) - single(t, x_t, z)).abs().max() < 1e-4


def test_plain_diffusers_loads_the_unet(autoencoder_folder):
    unet = UNet2DModel.from_pretrained(autoencoder_folder, subfolder="unet", local_files_only=True)
    assert unet.config.class_embed_type == "identity"


def test_no_file_of_the_folder_is_a_pickle(autoencoder_folder):
    suffixes = {path.suffix for path in autoencoder_folder.rglob("*") if path.is_file()}
    assert suffixes == {".json", ".safetensors"}


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no diffusion autoencoder"):
        DiffusionAutoencoder.from_folder(tmp_path)


@pytest.mark.slow
def test_the_networks_for_128_pixels_are_saved_with_their_output_head(tmp_path):
    torch.manual_seed(0)
    model = DiffusionAutoencoder.create_128().eval()
    torch.nn.init.normal_(model.head.last.weight)  # it starts at zero
    model.save_folder(tmp_path)
    loaded = DiffusionAutoencoder.from_folder(tmp_path)
    assert loaded.sample_shape == (3, 128, 128)
    x, t = torch.randn(2, *loaded.sample_shape), torch.tensor([3, 700])
    z = loaded.encode(x)
    with torch.no_grad():
        eps = loaded(t, x, z)
        assert eps.shape == x.shape
        assert torch.allclose(loaded(t, x, loaded.prepare(z)), eps, atol=1e-5)
        saved = model(t, x, model.encode(x))
        assert (saved - eps).abs().max() < 0.02 * saved.abs().max()  # half precision on disk
        without = DiffusionAutoencoder(loaded.unet, loaded.encoder, loaded.decoder, loaded.scheduler, None)
        with pytest.raises(RuntimeError):  # the UNet's last convolution has more channels than an image folds into
            without(t, x, z)
    with pytest.raises(ValueError, match=r"must have shape \(b, 3, 128, 128\).*resize it to 128 x 128"):
        loaded.encode(torch.zeros(1, 3, 64, 64))


def test_without_a_trained_head_the_image_is_the_unets_own():
    model = DiffusionAutoencoder.create_128().eval()
    maps, features = torch.randn(1, 7, 128, 128), torch.randn(1, 64, 32, 32)
    assert model.head(maps, features).abs().max() == 0
