"""Inputs that a stranger may send, by kind, made on the fly: the same ones for the same seed.

`fate` says what has to become of one: "refused" with a sentence, "taken" because it is odd and harmless, or "either"
where a random byte decides. Never anything else, whatever it is.
"""

from __future__ import annotations

import io
import json
import pickle
import random
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from PIL import Image

from studio.core.settings import Settings, bounds, choices
from studio.export.metadata import KEY
from tests.hostile import forge

Fate = Literal["refused", "taken", "either"]
Kind = Literal["picture", "saved file", "settings", "text", "link", "file path", "API parameter", "request"]


@dataclass(frozen=True)
class Case:
    """One input. `what` is bytes for files, a dict for values, a tuple (method, path, options) for requests."""

    kind: Kind
    family: str
    name: str
    what: Any
    fate: Fate = "refused"

    def __str__(self) -> str:
        return f"{self.family}: {self.name}"


def corpus(seed: int = 0) -> list[Case]:
    """All cases."""
    dice = random.Random(seed)
    return [
        *pictures(dice),
        *saved_files(),
        *settings(),
        *texts(),
        *links(),
        *file_paths(),
        *api_parameters(),
        *requests(),
    ]


def pictures(dice: random.Random) -> Iterator[Case]:
    """Files in place of an image."""

    def some(family: str, fate: Fate, **named: bytes) -> Iterator[Case]:
        yield from (Case("picture", family, name, data, fate) for name, data in named.items())

    yield from some(
        "no picture",
        "refused",
        empty=b"",
        one_byte=b"\x89",
        zeros=bytes(5000),
        noise=dice.randbytes(5000),
        text=b"a face with red hair\n" * 50,
        html=b"<html><script>alert(1)</script></html>",
        svg=b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><image href="file:///etc/passwd"/></svg>',
        pdf=b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>",
        postscript=b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n(%pipe%id) (r) file\n",
        zip=_zip(),
        program=b"\x7fELF" + bytes(500),
        pickle=pickle.dumps({"a": 1}),
        heic=b"\0\0\0\x18ftypheic" + bytes(500),
        avif=b"\0\0\0\x1cftypavif" + bytes(500),
        photoshop=b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 64, 64, 8, 3) + bytes(100),
        icon=b"\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0" + struct.pack("<II", 100, 22) + bytes(100),
        playlist=b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
    )
    yield from some(
        "bomb",
        "refused",
        png_header_7000=forge.png(7000, 7000),
        png_header_20000=forge.png(20_000, 20_000),
        png_header_largest=forge.png(2**31 - 1, 2**31 - 1),
        png_long_and_thin=forge.png(2**24, 16),
        png_honest=forge.bomb(9000),
        webp_canvas=forge.webp(16_383, 16_383),
        gif_screen=forge.gif((65_535, 65_535), (32, 32)),
        bmp_header=forge.bmp(30_000, 30_000),
        bmp_upside_down=forge.bmp(30_000, -30_000),
        tiff_header=forge.tiff(forge.strips(60_000, 60_000)),
        tiff_tiles=forge.tiff(forge.strips(20_800, 64, t322=16, t323=2**21, t324=8, t325=1024), bytes(1024)),
        tiff_tile=forge.tiff(forge.strips(32, 32, t322=30_000, t323=30_000, t324=8, t325=1024), bytes(1024)),
        jpeg_header=_resized(forge.honest("JPEG"), 65_000, 65_000),
        jpeg_scans=forge.progressive(3000),
        png_text=forge.text_chunks([("a", " " * 2**22)], packed=True),
        png_texts=forge.text_chunks([("a", " " * 2**20)] * 80, packed=True),
    )
    yield from some("bomb", "either", gif_frame=forge.gif((32, 32), (8000, 8000)), frames=forge.webp(32, 32, 2000))
    yield from some(
        "too small",
        "refused",
        one_pixel=forge.honest(size=(1, 1)),
        fifteen=forge.honest(size=(15, 200)),
        line=forge.honest(size=(3000, 1)),
        png_no_width=forge.png(0, 32),
        bmp_no_height=forge.bmp(32, 0),
        jpeg_nothing=_resized(forge.honest("JPEG"), 0, 0),
    )
    for form in forge_forms():
        whole = forge.honest(form, **forge_forms()[form])
        for part in (0.05, 0.4, 0.8):
            # Pillow may accept a truncated BMP or GIF
            fate: Fate = "refused" if form in ("PNG", "WEBP") else "either"
            yield Case("picture", "cut short", f"{form} at {part:.0%}", whole[: int(len(whole) * part)], fate)
        for k in range(4):
            yield Case("picture", "flipped bits", f"{form} {k}", _flipped(whole, dice), "either")
    yield from some(
        "lies",
        "refused",
        png_no_header=forge.PNG + forge.chunk(b"IDAT", b"x"),
        png_no_pixels=forge.png()[:33] + forge.chunk(b"IEND", b""),
        png_wrong_sum=forge.PNG + forge.chunk(b"IHDR", forge.png()[16:29], crc=1),
        png_long_chunk=forge.PNG + forge.chunk(b"IHDR", forge.png()[16:29], length=2**31 - 1),
        png_depth_3=forge.png(depth=3),
        png_colour_7=forge.png(colour=7),
        png_body_of_rubbish=forge.png(body=b"not deflate at all"),
        png_body_too_short=forge.png(200, 200),
        jpeg_only_ends=b"\xff\xd8\xff\xd9",
        webp_no_frames=forge.webp(64, 64, 0),
        tiff_no_directory=b"II*\0\xff\xff\xff\x7f",
        tiff_pixels_elsewhere=forge.tiff({**forge.strips(64, 64), 273: 2**31}),
        bmp_17_bits=forge.bmp(32, 32, bits=17),
        gif_header_only=b"GIF89a",
    )
    yield from some(
        "lies",
        "either",
        png_two_headers=forge.png(32, 32, forge.chunk(b"IHDR", forge.png(64, 64)[16:29])),
        png_interlace_9=forge.png(interlace=9),
        tiff_circle=forge.tiff(forge.strips(32, 32), bytes(1024), following=8 + 1024),
        bmp_pixels_elsewhere=forge.bmp(32, 32, offset=2**31 - 1),
        exif_orientation_99=forge.exif(struct.pack("<HII", 3, 1, 99)),
        exif_orientation_text=forge.exif(struct.pack("<HI", 2, 4) + b"x\0\0\0"),
        exif_orientation_far=forge.exif(struct.pack("<HII", 3, 2**31, 2**31)),
        exif_kind_unknown=forge.exif(struct.pack("<HII", 99, 1, 1)),
        exif_fraction_of_zero=forge.exif(struct.pack("<HII", 5, 1, 0)),
        colour_profile_of_rubbish=forge.honest("PNG", icc_profile=dice.randbytes(3000)),
    )
    script = b"<script>alert(document.cookie)</script>"
    yield from some(
        "two kinds at once",
        "taken",
        png_and_zip=forge.honest() + _zip(),
        jpeg_and_page=forge.honest("JPEG", comment=script),
        gif_and_script=forge.honest("GIF", comment=b"*/=1;alert(1);/*"),
        png_and_script=forge.png(32, 32, forge.chunk(b"tEXt", b"Comment\0" + script), b""),
        png_and_program=forge.honest() + b"<?php system($_GET['a']); ?>",
        webp_and_script=forge.honest("WEBP", exif=b"Exif\0\0" + script),
    )
    yield from some(
        "unusual colours",
        "taken",
        cmyk=forge.honest("JPEG", mode="CMYK"),
        grey_jpeg=forge.honest("JPEG", mode="L"),
        sixteen_bits=_sixteen("PNG"),
        sixteen_bits_tiff=_sixteen("TIFF"),
        palette=forge.honest(mode="P"),
        one_bit=forge.honest(mode="1"),
        see_through=forge.honest(mode="RGBA"),
        grey_see_through=forge.honest(mode="LA"),
        palette_hole=forge.honest("GIF", mode="P", transparency=0),
        moving_gif=_moving("GIF"),
        moving_png=_moving("PNG"),
        moving_webp=_moving("WEBP"),
        turned=forge.exif(struct.pack("<HII", 3, 1, 6)),
        mirrored=forge.exif(struct.pack("<HII", 3, 1, 7)),
    )
    yield from some(
        "unusual colours",
        "refused",
        fractions=forge.honest("TIFF", mode="F"),
        thirty_two_bits=forge.honest("TIFF", mode="I"),
        lab=_lab(),
    )


