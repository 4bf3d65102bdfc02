"""Changes that make a render resemble a photograph: background, texture, light, blur, noise, missing parts.

Images are (b, 3, h, w) in [0, 1]. Each function draws its random numbers from the generator that it is given.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from clay.likeness.frame import HALF, places_along
from clay.people.view import SEGMENTS

_HAIRY = (SEGMENTS.index("hair"), SEGMENTS.index("beard"))
_BACKGROUND, _CLOTHES, _SKIN, _EYES, _HAT = (
    SEGMENTS.index(name) for name in ("background", "clothes", "skin", "eyes", "hat")
)


def _uniform(shape: tuple[int, ...], generator: torch.Generator, low: float = 0.0, high: float = 1.0) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator)


def _each(count: int, generator: torch.Generator, low: float = 0.0, high: float = 1.0) -> Tensor:
    return _uniform((count, 1, 1, 1), generator, low, high)


def _warm(count: int, generator: torch.Generator, green: float, blue: float) -> Tensor:
    """Factors of the channels, (count, 3, 1, 1): up to so much less of green and blue."""
    return 1 - _each(count, generator) * torch.tensor([0.0, green, blue]).view(1, 3, 1, 1)


def _mean(values: Tensor, mask: Tensor) -> Tensor:
    """The mean of values (b, c, h, w) over the pixels of a mask (b, 1, h, w), (b, c, 1, 1); 0 if there are none."""
    return (values * mask).sum((2, 3), keepdim=True) / mask.sum((2, 3), keepdim=True).clamp(min=1)


def clouds(count: int, channels: int, size: int, generator: torch.Generator) -> Tensor:
    """Noise in [0, 1] with blobs of random size, (count, channels, size, size)."""
    cells = int(torch.randint(2, 20, (1,), generator=generator))
    small = torch.rand(count, channels, cells, cells, generator=generator)
    return F.interpolate(small, (size, size), mode="bicubic", align_corners=False).clamp(0, 1)


def strands(count: int, size: int, generator: torch.Generator) -> Tensor:
    """Streaks along one direction with mean 0 and deviation about 1, (count, 1, size, size)."""
    noise = torch.randn(count, 1, size, size, generator=generator)
    down, across = ((7, 1), (1, 7), (3, 3), (1, 1))[int(torch.randint(4, (1,), generator=generator))]
    soft = F.avg_pool2d(noise, (down, across), 1, (down // 2, across // 2))
    out: Tensor = soft * (down * across) ** 0.5
    return out


def new_background(image: Tensor, marks: Tensor, generator: torch.Generator) -> Tensor:
    """The background replaced in seven of ten images: clouds, or another image of the batch, perhaps blurred."""
    count, _, size, _ = image.shape
    spread = _each(count, generator)
    plain = _uniform((count, 3, 1, 1), generator)
    other = image.roll(1, 0).roll(int(torch.randint(size, (1,), generator=generator)), 3)
    other = torch.where(_each(count, generator) < 0.5, F.avg_pool2d(other, 9, 1, 4), other)
    blobs = plain + spread * (clouds(count, 3, size, generator) - 0.5)
    similar = (marks == _HAIRY[0]) if torch.rand(1, generator=generator) < 0.5 else (marks == _SKIN)
    near = _mean(image, similar) + 0.5 * (blobs - plain)
    blobs = torch.where(_each(count, generator) < 0.2, near.clamp(0, 1), blobs)
    chosen = torch.where(_each(count, generator) < 0.3, other, blobs)
    use = (marks == _BACKGROUND) & (_each(count, generator) < 0.7)
    return torch.where(use, chosen, image)


def recoloured_hair(image: Tensor, marks: Tensor, generator: torch.Generator) -> Tensor:
    """Hair and beard of any colour between black, brown, blonde, red and white in half of the images."""
    count = len(image)
    hairy = ((marks == _HAIRY[0]) | (marks == _HAIRY[1])).float()
    light = image.mean(1, keepdim=True)
    top = _each(count, generator, 0.05, 0.95)
    warm = _warm(count, generator, 0.35, 0.75)
    contrast = (light / _mean(light, hairy).clamp(min=0.02)).clamp(0.2, 3.0) ** _each(count, generator, 0.4, 1.0)
    return torch.where((hairy > 0) & (_each(count, generator) < 0.5), (contrast * top * warm).clamp(0, 1), image)


def thin_hair(image: Tensor, marks: Tensor, generator: torch.Generator) -> Tensor:
    """A soft edge between hair and skin in four of ten images, as that of short or thin hair."""
    hairy = ((marks == _HAIRY[0]) | (marks == _HAIRY[1])).float()
    near = F.avg_pool2d(hairy, 7, 1, 3)
    share = (4 * near * (1 - near)) * (_each(len(image), generator) < 0.4)
    return image + share * (F.avg_pool2d(image, 7, 1, 3) - image)


def shaded(image: Tensor, generator: torch.Generator) -> Tensor:
    """A shadow with a soft edge in half of the images: below a line, as under the chin, or on one side."""
    count, _, size, _ = image.shape
    place = torch.linspace(0, 1, size)
    down = torch.sigmoid((place[:, None] - _each(count, generator, 0.7, 1.0)) * _each(count, generator, 20, 80))
    side = torch.sigmoid((place - _each(count, generator, 0.4, 1.0)) * _each(count, generator, 5, 40))
    side = torch.where(_each(count, generator) < 0.5, side, side.flip(3))
    chosen = torch.where(
        _each(count, generator) < 0.7, down.expand(-1, -1, size, size), side.expand(-1, -1, size, size)
    )
    deep = _each(count, generator, 0.0, 0.7) * (_each(count, generator) < 0.5)
    return image * (1 - deep * chosen)


def textured(image: Tensor, marks: Tensor, generator: torch.Generator) -> Tensor:
    """Strands in hair, beard and the knit of hats, folds in clothes, blotches and gloss on the skin."""
    count, _, size, _ = image.shape
    hairy = (marks == _HAIRY[0]) | (marks == _HAIRY[1])
    streak = (_each(count, generator, 0.0, 0.35) * strands(count, size, generator)).exp()
    image = torch.where(hairy, image * streak, image)
    image = torch.where(marks == _HAT, image * streak**0.4, image)
    gloss = (clouds(count, 1, size, generator) - 0.6).clamp(min=0) * _each(count, generator)
    image = torch.where(hairy, image + 0.6 * gloss, image)
    folds = 1 + (_each(count, generator)) * (clouds(count, 1, size, generator) - 0.5)
    image = torch.where(marks == _CLOTHES, image * folds, image)
    blotch = 1 + 0.5 * _each(count, generator) * (clouds(count, 1, size, generator) - 0.5)
    gloss = (clouds(count, 1, size, generator) - 0.6).clamp(min=0) * _each(count, generator)
    return torch.where(marks == _SKIN, (image * blotch + 0.6 * gloss).clamp(max=1), image)


def relit(image: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """Another exposure, contrast, gradient of light, colour of light and saturation.

    Args:
        image: (b, 3, h, w) in [0, 1].
        generator: source of the random numbers.
        strength: of all changes but that of the saturation, 0 to 1.
    """
    count, _, size, _ = image.shape
    slope = strength * torch.linspace(-1, 1, size)
    across, down = _each(count, generator, -0.35, 0.35), _each(count, generator, -0.25, 0.25)
    image = image * (1 + across * slope + down * slope[:, None])
    image = image.clamp(min=1e-4) ** (_each(count, generator, 0.75, 1.35) ** strength)
    light = _each(count, generator, 0.7, 1.25) * _uniform((count, 3, 1, 1), generator, 0.87, 1.13)
    image = image * light**strength
    grey = image.mean(1, keepdim=True)
    share = torch.where(_each(count, generator) < 0.12, torch.zeros(count, 1, 1, 1), _each(count, generator, 0.5, 1.2))
    return (grey + (image - grey) * share).clamp(0, 1)


def exposed(image: Tensor, generator: torch.Generator) -> Tensor:
    """Another exposure, colour of the light and gamma, as `clay.likeness.exposure` describes them."""
    count = len(image)
    gain = _each(count, generator, 0.78, 1.22) * _uniform((count, 3, 1, 1), generator, 0.92, 1.08)
    gamma = _each(count, generator, 0.83, 1.22)
    return (gain * image.clamp(min=1e-4) ** gamma).clamp(0, 1)


def degraded(image: Tensor, generator: torch.Generator) -> Tensor:
    """Blur, fewer pixels, noise."""
    count, _, size, _ = image.shape
    soft = F.avg_pool2d(F.pad(image, (1, 1, 1, 1), mode="replicate"), 3, 1)
    image = image + _each(count, generator, -0.6, 1.0) * (soft - image)  # below 0 sharpens
    low = F.interpolate(image, (size // 2, size // 2), mode="area")
    low = F.interpolate(low, (size, size), mode="bilinear", align_corners=False)
    image = torch.where(_each(count, generator) < 0.2, low, image)
    grain = _each(count, generator, 0.0, 0.06) * torch.randn(image.shape, generator=generator)
    return (image + grain).clamp(0, 1)


def covered(image: Tensor, generator: torch.Generator) -> Tensor:
    """A random rectangle of one colour in one of six images, as a hand or an object before the face."""
    count, _, size, _ = image.shape
    place = torch.arange(size)
    top, left = (torch.randint(size, (count, 1, 1, 1), generator=generator) for _ in range(2))
    high, wide = (torch.randint(8, size // 3, (count, 1, 1, 1), generator=generator) for _ in range(2))
    rows, columns = place[:, None], place
    inside = (rows >= top) & (rows < top + high) & (columns >= left) & (columns < left + wide)
    use = inside & (_each(count, generator) < 0.16)
    return torch.where(use, _uniform((count, 3, 1, 1), generator), image)


def grizzled(image: Tensor, marks: Tensor, generator: torch.Generator) -> Tensor:
    """A beard of its own colour, between black and white, in four of ten images, and skin that shows through it."""
    count, _, size, _ = image.shape
    beard = marks == _HAIRY[1]
    mean = _mean(image, marks == _SKIN)
    warm = _warm(count, generator, 0.15, 0.35)
    hair = _each(count, generator, 0.05, 0.95) * warm * (0.15 * strands(count, size, generator)).exp()
    image = torch.where(beard & (_each(count, generator) < 0.4), hair, image)
    through = _each(count, generator, 0.0, 0.6) * (_each(count, generator) < 0.4) * clouds(count, 1, size, generator)
    return torch.where(beard, image + through * (mean - image), image).clamp(0, 1)


def sunken_eyes(image: Tensor, generator: torch.Generator) -> Tensor:
    """Soft dark areas around the eyes, as of deep sockets or make-up, in half of the images of `eye_frame`."""
    count = len(image)
    u, v = _frame(image.shape[-1])
    u = u.abs() - 0.5 - _each(count, generator, -0.05, 0.05)
    v = v - _each(count, generator, -0.15, 0.12)
    inside = (u / _each(count, generator, 0.25, 0.5)) ** 2 + (v / _each(count, generator, 0.1, 0.35)) ** 2
    deep = _each(count, generator, 0.2, 0.8) * (_each(count, generator) < 0.5)
    dark = _uniform((count, 3, 1, 1), generator, 0.0, 0.4)
    return image + deep * torch.exp(-(inside**2)) * (dark - 1) * image


def narrowed(image: Tensor, marks: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Images of `eye_frame` whose eyes are as narrow as people's in eight of ten, with a dark line above, and darker in
    half of them; and their segments.
    """
    count, _, size, _ = image.shape
    u, v = _frame(size)
    near = torch.exp(-(((u.abs() - 0.5) / 0.4) ** 2) - (v / 0.3) ** 2)
    more = _each(count, generator, 0.3, 1.5) * (_each(count, generator) < 0.8)
    down = v * (1 + more * near)  # grows with v everywhere, because `more` is at most 1.5
    grid = torch.cat([u.expand_as(down), down], dim=1).permute(0, 2, 3, 1) / HALF
    image = F.grid_sample(image, grid, padding_mode="border", align_corners=False)
    marks = F.grid_sample(marks.float(), grid, "nearest", "border", False).long()
    below = F.pad(marks, (0, 0, 0, 1), value=_SKIN)[:, :, 1:]
    lash = (marks == _SKIN) & (below == _EYES)
    dark = 1 - _each(count, generator, 0.0, 0.7) * (_each(count, generator) < 0.5)
    image = torch.where(marks == _EYES, image * dark, image)
    return torch.where(lash, image * _each(count, generator, 0.1, 1.0), image), marks


