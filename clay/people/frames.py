"""The sentences around the words of `clay.people.wordings`: descriptions, requests and commands, separated by "|".

`{x}` is replaced by the words, `{n}` by the words without an article, and `{v}`, `{vs}`, `{ving}` by forms of a verb.
The other slots are in `SLOTS`. Subjects are drawn at random and independently of the image, so that "man", "woman" and
the like have no meaning to the model.
"""

SLOTS: dict[str, str] = {
    "noun": """face | person | man | woman | guy | girl | boy | lady | gentleman | dude | fellow | portrait
        | picture | photo | image | head | human | character | clay face | people | men | women | faces | guys
        | girls""",
    "d": "a | the | this | that | one",
    "s": """{d} {noun} | {d} {noun} | {d} {noun} | {noun} | he | she | they | someone | somebody
        | {d} portrait of {d} {noun} | {d} picture of {d} {noun} | {d} photo of {d} {noun} | {d} face of {d} {noun}""",
    "o": "him | her | them | it | {d} {noun} | someone",
    "p": "his | her | their | the | this {noun}'s | the {noun}'s | my | your | that",
    "place": "{p} face | {p} head | {p} {noun}",
    "garment": "shirt | shirt | t-shirt | tshirt | top | sweater | jumper | pullover | hoodie | blouse",
    "headgear": "hat | hat | beanie | cap | woolly hat | knitted hat | winter hat",
}

_HAVE = """{x} | {x} | {n} | {n} | {n} | add {n} | {s} with {x} | {s} with {x} | {s} has {x} | {s} who has {x}
    | {s} having {x} | {x} on {o} | {x} for {o} | give {o} {x} | add {x} | add {x} to {o} | put {x} on {o}
    | i want {x} | i want {o} with {x} | make {o} have {x} | let {o} have {x} | {s} should have {x} | with {x}
    | show {x} | show {o} with {x} | {s} gets {x} | change it to {x} | there is {x} | could {s} have {x}
    | {s} and {p} {n} | {s} has got {x} | {s} that has {x} | try {x} | {x} on {place} | {o} with {x} | {s} : {n}
    | {n} , {noun} | can you add {x} | we see {x} | {s} needs {x} | now with {x} | {s} , {x}"""
_WEAR = """{s} wearing {x} | wearing {x} | {s} wears {x} | {s} who wears {x} | {s} in {x} | let {o} wear {x}
    | wear {x} | make {o} wear {x} | {s} puts {x} on | put on {x} | put {x} on | {s} should wear {x}
    | {s} is wearing {x} | {n} on | {s} wore {x} | {x} on {p} eyes | {x} on {p} nose | {s} has {x} on
    | dress {o} in {x} | {s} is in {x}"""
_GROW = """grow {x} | {s} grows {x} | let {o} grow {x} | {s} is growing {x} | {s} grew {x} | {x} on {p} chin
    | {x} on {p} cheeks | {x} on {p} lip | {x} grows on {o} | draw {x} on {o}"""
_LACK = """no {n} | no {n} | no {n} | without {n} | without a {n} | without a {n} | not a {n} | {s} without {n}
    | {s} without a {n} | {s} with no {n} | {s} has no {n} | {s} doesn't have a {n} | {s} does not have a {n}
    | {s} doesn't have {n} | {s} who has no {n} | {s} who doesn't have {n} | {s} hasn't got a {n} | remove {p} {n}
    | remove {n} | remove {p} {n} from {o} | get rid of {p} {n} | take away {p} {n} | lose {p} {n}
    | {s} lost {p} {n} | delete {p} {n} | {n} removed | {n} gone | not a {n} | not {n} | {s} not having {n}
    | {s} but no {n} | there is no {n} | make {o} have no {n} | no more {n} | i don't want a {n} | i want no {n}
    | don't give {o} a {n} | {s} minus {p} {n} | {s} never has a {n} | less {n} | {s} shouldn't have a {n}
    | free of {n} | {p} {n} is gone | {p} {n} disappears | {s} who is without {n} | erase {p} {n} | drop {p} {n}
    | clear away {p} {n} | {s} has not got {n} | no {n} on {o} | no {n} on {place} | without {n} on {place}
    | with no {n} | {s} isn't with a {n} | {s} does without a {n} | instead of {n} nothing
    | {p} {n} should disappear | make {p} {n} disappear | {p} {n} has to go | {p} {n} should go | hide {p} {n}
    | make {p} {n} go away | take {p} {n} away | cut {p} {n} off | let {p} {n} disappear | {p} {n} must go"""