def saved_files() -> Iterator[Case]:
    """Files to read settings from."""

    def inside(**values: Any) -> bytes:
        return json.dumps({"settings": {"version": 2, **values}}).encode()

    def png(text: str, key: str = KEY, packed: bool = False) -> bytes:
        return forge.text_chunks([(key, text)], packed)

    good = inside(prompt="a hat").decode()
    named: dict[str, bytes] = {
        "empty": b"",
        "no JSON": b"{settings: 1}",
        "a list": b"[1, 2]",
        "settings are a list": b'{"settings": [1]}',
        "settings are text": b'{"settings": "loss"}',
        "no settings": b'{"seed": 1}',
        "lists in lists": b'{"settings":' + b"[" * 100_000,
        "deep": b'{"settings":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001,
        "a number of 100000 digits": b'{"settings": {"seed": ' + b"9" * 100_000 + b"}}",
        "a number of 4000 digits": b'{"settings": {"seed": ' + b"9" * 4000 + b"}}",
        "not a number": b'{"settings": {"noise_level": NaN}}',
        "for ever": b'{"settings": {"noise_level": Infinity}}',
        "too long": b'{"settings": {}, "x": "' + b"a" * 2**21 + b'"}',
        "no UTF-8": b'{"settings": {"prompt": "\xff\xfe"}}',
        "UTF-16": '{"settings": {}}'.encode("utf-16"),
        "unknown field": inside(command="rm -rf /"),
        "a class": inside(__class__="os.system"),
        "a prototype": inside(__proto__={"admin": True}),
        "a field of 100000 letters": inside(**{"x" * 100_000: 1}),
        "version 99": inside(version=99),
        "version is a list": inside(version=[2]),
        "prompt too long": inside(prompt="x" * 301),
        "prompt is a number": inside(prompt=5),
        "loss is a list": inside(loss=["clip_text"]),
        "steps in words": inside(sampling_steps="many"),
        "python": b"__import__('os').system('id')",
        "yaml": b"!!python/object/apply:os.system ['id']",
        "pickle": pickle.dumps({"settings": {}}),
        "xml": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        "a JPEG": forge.honest("JPEG"),
        "a PNG without text": forge.honest(),
        "a PNG of somebody else": png(good, key="parameters"),
        "a PNG with rubbish": png("{"),
        "a PNG with python": png("__import__('os').system('id')"),
        "a PNG that unpacks to 16 MB": png('{"settings":{"prompt":"' + "a" * 2**24, packed=True),
        "a PNG with lists in lists": png('{"settings":' + "[" * 100_000),
        "a PNG out of bounds": png(inside(optimisation_steps=10**9).decode()),
        "half a PNG": png(good)[:60],
        "a PNG whose header lies": forge.png(2**31 - 1, 2**31 - 1),
        "a zip": _zip(),
    }
    for name, data in named.items():
        yield Case("saved file", "PNG" if data[:4] == forge.PNG[:4] else "JSON", name, data)
    for name, data in {
        "with a mark at its start": b"\xef\xbb\xbf" + good.encode(),
        "twice the same key": b'{"settings": {"seed": 1, "seed": 2}}',
        "half a letter": b'{"settings": {"prompt": "\\ud83d"}}',
        "control characters": inside(prompt="a\0\x07b\x1b[31m"),
        "markup": inside(prompt="<img src=x onerror=alert(1)>"),
    }.items():
        yield Case("saved file", "JSON", name, data, "either")