def browed(image: Tensor, marks: Tensor, generator: torch.Generator) -> Tensor:
    """Dark and thick brows close to the eyes in six of ten images of `eye_frame`, so that brows are no frames."""
    count, _, size, _ = image.shape
    u, v = _frame(size)
    along = (u.abs() - 0.5 - _each(count, generator, -0.08, 0.08)) / _each(count, generator, 0.22, 0.4)
    line = -_each(count, generator, 0.14, 0.4) - _each(count, generator, -0.02, 0.1) * (1 - along**2)
    line = line + _each(count, generator, -0.06, 0.06) * along
    away = (v - line) / _each(count, generator, 0.025, 0.08)
    share = torch.exp(-(away**2)) * torch.sigmoid(12 * (1 - along.abs()))
    share = share * _each(count, generator, 0.3, 1.0) * (_each(count, generator) < 0.6) * (marks == _SKIN)
    colour = _each(count, generator, 0.0, 0.35) * _warm(count, generator, 0.2, 0.4)
    return image + share * (colour - image)


def brimmed(image: Tensor, marks: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Hats of any colour, also black and grey, in six of ten images of `eye_frame`, in six of ten with a brim or visor;
    and their segments.
    """
    count, _, size, _ = image.shape
    u, v = _frame(size)
    hat = marks == _HAT
    light = image.mean(1, keepdim=True)
    shape = light / _mean(light, hat).clamp(min=1e-4)
    grey = _uniform((count, 1, 1, 1), generator, 0.02, 0.9)
    dyed = grey + 0.3 * _each(count, generator) * _uniform((count, 3, 1, 1), generator, -0.5, 0.5)
    anew = hat & (_each(count, generator) < 0.6)
    image = torch.where(anew, (shape * dyed).clamp(0, 1), image)
    colour, middle = _mean(image, hat), _mean(u[None, None], hat)
    worn = (hat & ((u - middle).abs() < 0.3)).any(3, keepdim=True)
    edge = torch.where(worn, v, -HALF).amax(2, keepdim=True)  # its lower edge above the forehead
    wide, high = _each(count, generator, 0.7, 2.4), _each(count, generator, 0.08, 0.4)
    slope = _each(count, generator, -0.25, 0.25)
    bent = _each(count, generator, -0.15, 0.3) * (u - middle) ** 2
    away = ((u - middle) / wide) ** 2 + ((v - edge - slope * (u - middle) - bent) / high) ** 2
    use = (away < 1) & (v < -0.25) & hat.any(3, keepdim=True).any(2, keepdim=True)
    use = use & (_each(count, generator) < 0.6)
    shade = _each(count, generator, 0.5, 1.2) * (1 - 0.4 * _each(count, generator) * away.clamp(max=1))
    return torch.where(use, (colour * shade).clamp(0, 1), image), torch.where(use, _HAT, marks)


def wrinkled(image: Tensor, marks: Tensor, generator: torch.Generator) -> Tensor:
    """Three soft strokes on the face, darker or brighter, in half of the images: folds, shadows, highlights."""
    count, _, size, _ = image.shape
    u, v = _frame(size // 2)
    place = torch.stack([u.expand(size // 2, -1), v.expand(-1, size // 2)])
    ends = _uniform((count, 3, 2, 2), generator, -1.1, 1.3)
    ends[:, :, 1] = ends[:, :, 0] + _uniform((count, 3, 2), generator, -0.9, 0.9)
    middle = ends.mean(2) + _uniform((count, 3, 2), generator, -0.2, 0.2)
    t = torch.linspace(0, 1, 12).view(-1, 1)
    curve = (1 - t) ** 2 * ends[:, :, None, 0] + 2 * t * (1 - t) * middle[:, :, None] + t**2 * ends[:, :, None, 1]
    away = torch.cdist(curve.flatten(1, 2), place.flatten(1).mT.expand(count, -1, -1))
    away = away.view(count, 3, 12, size // 2, size // 2).amin(2)
    wide = _uniform((count, 3, 1, 1), generator, 0.03, 0.12)
    deep = _uniform((count, 3, 1, 1), generator, -0.5, 0.25) * (_each(count, generator) < 0.5)
    strokes = (deep * torch.exp(-((away / wide) ** 2))).sum(1, keepdim=True)
    strokes = F.interpolate(strokes, (size, size), mode="bilinear", align_corners=False)
    return torch.where(marks == _SKIN, image * (1 + strokes), image).clamp(0, 1)


def spectacled(image: Tensor, marks: Tensor, worn: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Images of `eye_frame` with glasses of many shapes, thinner than those of the renderer; and their segments.

    Args:
        image: (b, 3, size, size) in [0, 1].
        marks: its segments, (b, 1, size, size) int64.
        worn: who gets them, (b,).
        generator: source of the random numbers.
    """
    count, _, size, _ = image.shape
    u, v = _frame(size)
    v = v - _each(count, generator, -0.05, 0.15)
    wide = _each(count, generator, 0.32, 0.46)
    high = wide * _each(count, generator, 0.55, 1.05)
    power = _each(count, generator, 2.0, 5.0)
    across = u.abs() - 0.5 - _each(count, generator, -0.03, 0.05)
    lens = ((across / wide).abs() ** power + (v / high).abs() ** power) ** (1 / power)
    bridge = torch.where(across < -wide * 0.9, (v - high * _each(count, generator, -0.5, 0.1)).abs(), 9.0)
    arm = torch.where((across > wide) & (u.abs() < 1.2), (v + high * _each(count, generator, 0.1, 0.5)).abs(), 9.0)
    away = torch.minimum(torch.minimum((lens - 1).abs() * torch.minimum(wide, high), bridge), arm)
    pixel = 2 * HALF / size
    thick = _each(count, generator, 0.3, 2.2) * pixel
    cover = (thick / pixel).clamp(max=1.0) * (1 - (away - thick / 2).clamp(min=0) / pixel).clamp(0, 1)
    cover = cover * (marks != _BACKGROUND) * worn.view(-1, 1, 1, 1)
    colour = _uniform((count, 3, 1, 1), generator, 0.0, 0.5) ** _each(count, generator, 0.5, 3.0)
    shine = 1 + 1.5 * _each(count, generator) * clouds(count, 1, size, generator)
    glass = (
        (lens < 1) * _each(count, generator, -0.05, 0.25) * clouds(count, 1, size, generator) * worn.view(-1, 1, 1, 1)
    )
    image = image + glass
    image = (image + cover * (colour * shine - image)).clamp(0, 1)
    return image, torch.where(cover > 0.4, SEGMENTS.index("frames"), marks)


def _frame(size: int) -> tuple[Tensor, Tensor]:
    """u (1, size) and v (size, 1) of the pixels of `clay.likeness.frame.eye_frame`."""
    steps = places_along(size)
    return steps[None], steps[:, None]


def photo_like(image: Tensor, marks: Tensor, generator: torch.Generator) -> Tensor:
    """All of the changes.

    Args:
        image: (b, 3, h, w) in [0, 1].
        marks: its segments, (b, 1, h, w) int64.
        generator: source of the random numbers.
    """
    image = grizzled(recoloured_hair(image, marks, generator), marks, generator)
    image = textured(new_background(image, marks, generator), marks, generator)
    image = wrinkled(sunken_eyes(image, generator), marks, generator)
    image = shaded(thin_hair(image, marks, generator), generator)
    return degraded(covered(relit(image, generator), generator), generator)
