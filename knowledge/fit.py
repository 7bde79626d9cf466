"""Fits the weights of "the passages hold the answer" on the sets that ship, and judges them where they did not learn.

    python -m knowledge.fit                    # fit, print the areas under the curve, write data/answerable.toml
    python -m knowledge.fit --judge FOLDER     # also on sets of your own, which teach nothing; may be given again

Deterministic. Everything goes through the real learning and the real search. Knows no channel and no assistant.
"""

import argparse
import asyncio
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from knowledge.asked import SHIPPED, Question, Texts, read, shipped
from knowledge.embed import LocalEmbedder
from knowledge.fuse import FITTED, WEIGHED, weighed
from knowledge.index import ScanIndex
from knowledge.learn import learn
from knowledge.search import Search
from knowledge.space import space_of
from sahut.migrations import migrate
from sahut.store import Store

Row = NDArray[np.float64]

# What a question may be asked of, and whether the answer is there: the whole set (`whole`; `miss` where it does not
# say it), the half of it that answers (`half`) or the other one (`gone`), and another set altogether (`stranger`).
KINDS = {"whole": True, "half": True, "miss": False, "gone": False, "stranger": False}
# Each area under the curve is of one kind of answered questions against one of the others.
AREAS = {"unanswerable": ("whole", "miss"), "gold removed": ("half", "gone"), "out of scope": ("whole", "stranger")}
_RIDGE = 0.1  # of 3, 1, .3, .1 and .01 the likelihood of sets left out was best with it
_STEPS = 50
_CLOSE_ENOUGH = 1e-8


@dataclass(frozen=True)
class Asked:
    """A question that was asked of something: `kind` as in `KINDS`, `seen` what was weighed, in the order `WEIGHED`."""

    texts: str
    kind: str
    language: str
    seen: tuple[float, ...]


async def main() -> None:
    """Fit both spaces, print how they do where they did not learn, and write the file."""
    chosen = _arguments()
    fitted = {}
    for with_e5 in (True, False):
        embedder = LocalEmbedder(finds_with_e5=with_e5)
        space = space_of(embedder).name
        if space in fitted:
            raise SystemExit("The file of multilingual-e5-small is not installed here: fit where it is.")
        asked = await ask(embedder, shipped())
        fitted[space] = fit(asked)
        for name, areas in left_out(asked).items():
            _tell(name, areas)
        for texts in map(read, chosen.judge):
            _tell(f"{texts.name} (judged only)", areas_of(await ask(embedder, [texts]), fitted[space]))
        embedder.close()
    FITTED.write_text(written(fitted), encoding="utf-8")


async def ask(embedder: LocalEmbedder, sets: Sequence[Texts]) -> list[Asked]:
    """Ask every question of its set, of the set's halves where it has an answer, and of the next set."""
    found: list[Asked] = []
    with TemporaryDirectory(prefix="sahut-fit-") as name:
        store = Store(f"sqlite:///{Path(name) / 'sahut.db'}")
        try:
            await migrate(store)
            for texts in sets:
                await _learned(store, embedder, texts, Path(name))
            search = Search(store, embedder, ScanIndex(space_of(embedder).name))
            for number, texts in enumerate(sets):
                other = sets[(number + 1) % len(sets)]
                for question in texts.questions:
                    found += await _asked(search, texts, question, None if other is texts else other)
        finally:
            await store.close()
    return found


def fit(asked: Sequence[Asked]) -> dict[str, float]:
    """The weights by name, and `bias`: logistic, with a small ridge; every kind counts the same on its side."""
    rows = np.array([[*one.seen, 1.0] for one in asked])
    right = np.array([KINDS[one.kind] for one in asked], dtype=np.float64)
    count = {kind: sum(one.kind == kind for one in asked) for kind in KINDS}
    sides = {side: sum(there is side and count[kind] > 0 for kind, there in KINDS.items()) for side in (True, False)}
    share = np.array([len(asked) / (2 * sides[KINDS[one.kind]] * count[one.kind]) for one in asked])
    beta = logistic(rows, right, share)
    return dict(zip((*WEIGHED, "bias"), beta.tolist(), strict=True))


