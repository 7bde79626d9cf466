"""Tells the model which of the organisation's files may be sent, and which of them the customer's words name.

It puts names into the cards of the tools that send; whether a file goes out is theirs to say. Must not know where a
file lies.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from agent.language.words import tokens, words
from agent.reading.proposing import asks
from sahut.brief import Brief
from sahut.models import Attachment
from sahut.ports import Embedder
from sahut.toolcall import ToolCard

# Which kind of file each tool sends.
SENDS = {"send_document": "document", "send_image": "image"}
MOST_NAMES = 30
# Cosine of the message and a name from which the words mean that file, where no telling word of it was written.
NAMES_IT = 0.6
# A word of a name is written where the message has one that begins alike ("formulirnya").
_STEM = 5
_ASKING = (
    "kirim {name} dong",
    "boleh minta {name}",
    "tolong kirimkan {name}",
    "can you send me the {name}",
    "please send me the {name}",
    "pode me enviar {name}",
    "¿me puede enviar {name}?",
    "getið þið sent mér {name}",
)


async def with_files(brief: Brief, files: Sequence[Attachment], embedder: Embedder) -> Brief:
    """The brief with the names of files in the tools that send them; without those tools where there is no file."""
    cards = [await _with_names(card, files, brief, embedder) for card in brief.tools]
    return brief.model_copy(update={"tools": tuple(card for card in cards if card)})


async def _with_names(card: ToolCard, files: Sequence[Attachment], brief: Brief, embedder: Embedder) -> ToolCard | None:
    if card.name not in SENDS:
        return card
    mine = [file for file in files if file.kind == SENDS[card.name]]
    if not mine:
        return None
    ranked, named = await _ranked(mine, brief, embedder)
    choices: dict[str, Any] = {"type": "string", "enum": [file.name for file in ranked[:MOST_NAMES]]}
    if not named or asks(brief.turn.text):
        return card.model_copy(update={"parameters": _with(card, choices), "examples": ()})
    asking = [template.format(name=name) for name in ranked[0].names for template in _ASKING]
    parameters = _with(card, {**choices, "default": ranked[0].name})
    return card.model_copy(update={"parameters": parameters, "examples": (*card.examples, *asking)})


def _with(card: ToolCard, choices: dict[str, Any]) -> dict[str, Any]:
    return {**card.parameters, "properties": {**card.parameters["properties"], "name": choices}}


async def _ranked(files: Sequence[Attachment], brief: Brief, embedder: Embedder) -> tuple[list[Attachment], bool]:
    """The files, nearest to what the customer wrote first, and whether their words name that first one.

    Of two files that the message names alike ("the form"), the question before it decides.
    """
    said, asked = brief.turn.text, brief.question
    vectors = await embedder.embed([said, asked, *(name for file in files for name in file.names)])
    likeness, at = vectors[2:] @ vectors[:2].T, 0
    scores: list[tuple[float, float]] = []
    for file in files:
        near = likeness[at : at + len(file.names)]
        at += len(file.names)
        written = max(_written(name, said) for name in file.names)
        before = max(_written(name, asked) for name in file.names)
        scores.append((written + float(near[:, 0].max()) * (written == 0), before + float(near[:, 1].max())))
    order = sorted(range(len(files)), key=lambda n: (round(scores[n][0], 1), scores[n][1]), reverse=True)
    best = scores[order[0]]
    written = max(_written(name, said) for name in files[order[0]].names)
    return [files[n] for n in order], bool(written > 0 or best[0] >= NAMES_IT)


def _written(name: str, text: str) -> float:
    """The share of a name's telling words that the text has."""
    small = {word for phrase in words("small") for word in phrase}
    telling = [word for word in tokens(name) if len(word) > 2 and word not in small]
    row = tokens(text)
    found = [word for word in telling if any(other[:_STEM] == word[:_STEM] for other in row if len(other) > 2)]
    return float(np.divide(len(found), max(1, len(telling))))
