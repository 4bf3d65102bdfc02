"""A class-conditional network: z is the embedding of a class, so steering moves between and beyond classes.

A label is an integer without a gradient; its embedding has one. The embedding table is removed from the network, and z
takes the place of one of its rows.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from studio.models.networks.adapters.unconditional import prediction


class Labelled(nn.Module):
    """DiTTransformer2DModel or a UNet2DModel with classes, as a denoiser; z (b, d) is the embedding of a class.

    Args:
        network: of diffusers. Its embedding table is replaced by the identity; DiT's blocks have copies of one table,
            which are all replaced.

    Raises:
        ValueError: it has no embedding table of classes.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network
        self._is_unet = hasattr(network, "class_embedding")
        if self._is_unet and isinstance(network.class_embedding, nn.Embedding):
            self.table = network.class_embedding
            network.class_embedding = nn.Identity()
        elif hasattr(network, "transformer_blocks"):
            self.table = network.transformer_blocks[0].norm1.emb.class_embedder.embedding_table
            for block in network.transformer_blocks:
                block.norm1.emb.class_embedder = nn.Identity()
        else:
            raise ValueError(f"{type(network).__name__} has no table of classes; use the adapter without conditioning.")

    @property
    def has_null_class(self) -> bool:
        """Whether the table has a row for no class after those of the classes, for classifier-free guidance."""
        config = self.network.config
        return len(self.table.weight) > int(config.get("num_class_embeds") or config.get("num_embeds_ada_norm"))

    def class_embedding(self, label: int) -> Tensor:
        """z (1, d) of a class; -1 is the last row, which stands for no class if there is a null class.

        Raises:
            ValueError: there is no such class.
        """
        rows = len(self.table.weight)
        if not -1 <= label < rows:
            raise ValueError(f"label must be from 0 to {rows - 1}, or -1 for none; got {label}.")
        return self.table.weight[[label]].detach().float()

    def forward(self, t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        """Prediction of x's shape.

        Raises:
            ValueError: z is None.
        """
        if z is None:
            raise ValueError("A class-conditional network needs the class's embedding as z; got None.")
        if self._is_unet:
            return prediction(self.network(x, t, class_labels=z).sample, x)
        return prediction(self.network(x, timestep=t.to(torch.long), class_labels=z).sample, x)