def settings() -> Iterator[Case]:
    """Values outside the ranges of the page's fields."""
    for name, field in Settings.model_fields.items():
        if field.annotation in (int, float):
            low, high = bounds(name)
            for value in (low - 1, high + 1, float("nan"), "1e999", [low], {"a": 1}, None):
                yield Case("settings", "number", f"{name} = {value!r}", {name: value})
        elif field.annotation is str and not choices(name):
            for value in ("x" * 301, 5, None, ["a"], {"a": "b"}):
                yield Case("settings", "text", f"{name} = {str(value)[:20]}", {name: value})
        elif name != "version":
            for value in ("", "DISCRETE", 1, None, ["sde"], "__class__"):
                yield Case("settings", "choice", f"{name} = {value!r}", {name: value})
    yield Case("settings", "together", "order 2 of an ODE", {"mode": "ode", "order": 2})
    yield Case("settings", "together", "empty mix", {"loss": "mix", "mix_text": 0, "mix_same": 0})
    yield Case("settings", "number", "a seed of 5000 digits", {"seed": 10**5000})
    yield Case("settings", "number", "half a step", {"sampling_steps": 7.5})
    yield Case("settings", "unknown", "another field", {"model": "/etc/passwd"})
    yield Case("settings", "unknown", "a field of half a letter", {"\ud83d": 1})


