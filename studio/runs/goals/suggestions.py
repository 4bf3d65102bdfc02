"""`suggestion`: what a model with a closed vocabulary can make instead of a prompt that is none of its classes.

    unknown words beside a class       "neon pink hair"   the class of "pink hair"
    another value of an attribute      "a red hat"        the classes of the attribute, because "a teal hat" is one
    anything else                      "a parrot"         the attributes that the model has

A prompt is about an attribute if it means the class whose name replaces one of its words, for every class whose name
alone does not mean it.
"""

from __future__ import annotations

from collections.abc import Sequence

from losses import ClipEncoder
from studio.core.text import readable
from studio.models.interface import Model
from studio.runs.goals.alternatives import known_class

_MOST_WORDS, _FEWEST = 12, 3


def suggestion(prompt: str, model: Model) -> str:
    """One sentence; "" for a model with an open vocabulary or without CLIP.

    Args:
        prompt: a text that is no class of the model.
        model: its CLIP, `groups`, `classes` and `unknown_words` are used.
    """
    if model.unknown_words is None or model.clip is None:
        return ""
    encoder, unknown = ClipEncoder(model.clip, model.tokenizer), model.unknown_words(prompt)
    left = " ".join(word for word in prompt.split() if not model.unknown_words(word))
    if unknown and left and (meaning := _meanings([left], model, encoder)[0]) is not None:
        attribute, index = meaning
        return f"The rest of the prompt means “{model.classes[attribute][index]}” ({readable(attribute)})."
    found = _attributes(prompt, model, encoder)
    if found:
        return " ".join(f"{readable(name).capitalize()} can be {_listed(model.classes[name], 'or')}." for name in found)
    return f"The model can change {_listed([readable(name) for name in model.classes], 'and')}."


_Meaning = tuple[str, int] | None


def _meanings(texts: Sequence[str], model: Model, encoder: ClipEncoder) -> list[_Meaning]:
    """The class that each text means, as attribute and index."""
    found = (
        known_class(text, vector[None], model.groups, encoder)
        for text, vector in zip(texts, encoder.text(texts), strict=True)
    )
    return [None if one is None else (one.group, one.index) for one in found]


def _attributes(prompt: str, model: Model, encoder: ClipEncoder) -> list[str]:
    """The attributes that the prompt is about; none for a long prompt."""
    words, found = prompt.split(), []
    if len(words) > _MOST_WORDS:
        return []
    for attribute, names in model.classes.items():
        alone = enumerate(_meanings(names, model, encoder))
        kept = [(attribute, index) for index, meaning in alone if meaning != (attribute, index)]
        replaced = ([" ".join((*words[:i], names[k], *words[i + 1 :])) for _, k in kept] for i in range(len(words)))
        if len(kept) >= _FEWEST and any(_meanings(texts, model, encoder) == kept for texts in replaced):
            found.append(attribute)
    return found


def _listed(names: Sequence[str], last: str) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"
