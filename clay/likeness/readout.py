"""`Readout`: attributes of a face, and the skin of a photographed one, from the measures of `clay.likeness.measures`.

Hair style, beard, glasses and hat depend on where the segments lie, hair colour and skin on their colours alone.
Skin and facial hair of a render are read by `clay.likeness.render_skin` and `render_beard`.
"""

from typing import NamedTuple

from torch import Tensor, nn

from clay.likeness.measures import COLOURS, PLACES
from clay.likeness.stored import StoredNetwork
from clay.people.attributes import ATTRIBUTES

_SKIN = 3
"""The colour of the skin comes first."""
BY_PLACE = ("hair_style", "facial_hair", "glasses", "hat")


class Read(NamedTuple):
    """Logits by attribute (b, classes); the skin (b,), 0 to 5, from its own colour alone."""

    attributes: dict[str, Tensor]
    skin: Tensor


def _layers(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.SiLU(), nn.Dropout(0.3), nn.Linear(hidden, hidden), nn.SiLU(), nn.Dropout(0.3),
        nn.Linear(hidden, outputs),
    )  # fmt: skip


class Readout(StoredNetwork):
    """Places (b, `PLACES`) and colours (b, `COLOURS`) -> `Read`.

    Args:
        hidden: width of the hidden layers.
    """

    noun = "readout"

    def __init__(self, hidden: int = 96) -> None:
        super().__init__(hidden)
        self.sizes = [len(ATTRIBUTES[name]) for name in BY_PLACE]
        self.place = _layers(PLACES, hidden, sum(self.sizes))
        self.hair = _layers(COLOURS, hidden, len(ATTRIBUTES["hair_colour"]))
        self.skin = _layers(_SKIN, hidden, 1)

    def forward(self, place: Tensor, colour: Tensor) -> Read:
        """See the class."""
        split = self.place(place).split(self.sizes, dim=1)
        attributes = dict(zip(BY_PLACE, split, strict=True))
        attributes["hair_colour"] = self.hair(colour)
        return Read(attributes, 2.5 + self.skin(colour[:, :_SKIN])[:, 0])
