"""`Reader`: from a photograph and the landmarks of a face to a `Guess` of the clay face of that person."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import torch
from torch import Tensor

from clay.likeness.beard import beard_likelihood, darkness, has_grey_beard
from clay.likeness.exposure import Render, exposures
from clay.likeness.frame import eye_frame, reduced
from clay.likeness.glasses import edges, glasses_likelihood
from clay.likeness.hair import hair_extent, style_likelihood
from clay.likeness.light import CLEAR, Light, exposed, white_balanced
from clay.likeness.measures import background_and_clothes, colours, hair_light, hair_seen, places
from clay.likeness.network import FaceParser
from clay.likeness.person import corrected
from clay.likeness.points import Shape, eyes_of, in_eye_frame, shape_of
from clay.likeness.readout import Readout
from clay.likeness.render_beard import RenderBeard
from clay.likeness.render_skin import RenderSkin

DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "likeness"
# How much more frequent each class is among photographed people than among rendered faces, as far as the networks do
# not see it. Frames of glasses are thinner in photographs, so that the networks see less of them.
_USUAL: dict[str, tuple[float, ...]] = {
    #             bald buzzed short quiff bob long bun afro pigtails mohawk curly
    "hair_style": (0.4, 0.6, 8.0, 0.9, 0.9, 2.2, 0.2, 0.5, 0.03, 0.02, 0.7),
    #              black brown blonde red grey blue pink
    "hair_colour": (1.0, 2.5, 1.0, 0.5, 0.4, 0.01, 0.01),
    #              none stubble moustache beard goatee
    "facial_hair": (3.9, 1.2, 0.3, 6.5, 0.35),
    "glasses": (1.0, 5.0, 1.0),
    "hat": (1.0, 0.5),
    #             neutral smiling surprised sad laughing
    "expression": (2.5, 1.5, 0.35, 0.15, 0.55),
}
# The shares of the log-likelihoods of the networks and of the measurement without a network, which see the same. These
# and the frequencies above were fitted to photographs (assets/likeness/README.md).
_SHARES = {"hair_style": (0.2, 0.6), "facial_hair": (0.2, 0.5), "glasses": (1.0, 1.0), "expression": (0.15, 1.0)}

_SKIN = (0.915, -0.065, -0.145, 0.14)
"""The skin of a photograph: shares of the readout's skin, of the hair's brightness and log2(red / blue), a constant.

