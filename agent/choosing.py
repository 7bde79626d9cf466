"""Asks which matter a question is about that does not say it and that several passages answer. Searches nothing."""

from agent.filling.questions import MOST_CHARACTERS
from agent.language.concepts import told
from agent.language.phrases import say
from agent.language.sought import held, sought
from agent.reading import burst as reading
from agent.state import Ending
from sahut.brief import Brief
from sahut.forms import MOST_BUTTONS, MOST_ROWS, ROW_TITLE
from sahut.found import Passage
from sahut.text import cut, utf16_length
from sahut.turn import Button, Menu, Row

# WhatsApp allows so much on a button.
_BUTTON_TITLE = 20
_FEWEST = 2
# What a line has beside its title: a break, the number, a stop, a space.
_NUMBERED = 5


def choices_of(brief: Brief) -> tuple[str, ...]:
    """The titles of the documents that a question may be about, best first; empty where it need not be asked.

    It is asked where the question names no subject ("How much is the fee?"), two documents or more speak of such a
    thing, and we have not just asked. Documents of one language only: no translation stands beside its original.
    """
    if not brief.passages or reading.asked_back(brief.turn) or not reading.names_no_subject(brief.question):
        return ()
    found = (passage for passage in brief.passages if not _is_question(passage))
    fitting = [passage for passage in found if _speaks_of(passage, brief.question)]
    if not fitting:
        return ()
    own = [passage for passage in fitting if passage.language == brief.language]
    spoken = [passage for passage in fitting if passage.language == fitting[0].language]
    titles: dict[str, str] = {}
    for one in own if len(_titles(own)) >= _FEWEST else spoken:
        titles.setdefault(cut(one.title, ROW_TITLE), one.title)
    return tuple(titles.values())[:MOST_ROWS] if len(titles) >= _FEWEST else ()


def which(choices: tuple[str, ...], language: str) -> Ending:
    """The question with its choices: each on a line of its own, and as buttons where they fit, else as a list.

    The lines have whole titles, which a row of the list has no room for, as far as the message holds them, and can be
    answered by number.
    """
    asked = say("which", language)
    room = (MOST_CHARACTERS - utf16_length(asked)) // len(choices) - _NUMBERED
    lines = (f"{number}. {cut(title, room)}" for number, title in enumerate(choices, start=1))
    text = "\n".join((asked, *lines))
    if len(choices) <= MOST_BUTTONS and all(utf16_length(title) <= _BUTTON_TITLE for title in choices):
        buttons = tuple(Button(id=f"choice-{at}", title=title) for at, title in enumerate(choices, start=1))
        return Ending("clarify", text, buttons=buttons)
    rows = tuple(Row(id=f"choice-{at}", title=cut(title, ROW_TITLE)) for at, title in enumerate(choices, start=1))
    return Ending("clarify", text, menu=Menu(button=say("form_list", language), rows=rows))


def _titles(passages: list[Passage]) -> set[str]:
    return {passage.title for passage in passages}


def _is_question(passage: Passage) -> bool:
    """Whether it stands in a sheet of questions and answers, whose title says nothing of what it is about."""
    return bool(passage.headings) and passage.headings[-1].rstrip().endswith("?")


def _speaks_of(passage: Passage, question: str) -> bool:
    """Whether a passage has what is asked for: a thing of the kind that is sought, or the question's own matter."""
    kinds = sought(question)
    above = ". ".join((passage.title, *passage.headings))
    return bool(kinds & held(passage.text)) or bool(told(question) & told(f"{above}. {passage.text}"))
