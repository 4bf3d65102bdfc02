"""The networks of the embedded world: diffusion autoencoder, CLIP, identity embedders, attribute classifier.

May import `clay.people`. The saved autoencoder names its parts `clay.networks.Encoder` and
`clay.networks.Decoder`.
"""

from clay.networks.encoder_decoder import Decoder, Encoder

__all__ = ["Decoder", "Encoder"]
