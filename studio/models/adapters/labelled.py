"""A class-conditional network: z is the class's embedding, so that steering moves between and beyond classes.

A label is a number that has no gradient; the vector that the network looks up under it has one. The table is taken out
of the network, and z goes where a row of it went.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from studio.models.adapters.needed import needed
from studio.models.adapters.unconditional import prediction


class Labelled(nn.Module):
    """DiTTransformer2DModel or a UNet2DModel with classes, as a denoiser; z (b, d) is the embedding of a class.

    Args:
        network: of diffusers. Its table of classes is replaced by the identity; DiT's blocks hold copies of one table,
            all of which go.

    Raises:
        ValueError: there is no table of classes in it.
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
    def knows_none(self) -> bool:
        """Whether the table has a row for no class behind those of the classes: it was trained to be guided."""
        config = self.network.config
        return len(self.table.weight) > int(config.get("num_class_embeds") or config.get("num_embeds_ada_norm"))

    def code(self, label: int) -> Tensor:
        """z (1, d) of a class; -1 is the last row, which stands for no class where the network was trained with one.

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
            ValueError: there is no z.
        """
        z = needed(z, "class-conditional", "the class's embedding")
        if self._is_unet:
            return prediction(self.network(x, t, class_labels=z).sample, x)
        return prediction(self.network(x, timestep=t.to(torch.long), class_labels=z).sample, x)
