"""The networks of the embedded world: diffusion autoencoder, CLIP, identity embedders, attribute classifier.

May import `clay.people`. The saved autoencoder names its parts `clay.networks.Encoder`,
`clay.networks.Decoder` and `clay.networks.OutputHead`.
"""

from clay.networks.encoder_decoder import Decoder, Encoder, OutputHead

__all__ = ["Decoder", "Encoder", "OutputHead"]
