"""What people call each class of each attribute, by the frames of `clay.people.frames` that the words fit into.

Alternatives are separated by "|". The kinds of words:

    thing       "a bun", had by a person            colour      "red", of hair
    worn        "a hat", also put on                hair        "long", of hair
    grown       "a beard", also grown               skin        "pale", of skin
    absent      "smile", of which there is none     verb        "smile smiles", infinitive and third person
    unworn      the same, also taken off            unverb      "smile smiles smiling", which is not done
    unshaved    the same, also shaved off           sentence    complete texts, with slots
    adjective   "bald", of a person
    iris        "blue", of eyes                     behind      "blue", of a background
    clothing    "blue", of a shirt                  headwear    "blue", of a hat
"""

_GLASSES = "glasses | a pair of glasses | spectacles | a pair of spectacles | eyeglasses | specs | eyewear"
_SHADES = "sunglasses | dark sunglasses | a pair of sunglasses | shades | dark glasses | sun glasses | tinted glasses"
_HATS = "hat | beanie | cap | beanie hat | woolly hat | knitted hat | winter hat | headwear | woolen hat | hats"
_COLOURS = {
    "blue": "blue | light blue | sky blue | bright blue | bluish",
    "green": "green | light green | bright green | greenish",
    "yellow": "yellow | bright yellow | golden yellow | lemon yellow | yellowish",
    "pink": "pink | light pink | rose pink | bright pink | pinkish",
    "purple": "purple | violet | lilac | lavender | bright purple",
    "white": "white | off-white | snow white | pure white",
    "teal": "teal | turquoise | cyan | blue-green",
    "orange": "orange | bright orange | light orange | tangerine",
}
_BEARDS = "beard | moustache | mustache | goatee | stubble | facial hair | beard or moustache | full beard | beards"