def left_out(asked: Sequence[Asked]) -> dict[str, dict[str, float]]:
    """The areas for each set and each language, with weights that were fitted without it, and for all of them."""
    found: dict[str, dict[str, float]] = {"all that were learned from": areas_of(asked, fit(asked))}
    for what in ("texts", "language"):
        for name in sorted({getattr(one, what) for one in asked}):
            inside = [one for one in asked if getattr(one, what) == name]
            outside = [one for one in asked if getattr(one, what) != name]
            if outside:
                found[f"without {name}, on {name}"] = areas_of(inside, fit(outside))
    return found


def areas_of(asked: Sequence[Asked], weights: dict[str, float]) -> dict[str, float]:
    """The areas under the curve of these weights, by the names in `AREAS`; not a number where there is nothing."""
    scores = [sum(weights[name] * value for name, value in zip(WEIGHED, one.seen, strict=True)) for one in asked]
    return {
        name: area(*([score for score, one in zip(scores, asked, strict=True) if one.kind == kind] for kind in kinds))
        for name, kinds in AREAS.items()
    }


def area(positive: Sequence[float], negative: Sequence[float]) -> float:
    """The area under the curve: how often a positive value is above a negative one."""
    if not positive or not negative:
        return math.nan
    wins = sum((p > n) + (p == n) / 2 for p in positive for n in negative)
    return wins / (len(positive) * len(negative))


def digest() -> str:
    """Names the state of the sets that ship, independent of how their lines end."""
    texts = (path.read_text(encoding="utf-8") for path in sorted(SHIPPED.glob("*.toml")))
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def written(fitted: dict[str, dict[str, float]]) -> str:
    """The file that ships."""
    lines = ["# Written by `python -m knowledge.fit`; not to be changed by hand.", f'fitted_on = "{digest()}"']
    for space, weights in fitted.items():
        lines += ["", f'["{space}"]', *(f"{name} = {weights[name]:.3f}" for name in ("bias", *WEIGHED))]
    return "\n".join([*lines, ""])


async def _learned(store: Store, embedder: LocalEmbedder, texts: Texts, folder: Path) -> None:
    """The halves of a set, each a collection of its own and both together one more."""
    for number, half in enumerate(texts.halves):
        place = folder / texts.name / str(number)
        place.mkdir(parents=True)
        for name in half:
            (place / name).write_text(texts.documents[name], encoding="utf-8")
        for collection in (texts.name, f"{texts.name}/{number}"):
            await learn(store, embedder, [place], collection=collection)


async def _asked(search: Search, texts: Texts, question: Question, other: Texts | None) -> list[Asked]:
    places = [("whole" if question.gold else "miss", texts.name)]
    if question.gold:
        halves = enumerate(texts.halves)
        places += [("half" if question.gold & set(half) else "gone", f"{texts.name}/{n}") for n, half in halves]
    if other:
        places.append(("stranger", other.name))
    found = []
    for kind, collection in places:
        ranked = await search.evidence(question.text, collections=[collection])
        seen = weighed(ranked, search.calibration) if ranked else dict.fromkeys(WEIGHED, 0.0)
        found.append(Asked(texts.name, kind, question.language, tuple(seen[name] for name in WEIGHED)))
    return found


def logistic(rows: Row, right: Row, share: Row) -> Row:
    """Weights by a logistic fit with a small ridge (Newton); the last column, the intercept, is free."""
    ridge = np.full(rows.shape[1], _RIDGE)
    ridge[-1] = 1e-6
    beta = np.zeros(rows.shape[1])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(rows @ beta, -30, 30)))
        gradient = rows.T @ (share * (chance - right)) + ridge * beta
        curvature = (rows * (share * chance * (1 - chance))[:, None]).T @ rows + np.diag(ridge)
        step = np.linalg.solve(curvature, gradient)
        beta -= step
        if np.abs(step).max() < _CLOSE_ENOUGH:
            break
    return beta


def _tell(name: str, areas: dict[str, float]) -> None:
    "  ".join(f"{kind} {'  - ' if math.isnan(value) else f'{value:.3f}'}" for kind, value in areas.items())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", type=Path, action="append", default=[], metavar="FOLDER", help="a set of your own")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
