"""The note in every saved file that a generative model made part of it.

The machine-readable form is IPTC's digital source type, in XMP, which is where newsrooms, search engines and content
credentials look for it (https://cv.iptc.org/newscodes/digitalsourcetype/).
"""

from __future__ import annotations

from PIL import Image

SENTENCE = "AI-edited: changed by a diffusion model (AdjointDEIS Studio)."
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
SOFTWARE = "AdjointDEIS Studio"

_IMAGE_DESCRIPTION, _SOFTWARE = 0x010E, 0x0131
_XMP = f"""<?xpacket begin="\N{ZERO WIDTH NO-BREAK SPACE}" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    Iptc4xmpExt:DigitalSourceType="{SOURCE_TYPE}"
    xmp:CreatorTool="{SOFTWARE}">
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">{SENTENCE}</rdf:li></rdf:Alt></dc:description>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


def xmp() -> str:
    """The XMP packet; it is the same for every file and holds no personal data."""
    return _XMP


def exif() -> bytes:
    """The same note as EXIF."""
    tags = Image.Exif()
    tags[_IMAGE_DESCRIPTION], tags[_SOFTWARE] = SENTENCE, SOFTWARE
    return tags.tobytes()