WORDS: dict[str, dict[str, dict[str, str]]] = {
    "hair_colour": {
        "black": {"colour": "black | jet black | jet-black | raven black | pitch black | dark | very dark"},
        "brown": {
            "colour": "brown | dark brown | light brown | chestnut | chestnut brown | brunette | brownish",
            "adjective": "brunette",
            "sentence": "a brunette | {s} is a brunette | make {o} a brunette",
        },
        "blonde": {
            "colour": """blonde | blond | fair | golden | light blonde | platinum blonde | bleached blonde
                | golden blond""",
            "adjective": "blonde | blond",
            "sentence": "a blonde | blondes | {s} is a blonde | make {o} a blonde | bleach {p} hair",
        },
        "red": {
            "colour": "red | ginger | auburn | copper | bright red | dark red | reddish | copper red | ginger red",
            "adjective": "ginger | redheaded | red-headed | red headed",
            "sentence": "a redhead | redheads | {s} is a redhead | make {o} a redhead | a ginger",
        },
        "grey": {
            "colour": """grey | gray | silver | light grey | dark gray | greying | graying | silvery | silver grey
                | white"""
        },
        "blue": {"colour": "blue | bright blue | dark blue | light blue | bluish | electric blue"},
        "pink": {"colour": "pink | bright pink | hot pink | light pink | pinkish | rose pink"},
    },
    "hair_style": {
        "bald": {
            "thing": "no hair | a bald head | a shaved head | a hairless head",
            "adjective": "bald | hairless | bald-headed | bald headed | completely bald | balding",
            "sentence": """{s} without hair | {s} without any hair | without hair | hair removed | remove {p} hair
                | remove all hair | shave {p} head | shave {p} hair off | shave off {p} hair | {s} lost {p} hair
                | {s} has lost {p} hair | {s} loses {p} hair | {s} goes bald | {s} went bald | {s} does not have hair
                | {s} doesn't have any hair | take {p} hair off | take away {p} hair | get rid of {p} hair
                | hair gone | {s} has no hair left | baldness | {s} with {p} head shaved""",
        },
        "buzzed": {
            "thing": "a buzz cut | a buzzcut | a crew cut | a military haircut | a buzzed head",
            "hair": "buzzed | cropped | close-cropped | buzz cut | closely cropped",
            "sentence": "buzz {p} hair | crop {p} hair | buzz {p} head",
        },
        "short": {
            "thing": "a short haircut | a short cut | a short hairstyle",
            "hair": "short | shorter | quite short",
            "sentence": "shorten {p} hair | cut {p} hair | cut {p} hair shorter",
        },
        "quiff": {
            "thing": "a quiff | a pompadour | a quiff hairstyle | hair in a quiff | quiffed hair",
            "sentence": "style {p} hair into a quiff | {p} hair in a quiff",
        },
        "bob": {
            "thing": "a bob | a bob haircut | a bob cut | hair in a bob | a bob hairstyle | bobbed hair",
            "sentence": "cut {p} hair in a bob | {p} hair in a bob | style {p} hair as a bob",
        },
        "long": {
            "thing": "long locks | long flowing hair | a long hairstyle",
            "hair": "long | longer | very long | flowing | long flowing",
            "sentence": "grow {p} hair | grow {p} hair long | lengthen {p} hair | let {p} hair grow",
        },
        "bun": {
            "thing": """a bun | a hair bun | a top knot | a topknot | hair in a bun | a man bun | hair tied in a bun
                | buns""",
            "sentence": "put {p} hair in a bun | tie {p} hair in a bun | {p} hair up in a bun | {p} hair in a bun",
        },
        "afro": {
            "thing": "an afro | an afro hairstyle | afro hair | a large afro | an afro haircut | afros",
            "sentence": "turn {p} hair into an afro | style {p} hair as an afro",
        },
        "pigtails": {
            "thing": "pigtails | pig tails | a pigtail | hair in pigtails | a pair of pigtails | bunches",
            "sentence": "tie {p} hair in pigtails | put {p} hair in pigtails | {p} hair in two pigtails",
        },
        "mohawk": {
            "thing": "a mohawk | a mohican | a mohawk haircut | a punk haircut | a mohawk hairstyle | mohawks",
            "sentence": "style {p} hair as a mohawk | a punk | cut {p} hair into a mohawk",
        },
        "curly": {
            "thing": "curls | curly locks | ringlets | curly hair | curls in {p} hair",
            "hair": "curly | curled | wavy | curlier | very curly | frizzy",
            "sentence": "curl {p} hair | perm {p} hair",
        },
    },
    "facial_hair": {
        "none": {
            "unshaved": _BEARDS,
            "thing": """a clean-shaven chin | a smooth chin | a bare chin | a clean shave | a shaved chin
                | a smooth face""",
            "adjective": "clean-shaven | clean shaven | shaven | shaved | beardless | freshly shaved | cleanly shaven",
            "sentence": """shave | shave {o} | {s} shaves | {s} has shaved | {s} who shaved | not bearded
                | an unbearded face | {s} is not bearded | no beard or stubble | no beard and no moustache
                | not a bearded {noun}""",
        },
        "stubble": {
            "grown": """stubble | some stubble | designer stubble | a five o'clock shadow | a three-day beard
                | beard stubble""",
            "adjective": "stubbly | unshaven | unshaved",
        },
        "moustache": {
            "grown": """a moustache | a mustache | moustaches | a handlebar mustache | a big moustache
                | a thick mustache""",
            "adjective": "moustached | mustached | moustachioed",
        },
        "beard": {
            "grown": "a beard | a full beard | a big beard | a bushy beard | a thick beard | beards | a long beard",
            "adjective": "bearded | fully bearded",
        },
        "goatee": {"grown": "a goatee | a goatee beard | a small goatee | a chin beard | a pointed goatee | goatees"},
    },
    "skin_tone": {
        "fair": {
            "skin": "fair | pale | light | lighter | white | very fair | very pale | paler",
            "adjective": "pale | pale-faced",
        },
        "tan": {
            "skin": "tan | tanned | bronze | olive | suntanned | bronzed",
            "thing": "a tan | a suntan",
            "adjective": "tanned | suntanned",
        },
        "brown": {"skin": "brown | medium brown | brownish | light brown"},
        "dark": {"skin": "dark | darker | black | very dark | deep dark | dark brown"},
    },
    "glasses": {
        "none": {
            "unworn": f"{_GLASSES} | {_SHADES}".replace("a pair of ", ""),
            "sentence": "bare eyes | {s} who no longer wears glasses | no glasses or sunglasses",
        },
        "glasses": {"worn": f"{_GLASSES} | reading glasses | clear glasses", "adjective": "bespectacled"},
        "sunglasses": {"worn": f"{_SHADES} | a pair of shades | black sunglasses | cool sunglasses"},
    },
    "expression": {
        "neutral": {
            "thing": """a neutral expression | a straight face | a poker face | no expression | a serious expression
                | a calm expression | a blank expression | a neutral look | a calm look | a neutral mood""",
            "adjective": "neutral | calm | serious | expressionless | unsmiling | emotionless | relaxed | deadpan",
            "absent": "smile | grin | laugh | laughter",
            "unverb": "smile smiles smiling | laugh laughs laughing | grin grins grinning",
        },
        "smiling": {
            "thing": """a smile | a grin | a wide smile | a happy expression | a happy look | a broad grin
                | a friendly smile""",
            "adjective": "smiling | happy | grinning | cheerful | joyful | glad | happier | beaming | smiley | pleased",
            "verb": "smile smiles | grin grins | beam beams",
            "sentence": "cheer {o} up | happiness | smiles | {s} with {p} mouth smiling",
        },
        "surprised": {
            "thing": """a surprised expression | a look of surprise | a surprised look | a shocked expression
                | an astonished look | an amazed expression""",
            "adjective": "surprised | astonished | shocked | amazed | startled | stunned | in shock | more surprised",
            "verb": "gasp gasps",
            "sentence": "surprise {o} | shock {o} | surprise | astonish {o} | startle {o} | amaze {o}",
        },
        "sad": {
            "thing": "a frown | a sad expression | a sad look | an unhappy expression | tears | a gloomy expression",
            "adjective": """sad | unhappy | frowning | gloomy | upset | crying | miserable | depressed | sorrowful
                | sadder | weeping | tearful""",
            "verb": "frown frowns | cry cries | weep weeps | sob sobs",
            "sentence": "sadness | {s} in tears",
        },
        "laughing": {
            "thing": "a laugh | laughter | a laughing expression | a big laugh | a laughing mouth",
            "adjective": """laughing | giggling | chuckling | laughing loudly | laughing hard
                | roaring with laughter""",
            "verb": "laugh laughs | giggle giggles | chuckle chuckles | burst_into_laughter bursts_into_laughter",
            "sentence": "laughs | {s} had to laugh",
        },
    },
    "hat": {
        "no hat": {
            "unworn": _HATS,
            "adjective": "bareheaded | bare-headed | hatless",
            "thing": "a bare head | an uncovered head",
            "sentence": "uncover {p} head",
        },
        "hat": {
            "worn": """a hat | a beanie | a cap | a beanie hat | a woolly hat | a knitted hat | a winter hat | headwear
                | hats | a woolen hat""",
            "adjective": "hatted",
        },
    },
    "eye_colour": {
        "brown": {"iris": "brown | dark brown | deep brown | light brown | chestnut brown"},
        "blue": {"iris": "blue | light blue | bright blue | deep blue | sky blue | dark blue"},
        "green": {"iris": "green | bright green | deep green | emerald green | light green | dark green"},
        "grey": {"iris": "grey | gray | light grey | dark grey | silver grey | greyish"},
    },
    "background_colour": {name: {"behind": words} for name, words in _COLOURS.items()},
    "clothes_colour": {name: {"clothing": words} for name, words in _COLOURS.items()},
    "hat_colour": {name: {"headwear": words} for name, words in _COLOURS.items()},
}
