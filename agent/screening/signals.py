"""What words and shapes of a message say about it, as named signals with reasons; knows no model, no thresholds.

Patterns are data (`data/screen_signals.toml`); what they cannot say (capitals, hidden letters, hosts) is code.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from agent.language.words import DATA

Kind = Literal["spam", "wants_human", "injection", "distress", "abuse"]

LONGEST_TEXT = 1000  # a longer one is read window by window, so that its cost grows no faster than it does
_STEP = 800  # windows overlap, or a sentence could hide between two
_MOST_TEXT = 4200  # what a message of WhatsApp may hold; of more, the first and the last part are read

_SHOUTED_SHARE = 0.7
_SHOUTED_LETTERS = 25
_DISGUISE = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "@": "a", "$": "s"})
_WORDLIKE = re.compile(r"[\w@$]+")
_SPACED_WORD = re.compile(r"\b(?:\w[ .\-_*]){3,14}\w\b")
_DIGIT_INSIDE = re.compile(r"[^\W\d_][0134578@$]|[0134578@$][^\W\d_]")
_INVISIBLE = re.compile("[\u200b\u200c\u2060\ufeff\u00ad]")
_HOST = re.compile(r"(https?://|www\.)?((?:[\w-]+\.)+(?:xn--[\w-]+|[a-z]{2,12}))\b(?::\d+)?(/\S*)?", re.IGNORECASE)
_FREE_HOSTS = re.compile(
    r"\.(blogspot|wordpress|weebly|jimdo|webs|wixsite|webnode|blogdetik|pusku|000webhostapp|yolasite|co\.vu|my\.id)\b"
    r"|\.(tk|ml|ga|cf|gq|xyz|top|click|buzz|icu|loan|win|bid|vip|cyou)$"
)
_BAIT_IN_HOST = re.compile(
    r"hadiah|undian|gebyar|poin|promo|bonus|prize|winner|claim|secure|verif|login|support|official|resmi"
)


@dataclass(frozen=True)
class Signal:
    """One thing that was noticed. `weight` is in logits: what it adds to (or takes from) the suspicion."""

    name: str
    weight: float
    reason: str


@dataclass(frozen=True)
class _Rule:
    signal: Signal
    patterns: tuple[re.Pattern[str], ...]

    def holds(self, text: str) -> bool:
        return any(pattern.search(text) for pattern in self.patterns)


SHOUTING = Signal("shouting", 0.3, "is written in capitals")
DISGUISED = Signal("disguised", 1.6, "disguises words with digits, spaces or hidden letters")
SHORTENED_LINK = Signal("shortened_link", 1.0, "hides a link behind a shortener")
FREE_HOST = Signal("free_host", 1.2, "links to a throw-away host")
LOOK_ALIKE_HOST = Signal("look_alike_host", 1.8, "links to a host that imitates another")
LINK = Signal("link", 0.3, "has a link")


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((DATA / "screen_signals.toml").read_text(encoding="utf-8"))


@cache
def _list(name: str) -> frozenset[str]:
    return frozenset(str(_table()["lists"][name]).split())


@cache
def _rules(kind: Kind) -> tuple[_Rule, ...]:
    return tuple(
        _Rule(
            Signal(name, float(entry["weight"]), str(entry["reason"])),
            tuple(re.compile(pattern) for pattern in entry["patterns"]),
        )
        for name, entry in _table()[kind].items()
    )


def names(kind: Kind) -> tuple[str, ...]:
    """Every signal that may be noticed of one kind, in a fixed order."""
    in_letters = (SHOUTING, DISGUISED, LINK, SHORTENED_LINK, FREE_HOST, LOOK_ALIKE_HOST) if kind == "spam" else ()
    return (*(rule.signal.name for rule in _rules(kind)), *(signal.name for signal in in_letters))


def normal(text: str) -> str:
    """The text as patterns read it: composed, lower case, one kind of apostrophe, bounded in length."""
    # One letter may be composed of eighteen, so what comes of it is bounded too.
    plain = _ends(unicodedata.normalize("NFKC", _INVISIBLE.sub("", _ends(text))))
    return plain.casefold().replace("'", "’").replace("`", "’").replace("\n", " ")


def _ends(text: str) -> str:
    """The first and the last part of a text that is longer than is read."""
    half = _MOST_TEXT // 2
    return text if len(text) <= _MOST_TEXT else f"{text[:half]} {text[-half:]}"


def signals(kind: Kind, text: str) -> list[Signal]:
    """Everything noticed of one kind, strongest first."""
    parts = windows(normal(text))
    found = [rule.signal for rule in _rules(kind) if any(map(rule.holds, parts))]
    if kind == "spam":
        found.extend(shapes(text[:LONGEST_TEXT]))
    if "already_paid" in {signal.name for signal in found}:
        # Who has sent money speaks of accounts and sums, and tells nobody to send any.
        found = [signal for signal in found if signal.name != "transfer_request"]
    return sorted(found, key=lambda signal: -signal.weight)


def windows(plain: str) -> list[str]:
    """The text in parts that overlap; short ones are one part."""
    last = max(0, len(plain) - LONGEST_TEXT)
    return [plain[at : at + LONGEST_TEXT] for at in (*range(0, last, _STEP), last)]


def shapes(text: str) -> Iterable[Signal]:
    """Signals that lie in the letters and hosts themselves."""
    if is_shouted(text):
        yield SHOUTING
    if is_disguised(text):
        yield DISGUISED
    links = _links(text)
    found = [host for host, _ in links]
    if any(to_open for _, to_open in links):
        yield LINK
    if any(host in _list("shorteners") for host in found):
        yield SHORTENED_LINK
    if any(_FREE_HOSTS.search(host) for host in found):
        yield FREE_HOST
    if any(is_look_alike(host) for host in found):
        yield LOOK_ALIKE_HOST


def is_shouted(text: str) -> bool:
    """Whether nearly all of a text long enough to judge is capitals."""
    letters = [character for character in text if character.isalpha()]
    capitals = sum(character.isupper() for character in letters)
    return len(letters) >= _SHOUTED_LETTERS and capitals >= _SHOUTED_SHARE * len(letters)


def is_disguised(text: str) -> bool:
    """Whether a word is hidden from filters: "fr33", "h4diah", "w i n", invisible or mixed-script letters."""
    plain = text.casefold()
    for word in _WORDLIKE.findall(plain):
        if _DIGIT_INSIDE.search(word) and _undisguised(word) in _list("disguised_words"):
            return True
        if _is_mixed_script(word):
            return True
    if _INVISIBLE.search(text) and any(word in _list("disguised_words") for word in _WORDLIKE.findall(normal(text))):
        return True
    spaced = (re.sub(r"[ .\-_*]", "", found) for found in _SPACED_WORD.findall(plain))
    return any(word in _list("disguised_words") for word in spaced)


def _undisguised(word: str) -> str:
    return word.translate(_DISGUISE)


def _is_mixed_script(word: str) -> bool:
    """Latin letters with Cyrillic or Greek ones in one word: no language writes so."""
    if word.isascii():
        return False
    scripts = {_script(character) for character in word if character.isalpha()}
    return "LATIN" in scripts and bool(scripts & {"CYRILLIC", "GREEK"}) and len(word) > 2


def _script(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]


def hosts(text: str) -> list[str]:
    """Host names in a text, lower case, with or without a scheme."""
    return [host for host, _ in _links(text)]


def _links(text: str) -> list[tuple[str, bool]]:
    """Each host, and whether it is written as something to open (a scheme or a path) and not just named."""
    found = []
    for scheme, host, path in _HOST.findall(text.casefold()):
        ending = host.rpartition(".")[2]
        # A full stop without a space after it ("kotor.handuk") is no host: it takes a scheme or a known ending.
        if scheme or ending in _list("endings") or ending.startswith("xn--"):
            found.append((host.removeprefix("www."), bool(scheme or len(path) > 1)))
    return found


def is_look_alike(host: str) -> bool:
    """Whether a host name is built to be mistaken: punycode, digits for letters, bait words between hyphens."""
    if "xn--" in host or _is_mixed_script(host.replace(".", "").replace("-", "")):
        return True
    labels = host.split(".")[:-1]
    swapped = any(re.search(r"[a-z][013][a-z]", label) for label in labels)
    return swapped or any("-" in label and _BAIT_IN_HOST.search(label) is not None for label in labels)