_UNWEAR = """not wearing a {n} | {s} not wearing a {n} | {s} isn't wearing a {n} | {s} who isn't wearing {n}
    | take off {p} {n} | take off {p} {n} | {s} is not wearing {n} | {s} doesn't wear a {n} | {s} does not wear {n}
    | take {p} {n} off | take {p} {n} off {o} | {s} takes off {p} {n} | {s} took {p} {n} off
    | {s} who doesn't wear {n} | stop wearing {n} | {n} off | {s} doesn't have {n} on | {s} with {p} {n} off
    | {s} has no {n} on | don't wear a {n} | {s} has taken {p} {n} off | pull off {p} {n} | take {n} from {place}
    | {s} wearing no {n}"""
_SHAVE = """shave off {p} {n} | shave {p} {n} off | shave {p} {n} | {s} shaved {p} {n} | shaved off {n}
    | shave {p} {n} away | {s} shaves off {p} {n} | {s} whose {n} is shaved off | cut off {p} {n}
    | no {n} on {p} chin"""
_BE = """{x} | {d} {x} {noun} | {x} {noun} | {x} {noun} | make {o} {x} | {s} is {x} | {s} who is {x} | {s} looks {x}
    | turn {o} {x} | i want {o} {x} | let {o} be {x} | {s} becomes {x} | {s} should be {x} | {s} looking {x}
    | look {x} | {s} , {x} | make {o} look {x} | {s} has to be {x} | {s} that is {x} | show {o} {x} | be {x}
    | {s} seems {x} | {s} : {x} | {s} of {d} {x} {noun} | turn {o} into {d} {x} {noun} | {s} feels {x} | he's {x}
    | she's {x} | they are {x}"""
_HAIR = """{x} hair | {x} hair | {s} with {x} hair | make {p} hair {x} | {s} has {x} hair | {s} whose hair is {x}
    | hair {x} | make {p} hair {x} | turn {p} hair {x} | {p} hair is {x} | {p} hair should be {x}
    | {x} haired {noun} | {x}-haired | {d} {x} haired {noun} | {d} {x}-haired {noun} | give {o} {x} hair
    | i want {x} hair | hair which is {x} | {x} hair on {o} | change {p} hair to {x} | let {p} hair be {x}
    | {s} gets {x} hair | make {o} have {x} hair | {s} , {x} hair | i want {p} hair {x} | hair : {x} | {p} {x} hair
    | change it to {x} hair | {x} , hair | {s} with hair that's {x}"""
_DYE = """dye {p} hair {x} | colour {p} hair {x} | color {p} hair {x} | change {p} hair colour to {x}
    | {x} hair colour | change {p} hair color to {x} | hair colour {x} | paint {p} hair {x} | hair dyed {x}
    | {s} with {x} dyed hair | {s} dyed {p} hair {x} | hair in {x} | {p} hair colour is {x} | {x} as hair color
    | {x} coloured hair"""
_CUT = """{x} hairstyle | {x} haircut | {s} with a {x} haircut | {p} hair cut {x} | wear {p} hair {x}
    | {p} hair worn {x} | style {p} hair {x} | keep {p} hair {x} | {s} with {p} hair {x}"""