def texts() -> Iterator[Case]:
    """Prompts of any length and script."""
    for name, text in {
        "nothing": "",
        "spaces": " \t\n ",
        "only what nobody sees": "\0\x01\u200b\u202e\ufeff",
        "301 letters": "x" * 301,
        "a million letters": "x" * 10**6,
        "a million half letters": "\ud800" * 10**6,
    }.items():
        yield Case("text", "prompt", name, text)
    for name, text in {
        "300 letters": "x" * 300,
        "Japanese": "赤い髪の顔",
        "Arabic": "وجه بشعر أحمر",
        "Hindi": "लाल बालों वाला चेहरा",
        "emoji": "👩‍🦰" * 20,
        "turned around": "a face \u202edrah der htiw",
        "half a letter": "a \ud83d face",
        "zero byte": "a\0face",
        "terminal colours": "\x1b[31ma face\x1b[0m",
        "many accents": "a" + "\u0301" * 200,
        "markup": "<script>alert(1)</script>",
        "a template": "{{7*7}} ${7*7} %s %n {0.__class__}",
        "SQL": "'; drop table runs; --",
        "a path": "../../../../etc/passwd",
        "not a character": "a \uffff\ufdd0 face",
        "private": "a \ue000 face",
        "one word of 300 letters": "antidisestablishment" * 15,
        "more words than are read": "a red hat " * 30,
    }.items():
        yield Case("text", "prompt", name, text, "taken")


def links() -> Iterator[Case]:
    """Query parameters of a link."""
    for name, query in {
        "an example out of the folder": {"image": "../../etc/passwd"},
        "an address": {"image": "http://127.0.0.1/a.png"},
        "zero byte": {"image": "a\0b"},
        "steps beyond": {"sampling_steps": "5000"},
        "not a number": {"noise_level": "nan"},
        "for ever": {"z_rate": "inf"},
        "hexadecimal": {"seed": "0x10"},
        "a seed of 5000 digits": {"seed": "9" * 5000},
        "another goal": {"loss": "magic"},
        "version 9": {"version": "9"},
        "a long prompt": {"prompt": "x" * 100_000},
        "markup": {"loss": "<script>alert(1)</script>"},
        "half a letter": {"mode": "\ud83d"},
        "an empty seed": {"seed": ""},
        "order 2 of an ODE": {"order": "2", "mode": "ode"},
    }.items():
        yield Case("link", "query", name, query)
    yield Case(
        "link", "query", "somebody else's parameters", {"__theme": "dark", "__class__": "x", "a": "b" * 1000}, "taken"
    )