Hair is bright, too, in a photograph that is bright all over. Half-way between the readout, moved from the middle of the
scale by a tenth, and a fit to photographs in which faces of dark skin counted twice.
"""

_BESIDE = 0.5
"""The share of the log-likelihoods of measures and code beside those of the parser, for a render."""


@dataclass(frozen=True)
class Guess:
    """What was measured on one face.

    Args:
        attributes: by name (`clay.people.attributes.ATTRIBUTES` without the skin tone), probabilities (classes,).
        skin: 0 (lightest) to 5 (darkest).
        shape: pose and traits.
        background, clothes: sRGB colours in [0, 1], (3,); clothes None if none are seen.
        light: whether the photograph has colours, and what was corrected.
    """

    attributes: dict[str, Tensor]
    skin: float
    shape: Shape
    background: Tensor
    clothes: Tensor | None
    light: Light = CLEAR


class ParsedFace(NamedTuple):
    """A face, and what the parser reads of its crop.

    Args:
        image: (1, 3, h, w) in [-1, 1].
        points: landmarks (68, 2) in its pixels.
        crop: in the frame of the eyes, in [-1, 1].
        segments: probabilities, (1, segments, h, w) of half the crop's side.
        attributes: log-probabilities (classes,) by name.
        inside: 1 where the crop shows a part of the image, 0 where it repeats its edge, (1, 1, h, w).
    """

    image: Tensor
    points: Tensor
    crop: Tensor
    segments: Tensor
    attributes: dict[str, Tensor]
    inside: Tensor

    @property
    def surroundings(self) -> tuple[Tensor, Tensor | None]:
        """Median colours of background and clothes, as `background_and_clothes`."""
        return background_and_clothes(self.crop, self.segments)

    @property
    def certainty(self) -> float:
        """Mean of the highest probability of each pixel; highest for renders, on which the parser was trained."""
        return float(self.segments.amax(1).mean())

    def of_person(self, person: Tensor) -> Self:
        """A photographed face, with its segments corrected by where the photograph shows a person.

        Args:
            person: probabilities in the frame of the eyes, (1, 1, n, n).
        """
        return self._replace(segments=corrected(self.segments, self.crop, person, self.inside))


class Reader:
    """Reads faces.

    Args:
        parser: segments and attributes of a crop.
        readout: attributes and skin from measures of the segments.
        render_skin, render_beard: the skin and the facial hair of renders.
    """

    def __init__(
        self, parser: FaceParser, readout: Readout, render_skin: RenderSkin, render_beard: RenderBeard
    ) -> None:
        self.parser, self.readout = parser, readout
        self.render_skin, self.render_beard = render_skin, render_beard

    @classmethod
    def from_folder(cls, folder: Path = DEFAULT_FOLDER) -> Self:
        """Load the networks.

        Raises:
            FileNotFoundError: a file is missing; the message names it.
        """
        return cls(
            FaceParser.from_folder(folder / "parser"),
            Readout.from_folder(folder / "readout"),
            RenderSkin.from_folder(folder / "skin"),
            RenderBeard.from_folder(folder / "beard"),
        )

    @torch.no_grad()
    def parse(self, image: Tensor, points: Tensor) -> ParsedFace:
        """The face with these landmarks; for the arguments see `ParsedFace`."""
        points = points.float()
        eyes = eyes_of(points)[None]
        crop = eye_frame(*reduced(image.float(), eyes))
        inside = eye_frame(torch.ones_like(image[:, :1]), eyes, crop.shape[-1] // 2, "nearest", "zeros")
        found = self.parser(torch.cat([crop, crop.flip(3)]))  # a face and its mirror image have the same attributes
        segments = found.segments.softmax(1)
        attributes = {name: values.log_softmax(1).mean(0) for name, values in found.attributes.items()}
        segments = (segments[:1] + segments[1:].flip(3)) / 2
        return ParsedFace(image.float(), points, crop, segments, attributes, inside)

    @torch.no_grad()
    def read(self, face: ParsedFace, render: Render | None = None) -> Guess:
        """What is seen of a face.

        Args:
            face: of `parse`.
            render: what is known of a render, whose exposure is undone. None for a photograph of a person: then hair,
                beard and expression are also measured without a network, every class is as frequent as among people,
                and coloured light is corrected.
        """
        image, points, crop, probabilities, parsed, inside = face
        skin, beard, light = None, None, CLEAR
        if render is None:
            crop, dim = exposed(crop, image)
            crop, light = white_balanced(crop, probabilities)
            light = light._replace(dim=dim)
        else:
            _, likeliest = exposures(*face.surroundings)[0]  # as the networks were trained
            skin = self.render_skin.read(crop, probabilities, likeliest)
            beard = self.render_beard.read(crop, probabilities, likeliest)
            crop = render.exposure.undone(crop)
        measures = colours(crop, probabilities)
        found = self.readout(places(probabilities), measures)
        shape = shape_of(points)
        logits = {name: values[0].log_softmax(0) for name, values in found.attributes.items()}
        share = 1.0 if render is None else _BESIDE
        for name, seen in parsed.items():
            logits[name] = share * logits[name] + seen if name in logits else seen
        for name, values in ({} if render is None else render.attributes).items():
            if name in logits:
                logits[name] = logits[name] + share * values.log_softmax(0)
        if beard is not None:  # better alone than with the others
            logits["facial_hair"] = beard
        if render is None:
            measured = {
                "hair_style": style_likelihood(hair_extent(probabilities, inside)[0]),
                "facial_hair": beard_likelihood(darkness(crop, in_eye_frame(points))),
                "glasses": glasses_likelihood(edges(image, eyes_of(points)[None]), shape.shift),
                "expression": shape.expression,
            }
            if not hair_seen(probabilities):
                del logits["hair_colour"]
            if not light.corrected and has_grey_beard(crop, probabilities):  # no darker than skin
                del measured["facial_hair"]
            for name, usual in _USUAL.items():
                networks, own = _SHARES[name] if name in measured else (1.0, 0.0)
                unknown = torch.zeros(len(usual))
                known = networks * logits.get(name, unknown) + torch.tensor(usual).log()
                logits[name] = known + own * measured.get(name, unknown)
        background, clothes = background_and_clothes(crop, probabilities)
        attributes = {name: values.softmax(0) for name, values in logits.items()}
        if skin is None:
            *shares, constant = _SKIN
            skin = torch.cat([found.skin[:, None], hair_light(measures)], dim=1) @ torch.tensor(shares) + constant
        return Guess(attributes, float(skin.clamp(0, 5)), shape, background, clothes, light)