_SKIN = """{x} skin | {x} skin | {s} with {x} skin | {s} has {x} skin | {x}-skinned {noun} | {d} {x} skinned {noun}
    | make {p} skin {x} | {p} skin is {x} | {x} complexion | {s} with a {x} complexion | give {o} {x} skin
    | skin tone {x} | {x} skin tone | {s} with a {x} skin tone | turn {p} skin {x} | i want {x} skin
    | {p} skin should be {x} | change {p} skin to {x} | {s} with skin that's {x} | {x} skin on {o} | {x}-skinned
    | {p} {x} skin"""
_DO = """{v} | {s} {vs} | {s} {vs} | make {o} {v} | let {o} {v} | have {o} {v} | {s} who {vs} | {s} should {v}
    | {vs} | i want {o} to {v} | can {s} {v} | {s} starts to {v} | {s} will {v} | {s} that {vs} | {s} begins to {v}
    | {noun} {vs}"""
_UNDO = """not {ving} | not {ving} | not {ving} | not {ving} | {s} not {ving} | {s} isn't {ving} | {s} is not {ving}
    | {s} does not {v} | {s} who doesn't {v} | stop {ving} | don't {v} | do not {v} | never {v} | {s} stops {ving}
    | make {o} stop {ving} | {s} without {ving} | {s} shouldn't {v} | no {ving} | {s} never {vs}
    | {s} who isn't {ving} | {s} has stopped {ving} | no longer {ving}"""
_IRIS = """{x} eyes | {x} eyes | {s} with {x} eyes | make {p} eyes {x} | {s} has {x} eyes | {s} whose eyes are {x}
    | eyes {x} | turn {p} eyes {x} | {p} eyes are {x} | {p} eyes should be {x} | {x}-eyed {noun} | {x} eyed {noun}
    | {d} {x} eyed {noun} | {d} {x}-eyed {noun} | {x}-eyed | give {o} {x} eyes | i want {x} eyes | eyes : {x}
    | change {p} eyes to {x} | change {p} eye colour to {x} | change {p} eye color to {x} | {x} eye colour
    | {p} eye color is {x} | {p} eye colour should be {x} | colour {p} eyes {x} | {s} gets {x} eyes
    | make {o} have {x} eyes | let {p} eyes be {x} | {x} irises | {s} with {x} irises | {s} , {x} eyes | {p} {x} eyes
    | {x} eyes on {o} | {x} coloured eyes | {s} with eyes that are {x} | {s} with {x} contact lenses | eyes in {x}
    | show {o} with {x} eyes | make both eyes {x}"""
_BEHIND = """{x} background | a {x} background | {s} on a {x} background | {s} with a {x} background
    | make the background {x} | the background is {x} | the background should be {x} | change the background to {x}
    | turn the background {x} | {s} in front of a {x} background | {s} in front of a {x} wall | {x} backdrop
    | {s} against a {x} backdrop | {s} against a {x} wall | a {x} wall behind {o} | {x} behind {o}
    | paint the wall {x} | paint the background {x} | colour the background {x} | color the background {x}
    | i want a {x} background | {s} with {x} behind {o} | background in {x} | background : {x}
    | {s} , {x} background | {s} before a {x} background | give {o} a {x} background | put {o} on a {x} background
    | set the background to {x} | {x} background colour | background color {x} | {x} wall
    | show {o} on a {x} background | let the background be {x} | {s} and a {x} background | {s} whose background is {x}
    | {s} with a {x} wall behind | a {x} coloured background | the wall behind {o} should be {x}"""
_CLOTHING = """{x} {garment} | a {x} {garment} | a {x} {garment} | {s} in a {x} {garment} | {s} wearing a {x} {garment}
    | {s} with a {x} {garment} | {s} wears a {x} {garment} | make {p} {garment} {x} | {p} {garment} is {x}
    | {p} {garment} should be {x} | change {p} {garment} to {x} | turn {p} {garment} {x} | {p} {x} {garment}
    | give {o} a {x} {garment} | put {o} in a {x} {garment} | i want a {x} {garment} | {garment} in {x}
    | colour {p} {garment} {x} | dye {p} {garment} {x} | let {o} wear a {x} {garment} | {garment} : {x}
    | {x} clothes | {x} clothes | {x} clothing | {s} in {x} clothes | {s} wearing {x} clothes | {s} with {x} clothes
    | {s} dressed in {x} | dress {o} in {x} | {s} in {x} | {s} wearing {x} | make {p} clothes {x}
    | {p} clothes are {x} | {p} clothes should be {x} | change {p} clothes to {x} | {s} has a {x} {garment}
    | {s} has a {x} {garment} on | {s} puts on a {x} {garment} | add a {x} {garment} | {s} , {x} {garment}
    | {s} whose {garment} is {x} | give {o} {x} clothes | show {o} in a {x} {garment}"""