def file_paths() -> Iterator[Case]:
    """Values in place of an uploaded file."""
    for name, path in {
        "passwords": "/etc/passwd",
        "up and up": "../../../../etc/passwd",
        "this code": "app.py",
        "process": "/proc/self/environ",
        "endless": "/dev/zero",
        "waiting": "/dev/stdin",
        "home": "~/.ssh/id_rsa",
        "a folder": "/",
        "Windows": "C:\\Windows\\win.ini",
        "another machine": "\\\\host\\share\\a.png",
        "address": "http://127.0.0.1:1/a.png",
        "metadata of a cloud": "http://169.254.169.254/latest/meta-data/",
        "file address": "file:///etc/passwd",
        "shouted address": "FILE:///etc/passwd",
        "gopher": "gopher://127.0.0.1:1/_x",
        "data": "data://text/plain;base64,aGk=",
        "zero byte": "a.png\0.txt",
        "very long": "a/" * 5000,
        "nothing": "",
        "half a letter": "\ud83d.png",
    }.items():
        yield Case("file path", "path", name, {"path": path})
        if "://" in path:
            yield Case("file path", "path and url", name, {"path": "a.png", "url": path})
    for name, file in {
        "text": "/etc/passwd",
        "number": 5,
        "list": ["/etc/passwd"],
        "no path": {"url": "http://a"},
    }.items():
        yield Case("file path", "shape", name, file)
    for name, path in {"number": 5, "list": ["/etc/passwd"], "object": {"path": "/etc/passwd"}}.items():
        yield Case("file path", "shape", f"path is a {name}", {"path": path})


def api_parameters() -> Iterator[Case]:
    """Parameters of the endpoint `steer`, with a valid image."""
    for name, asked in {
        "no prompt": {"prompt": ""},
        "prompt is a list": {"prompt": ["a"]},
        "prompt is an object": {"prompt": {"path": "/etc/passwd"}},
        "too many steps": {"optimisation_steps": 10**6},
        "steps below": {"sampling_steps": -1},
        "steps in words": {"sampling_steps": "all"},
        "steps of a list": {"sampling_steps": [8]},
        "a rate of text": {"z_rate": "fast"},
        "noise of an object": {"noise_level": {"$gt": 0}},
        "another goal": {"loss": "joy"},
        "a goal of null": {"loss": None},
        "another method": {"gradient": "__import__"},
        "another mode": {"mode": "SDE"},
        "order 3": {"order": 3},
        "a seed beyond": {"seed": 2**64},
        "a seed below": {"seed": -1},
        "no second face": {"loss": "identity"},
        "a morph": {"loss": "morph"},
        "second is a path": {"loss": "identity", "second": {"path": "/etc/passwd"}},
        "second is an address": {"loss": "identity", "second": {"path": "http://127.0.0.1:1/"}},
        "no picture": {"image": None},
        "a parameter that is not there": {"model": "/etc/passwd"},
        "zoom beyond": {"crop_zoom": 1e9},
        "turned too far": {"crop_turn": 1e308},
    }.items():
        yield Case("API parameter", "steer", name, asked)


