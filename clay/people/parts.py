"""`PARTS`: the parts of an image of a face, in the order of their numbers."""

PARTS = ("background", "skin", "hair", "eyes", "nose", "mouth", "jaw", "ears", "clothes")
"""Hair: also a hat and the bare scalp. Eyes: also lids, brows and glasses. Jaw: the skin on which a beard grows."""
PARTS_OF_ATTRIBUTES = {
    "hair_colour": ("hair", "mouth", "jaw"),
    "glasses": ("eyes",),
    "facial_hair": ("mouth", "jaw"),
    "expression": ("skin", "eyes", "nose", "mouth", "jaw"),
    "eye_colour": ("eyes",),
    "background_colour": ("background",),
    "clothes_colour": ("clothes",),
}
"""The parts in which the classes of an attribute differ. A beard has the colour of the hair. A hat and a hair style
also change what is behind them.
"""