_HEADWEAR = """{x} {headgear} | a {x} {headgear} | a {x} {headgear} | {s} in a {x} {headgear}
    | {s} wearing a {x} {headgear} | {s} with a {x} {headgear} | {s} wears a {x} {headgear} | make {p} {headgear} {x}
    | {p} {headgear} is {x} | {p} {headgear} should be {x} | change {p} {headgear} to {x} | turn {p} {headgear} {x}
    | {p} {x} {headgear} | give {o} a {x} {headgear} | put a {x} {headgear} on {o} | a {x} {headgear} on {p} head
    | i want a {x} {headgear} | {headgear} in {x} | colour {p} {headgear} {x} | let {o} wear a {x} {headgear}
    | {s} has a {x} {headgear} | {s} has a {x} {headgear} on | {s} puts on a {x} {headgear} | add a {x} {headgear}
    | {s} , {x} {headgear} | {s} whose {headgear} is {x} | {headgear} : {x} | show {o} in a {x} {headgear}
    | dye {p} {headgear} {x} | {x} {headgear} for {o} | wear a {x} {headgear}"""

FRAMES: dict[str, str] = {
    "thing": _HAVE,
    "worn": f"{_HAVE} | {_WEAR} | {_WEAR}",
    "grown": f"{_HAVE} | {_GROW}",
    "absent": _LACK,
    "unworn": f"{_LACK} | {_UNWEAR} | {_UNWEAR}",
    "unshaved": f"{_LACK} | {_SHAVE} | {_SHAVE}",
    "adjective": _BE,
    "colour": f"{_HAIR} | {_DYE}",
    "hair": f"{_HAIR} | {_CUT}",
    "skin": _SKIN,
    "verb": _DO,
    "unverb": _UNDO,
    "iris": _IRIS,
    "behind": _BEHIND,
    "clothing": _CLOTHING,
    "headwear": _HEADWEAR,
    "sentence": "{x}",
}

# words without a meaning of their own, which are inserted at random
FILLERS = """please | now | just | really | very | quite | so | also | too | again | at all | any | some | this
    | that | these | those | same | all | here | then | ever | only | still | even | rather | simply | big | little
    | small | whole | like | as | well | look | out | loud | up | down | there | him | her | his | she | he | me
    | you | we | us | would | could | can | may | might | should | must | want | need | see | try | of | for | to
    | on | in | is | are | be | been | was | were | and | but | or | if | more | most | much | bit | kind | own
    | other | both | each | day | time | today | yes | ok | hello | hi | image | picture | photo | become
    | became | turned | given | getting | what | how | something | thing | things | i'd | i'm | let's | it's
    | there's | when"""