def requests() -> Iterator[Case]:
    """Whole requests: (method, path, options of httpx)."""
    for path in (
        "file=/etc/passwd",
        "file=app.py",
        "file=../../etc/passwd",
        "file=%2e%2e%2f%2e%2e%2fetc/passwd",
        "file=http://127.0.0.1:1/",
        "file=file:///etc/passwd",
        "file=/proc/self/environ",
        "file/etc/passwd",
        "proxy=http://127.0.0.1:1/",
        "proxy=http://169.254.169.254/",
        "run-history/records",
        "profiling/traces",
        "vibe-code/",
        "deep_link?session_hash=a",
        "custom_component/1/server/component/../../../app.py",
        "stream/a/b/c/playlist.m3u8",
        "call/steer/nobody",
        "queue/data",
    ):
        yield Case("request", "read", path, ("GET", f"/gradio_api/{path}", {}))
    for path in ("/monitoring", "/monitoring/summary", "/static/..%2f..%2fapp.py", "/assets/%2e%2e/app.py", "/.env"):
        yield Case("request", "read", path, ("GET", path, {}))
    deep = b'{"data":' + b"[" * 100_000
    for name, path, options in (
        ("no event", "queue/join", {"json": {"fn_index": 9999, "data": [], "session_hash": "x"}}),
        ("event below", "queue/join", {"json": {"fn_index": -1, "data": [], "session_hash": "x"}}),
        ("event of text", "queue/join", {"json": {"fn_index": "a", "data": [], "session_hash": "x"}}),
        ("no session", "queue/join", {"json": {"fn_index": 0, "data": []}}),
        ("nothing", "queue/join", {"content": b""}),
        ("no JSON", "queue/join", {"content": b"{", "headers": {"content-type": "application/json"}}),
        ("lists in lists", "queue/join", {"content": deep, "headers": {"content-type": "application/json"}}),
        ("too long", "queue/join", {"content": b"[" + b"1," * 2**20, "headers": {"content-type": "application/json"}}),
        ("no endpoint", "call/format_disk", {"json": {"data": []}}),
        ("too few values", "call/steer", {"json": {"data": "abc"}}),
        ("a list", "call/v2/steer", {"json": [1]}),
        ("no picture", "call/v2/steer", {"json": {"prompt": "a"}}),
        ("unknown parameter", "call/v2/steer", {"json": {"no_such": 1}}),
        ("straight", "run/steer", {"json": {"data": []}}),
        ("private", "run/look", {"json": {"data": [{"path": "/etc/passwd"}, 1, 0, 0, 0]}}),
        (
            "a server's function",
            "component_server",
            {"json": {"session_hash": "s", "component_id": 1, "fn_name": "x", "data": []}},
        ),
        ("a recording", "process_recording", {"files": {"video": b"x"}}),
        ("an edit", "vibe-edit/", {"json": {"prompt": "add a shell"}}),
        ("upload of nothing", "upload", {"content": b""}),
        ("upload without a form", "upload", {"content": bytes(100)}),
        ("upload too large", "upload", {"files": {"files": ("a.png", bytes(21 * 2**20))}}),
        ("many uploads at once", "upload", {"files": [("files", (f"{k}.png", bytes(2**20))) for k in range(25)]}),
        (
            "a form without an end",
            "upload",
            {"content": b"--x\r\n", "headers": {"content-type": "multipart/form-data; boundary=x"}},
        ),
    ):
        yield Case("request", "write", name, ("POST", f"/gradio_api/{path}", options))


def forge_forms() -> dict[str, dict[str, Any]]:
    """The supported formats, with options that make files long enough to be truncated."""
    return {"PNG": {}, "JPEG": {}, "WEBP": {}, "GIF": {"mode": "P"}, "BMP": {}, "TIFF": {"compression": "tiff_lzw"}}


def _flipped(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(8):
        changed[dice.randrange(4, len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _resized(jpeg: bytes, width: int, height: int) -> bytes:
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4 :]


def _zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo("../../evil.py"), "print(1)")
    return stream.getvalue()


def _sixteen(form: str) -> bytes:
    stream = io.BytesIO()
    Image.frombytes("I;16", (32, 32), bytes(range(256)) * 8).save(stream, form)
    return stream.getvalue()


def _moving(form: str) -> bytes:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "green", "blue")]
    stream = io.BytesIO()
    frames[0].save(stream, form, save_all=True, append_images=frames[1:])
    return stream.getvalue()


def _lab() -> bytes:
    stream = io.BytesIO()
    Image.new("LAB", (32, 32), (128, 128, 128)).save(stream, "TIFF")
    return stream.getvalue()
