import torch

from clay.networks.encoder_decoder import Decoder, Encoder


def test_the_decoder_gives_the_coarse_image_feature_maps_and_embedding():
    decoded = Decoder(features=5, embedding=32)(torch.randn(2, 128))
    assert decoded.mean.shape == (2, 3, 64, 64)
    assert decoded.features.shape == (2, 5, 32, 32)
    assert decoded.embedding.shape == (2, 32)


def test_a_round_trip_over_disk_keeps_the_configuration(tmp_path):
    Encoder(code=64, channels=(8, 16, 16, 24)).save_pretrained(tmp_path)
    loaded = Encoder.from_pretrained(tmp_path, local_files_only=True, low_cpu_mem_usage=False)
    assert loaded(torch.zeros(1, 3, 64, 64)).shape == (1, 64)