# texts that describe no class of any attribute: `{c}` is a colour, `{w}` a word from outside the vocabulary
NOTHING = """{s} | {s} | {o} | {noun} | make {o} | give {o} | {s} with | {s} wearing | {s} is | {s} has | show {o}
    | i want {o} | {p} | {p} hair | {p} face | {p} eyes | {p} mouth | {p} chin | {p} skin | {p} hair colour
    | {s} with hair | {s} with eyes | change {p} hair | {s} with {red} eyes | {red} eyes | make {p} eyes {red}
    | {red} eyed {noun} | {p} eyes are {red} | {s} has {red} eyes | {c} | {c} | {s} on a {dull} background
    | {dull} background | make the background {dull} | {s} in a {dull} {garment} | make {p} {garment} {dull}
    | a {dull} {headgear} | {s} with a {dull} {headgear} | {p} {headgear} is {dull} | {p} background
    | {s} on a background | {s} in front of a wall | {s} in a {garment} | {garment} | {p} {garment} | {s} in clothes
    | change {p} eyes | change the background | not {c} eyes | {s} without {c} eyes | no {c} background
    | not a {c} background | not a {c} {garment} | {s} without a {c} {garment} | {p} {garment} is not {c}
    | {p} eyes are not {c} | the background is not {c} | {no}
    | {no} {o} | {s} {no} | {s} without | remove {o} | remove | take off | take {o} off | {s} who
    | {s} doesn't have | add | put on {o} | make {p} hair | dye {p} hair | {strange} hair | {s} with {strange} hair
    | make {p} hair {strange} | dye {p} hair {strange} | give {o} {strange} hair | {strange}-haired {noun}
    | {p} hair is {strange} | {odd} skin | {s} with {odd} skin | make {p} skin {odd} | {s} is {odd} | {size} {part}
    | {s} with {size} {part} | {s} with a {size} {part} | make {p} {part} {size} | {part} | {odd} face | {odd} beard
    | {s} with {odd} beard | not {c} hair | {s} without {dye} hair | {s} with no {dye} hair | hair that isn't {dye}
    | {s} doesn't have {dye} hair | no {dye} hair | {p} hair is not {dye} | {p} hair isn't {dye}
    | don't dye {p} hair {dye} | not {dye} hair | no {style} | {s} without {style} | {s} without a {style}
    | remove {p} {style} | {s} doesn't have a {style} | not a {style} | get rid of {p} {style} | not {mood}
    | {s} is not {mood} | {s} isn't {mood} | no longer {mood} | {s} not looking {mood} | not {tone} skin
    | {s} without {tone} skin | {p} skin is not {tone} | not {length} hair | {s} without {length} hair
    | {s} does not have {length} hair | not bald | {s} is not bald | {s} isn't bald | never bald | {w} | {w} | {w}
    | {w} {w} | {w} {w} | {w} {w} {w} {w} | a {w} | a {w} | the {w} | {s} with {w} | {s} with a {w}
    | {s} with {w} {w} | a {w} {w} | give {o} a {w} | make {o} {w} | make {o} a {w} | {w} hair | {s} with {w} hair
    | make {p} hair {w} | {w} skin | {s} is {w} | {d} {w} {noun} | {d} {w} {noun} | {w} {noun} | {s} {w} {w}
    | {s} wearing a {w} | {s} wearing {w} | put a {w} on {o} | no {w} | without {w} | {s} without a {w}
    | remove {p} {w} | take off {p} {w} | {s} in a {w} | add a {w} | {p} {w} | {p} {w} hair | {s} has {w}
    | {s} has a {w} {w} | {w} and {w} | {w} on {o} | turn {o} into a {w} | {w} in the {w} | i want {w} | {w} : {w}"""
SLOTS |= {
    "no": "no | not | without | never | doesn't | isn't | don't",
    "c": "red | black | brown | blue | green | grey | yellow | pink | purple | white | teal | orange",
    "red": "red | yellow | pink | purple | white | teal | orange | violet",
    "dull": "red | black | brown | grey | gray | dark red",
    "strange": "green | yellow | teal | orange | bright green | rainbow",
    "size": "big | small | little | wide | long | short | thick | large",
    "part": "nose | mouth | eyes | lip | chin | cheeks | head | face",
    "odd": "blue | green | red | pink | yellow | purple | teal | orange",
    "dye": "red | black | brown | blonde | blond | blue | pink | grey | gray | ginger | dark",
    "style": "bun | bob | quiff | mohawk | afro | pigtails | curls | mohican | buzz cut",
    "mood": "sad | surprised | unhappy | shocked | calm | neutral | astonished",
    "tone": "dark | pale | tanned | fair | brown | light",
    "length": "long | short | curly | buzzed",
}
