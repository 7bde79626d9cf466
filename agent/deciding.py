"""How a turn ends, where that is decided before, beside or after a draft. Reads the state and changes nothing."""

import re

from agent.authority import is_subverted
from agent.checking.check import Checked
from agent.choosing import which
from agent.filling.machine import MOST_MISSES, Step
from agent.language.concepts import told
from agent.language.facts import facts
from agent.language.phrases import LANGUAGES, Key, say
from agent.language.words import tokens, words
from agent.reading import burst as reading
from agent.reading.parts import wants_something
from agent.reading.proposing import asks
from agent.state import Ending, State
from sahut.toolcall import ToolCall
from sahut.turn import Reason, Screening, Turn

WANTS_HUMAN = 0.5
DISTRESS = 0.5
ABUSE = 0.5
FLOODED = "sent very many messages at once"
SMALL_TALK_CHARACTERS = 300
QUESTION_CHARACTERS = 200
# Kinds that WhatsApp tells us nothing of: polls, pictures to be seen once.
UNSEEN = {"unsupported", "unknown"}
PLEASE_TYPE: Key = "please_type"
UNSUPPORTED: Key = "unsupported_kind"
# Below this the documents do not hold the answer, whatever a model says.
ANSWERABLE_FLOOR = 0.1
# Below both of these a question has nothing to do with what the documents are about: of 576 questions in scope, 63 of
# which they do not answer, none is; of 49 others, in five languages, 23 are.
OUT_OF_SCOPE_ANSWERABLE, OUT_OF_SCOPE_PASSAGE = 0.15, 0.1
# From this probability on the search serves the question's language too badly to tell.
STRAINED = 0.5
_SENTENCE_END = re.compile(r"[.!?]\s")


def hand_off(reason: Reason) -> Ending:
    """To a human."""
    return Ending("hand_off", reason=reason)


def in_distress(language: str) -> Ending:
    """To a human at once, with a word that does not pretend to be one."""
    return Ending("hand_off", say("acknowledgement_distress", language), reason="sensitive")


def flagged(screening: Screening) -> Screening:
    """The screening of a flood: at best unsure, so that nothing is done in its name and operators see it."""
    verdict = screening.verdict
    label = "unsure" if verdict.label == "fine" else verdict.label
    raised = verdict.model_copy(update={"label": label, "reasons": (FLOODED, *verdict.reasons)})
    return screening.model_copy(update={"verdict": raised})


def without_text(kinds: set[str]) -> Ending:
    """How a burst ends in which there is nothing to read."""
    if kinds <= reading.SILENT_KINDS:
        return Ending("silent")
    return Ending("clarify") if kinds <= reading.SILENT_KINDS | {"text"} else hand_off("media")


def please_write(turn: Turn, language: str) -> Ending | None:
    """What only a writer can mend: a voice note that nobody here hears, a kind that WhatsApp keeps from us.

    It is asked for once: a second voice note is listened to by a human, a second poll is left to stand.
    """
    kinds = {message.kind for message in turn.burst} - reading.SILENT_KINDS
    for unread, key, after in (({"audio"}, PLEASE_TYPE, hand_off("media")), (UNSEEN, UNSUPPORTED, Ending("silent"))):
        if kinds and kinds <= unread:
            asked = reading.last_said(turn) in {say(key, code) for code in LANGUAGES}
            return after if asked else Ending("clarify", say(key, language))
    return None


def told_off(state: State, texts: tuple[str, ...], answer: str | None) -> Ending | None:
    """How a burst ends that only says no to our question, or presses a button of one that waits no more."""
    if texts:
        return None
    if answer == "no":
        return Ending("reply", say("cancelled", state["language"]))
    closed = answer is None and reading.taps_closed_question(state["turn"])
    return Ending("clarify", say("closed_question", state["language"])) if closed else None


def refusal(calls: list[ToolCall], language: str) -> Ending | None:
    """How a turn ends in which a tool itself refused, or a rule that only people can answer for."""
    told = next((call.answer for call in calls if call.state == "refused" and call.answer), "")
    if told:
        return Ending("reply", told)
    denied = {call.denied for call in calls} & {"identity", "per_day"}
    if not denied:
        return None
    return Ending("hand_off", say("acknowledgement_identity", language) if "identity" in denied else "", reason="rule")


def without_search(state: State, texts: tuple[str, ...]) -> Ending | None:
    """How a burst ends that no document can answer: STOP, a wish for a person, a doubt, or a note taken."""
    if reading.opts_out(state["turn"]):
        return Ending("reply", say("opted_out", state["language"]), aside="opt_out")
    if state["screening"].wants_human >= WANTS_HUMAN:
        return hand_off("asked_for_human")
    if reading.objects(state["turn"], texts):
        return hand_off("low_confidence")
    return _aside(state, texts) if reading.is_aside(state["turn"]) else None


