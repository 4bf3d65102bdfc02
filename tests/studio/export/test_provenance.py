import io
import xml.etree.ElementTree as xml

import pytest
from PIL import Image

from studio.export.metadata import KEY, to_png
from studio.export.provenance import SENTENCE, SOURCE_TYPE, exif, xmp
from studio.export.video import mp4, webp

FRAMES = [Image.new("RGB", (64, 64), (level, 0, 255 - level)) for level in (0, 80, 160)]
TYPE = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"


def source_type(packet: str | bytes) -> str:
    """The source type in an XMP packet."""
    found = xml.fromstring(packet).iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
    return next(found).attrib[TYPE]


def test_the_packet_is_xml_and_names_the_source_type() -> None:
    assert source_type(xmp()) == SOURCE_TYPE


@pytest.mark.parametrize("written", [None, {"settings": {}}])
def test_a_png_has_the_note_as_text_exif_and_xmp_with_and_without_settings(written: dict[str, object] | None) -> None:
    image = Image.open(io.BytesIO(to_png(FRAMES[0], written)))
    assert image.text["Description"] == SENTENCE
    assert image.getexif()[0x010E] == SENTENCE
    assert source_type(image.text["XML:com.adobe.xmp"]) == SOURCE_TYPE
    assert (KEY in image.text) == (written is not None)
    assert image.tobytes() == FRAMES[0].tobytes()


def test_a_webp_has_the_note() -> None:
    film = Image.open(io.BytesIO(webp(FRAMES)))
    assert film.getexif()[0x010E] == SENTENCE
    assert source_type(film.info["xmp"]) == SOURCE_TYPE


def test_an_mp4_has_the_note() -> None:
    av = pytest.importorskip("av")
    with av.open(io.BytesIO(mp4(FRAMES))) as film:
        assert SENTENCE in film.metadata["comment"]
        assert SOURCE_TYPE in film.metadata["comment"]


def test_the_exif_holds_only_the_note() -> None:
    tags = Image.Exif()
    tags.load(exif())
    assert set(tags) == {0x010E, 0x0131}
