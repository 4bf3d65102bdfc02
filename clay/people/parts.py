"""`PARTS`: the parts of an image of a face, in the order of their numbers."""

PARTS = ("background", "skin", "hair", "eyes", "nose", "mouth", "jaw", "ears", "clothes")
"""Hair: also a hat and the bare scalp. Eyes: also lids, brows and glasses. Jaw: the skin on which a beard grows."""