def _aside(state: State, texts: tuple[str, ...]) -> Ending:
    """A word back where words were written; emoji, and what follows our word back, are left to stand."""
    turn, language = state["turn"], state["language"]
    text = small_talk(state, texts)
    if not reading.last_said(turn):
        return Ending("reply", say("greeting", language, organisation=turn.guidance.organisation))
    silent = not any(map(reading.says_something, texts)) or reading.last_said(turn) == text
    return Ending("silent") if silent else Ending("reply", text)


def small_talk(state: State, texts: tuple[str, ...]) -> str:
    """The word back for a greeting, thanks or a goodbye."""
    turn, language = state["turn"], state["language"]
    kinds = [kind for text in reversed(texts) if (kind := reading.small_talk(text))]
    return say(kinds[0] if kinds else "thanks_reply", language, organisation=turn.guidance.organisation)


def without_weighing(state: State, checked: Checked, text: str) -> Ending | None:
    """How a draft ends whose likelihood need not be weighed."""
    draft = state["draft"]
    if draft.decision == "clarify":
        return _question_back(state, text)
    if draft.decision != "reply":
        return unanswered(state, draft.reason or "no_answer")
    if draft.small_talk and _is_small_talk(state, text):
        return Ending("reply", text)
    if not checked.support:
        return unanswered(state, "no_answer")
    proven = all(sentence.tools for sentence in checked.sentences)
    return Ending("reply", text, sentences=checked.sentences) if proven else None


def _question_back(state: State, text: str) -> Ending:
    """A model's question, where it is no more than a question and we have not just asked one."""
    if "otherwise" in state:
        return unanswered(state, "no_answer")
    if reading.asked(state["turn"]):
        return hand_off(state["draft"].reason or "no_answer")
    if state["draft"].choices:
        return which(state["draft"].choices, state["language"])
    one = text.endswith("?") and len(text) <= QUESTION_CHARACTERS and not _SENTENCE_END.search(text)
    return Ending("clarify", text) if one else unanswered(state, state["draft"].reason or "no_answer")


def _is_small_talk(state: State, text: str) -> bool:
    """Whether a model's word for it can be taken: nothing was there to be answered, and nothing is claimed."""
    found = state["found"]
    idle = not found.passages or found.answerable < ANSWERABLE_FLOOR or reading.small_talk(state["message"]) is not None
    claims = facts(text) or _answers(text, state["message"])
    return idle and 0 < len(text) <= SMALL_TALK_CHARACTERS and not claims


def _answers(text: str, message: str) -> bool:
    """Whether what a model calls small talk answers the message: whoever asks or requests gets words with a source.

    It does, too, where it agrees or refuses, or speaks of what the message speaks of ("cancel my order").
    """
    opening = tuple(tokens(text)[:1])
    agrees = any(opening in words(kind) for kind in ("yes", "no"))
    return agrees or wants_something(message) or bool(told(text) & told(message))


def unanswered(state: State, reason: Reason) -> Ending:
    """No answer can be sent: on with the form, or ask back where hardly anything was said, else a human."""
    turn = state["turn"]
    if "otherwise" in state and reason in ("no_answer", "low_confidence"):
        return asked_again(state["otherwise"])
    if turn.rated and not is_subverted(state) and not _is_question(state["message"]):
        return Ending("reply", say("comment_thanks", state["language"]), aside="comment")
    if state.get("trouble"):
        return hand_off("model_failed")
    if is_subverted(state):
        return hand_off("rule")
    leans = state["question"] != state["message"] or reading.asked_back(turn)
    return hand_off(reason) if leans else _asked_back(state, reason)


def _asked_back(state: State, reason: Reason) -> Ending:
    """A plea where hardly anything was said, a word where it is nobody's here to answer, else a human."""
    if reading.is_brief(state["message"]):
        return Ending("clarify", say("clarify", state["language"]))
    if reason in ("no_answer", "low_confidence") and is_out_of_scope(state):
        organisation = state["turn"].guidance.organisation
        return Ending("clarify", say("out_of_scope", state["language"], organisation=organisation))
    return hand_off(reason)


def is_out_of_scope(state: State) -> bool:
    """Whether the question is nobody's here to answer: far from every passage. A human sees it if it comes again.

    Where the search could not look at meanings, or hardly understands them, or has no documents, nothing is known.
    """
    found = state.get("found")
    if found is None or not found.passages or state.get("parts"):
        return False
    if not found.features.get("dense", 0.0) or found.features.get("strained", 0.0) >= STRAINED:
        return False
    best = max(passage.score for passage in found.passages)
    far = found.answerable < OUT_OF_SCOPE_ANSWERABLE and best < OUT_OF_SCOPE_PASSAGE
    return far and not reading.declined(state["turn"])


def asked_again(step: Step) -> Ending:
    """The form's open question once more; a human after too many answers that could not be used."""
    if step.filling.misses >= MOST_MISSES:
        return Ending("hand_off", reason="rule", step=Step(step.filling.model_copy(update={"misses": 0})))
    return Ending("clarify", step=step)


def _is_question(message: str) -> bool:
    return "?" in message or asks(message)
