"""What differs between two runs of a suite, paired by case: rates with intervals, and the cases that turned.

Pure. Reads what reports hold; must not know how a run is played.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from evals.played import Outcome
from evals.stats import RESAMPLES, SEED, Measure, Numbers, ends
from sahut.values import Value

Counts = Mapping[str, tuple[float, float]]


class _SaidReply(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    decision: str
    text: str = ""


class _SaidTurn(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    reply: _SaidReply | None = None
    error: str | None = None


class ComparedCase(BaseModel):
    """A case as a run left it: only what comparing needs, so that reports of other versions stay readable.

    `counts` are, by rate, what counted and out of how many.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    run: int
    outcome: Outcome
    counts: dict[str, tuple[float, float]] = {}
    turns: tuple[_SaidTurn, ...] = ()


class Change(Value):
    """A rate in two runs over the cases that both played; `change` is after less before, with its 95% interval."""

    name: str
    before: float
    after: float
    change: Measure

    @property
    def is_clear(self) -> bool:
        """Whether chance alone hardly explains it: the interval leaves out 0."""
        low, high = self.change.low, self.change.high
        return low is not None and high is not None and (low > 0 or high < 0)


class Turned(Value):
    """A case that came out otherwise: `worse` and `better` by outcome, `other` where only what was said differs."""

    id: str
    run: int
    kind: str
    before: str
    after: str


class Comparison(Value):
    """Everything that differs; of a run with itself nothing does."""

    cases: int
    changes: tuple[Change, ...] = ()
    turned: tuple[Turned, ...] = ()
    only_before: tuple[str, ...] = ()
    only_after: tuple[str, ...] = ()
    assistant: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        return not (self.changes or self.turned or self.only_before or self.only_after or self.assistant)


def compare(
    before: Sequence[ComparedCase], after: Sequence[ComparedCase], *, assistant: Sequence[str] = ()
) -> Comparison:
    """What differs from `before` to `after`. `assistant` names the parts of the assistant that do."""
    old, new = {(case.id, case.run): case for case in before}, {(case.id, case.run): case for case in after}
    shared = [key for key in old if key in new]
    turned = [turn for key in shared if (turn := _turned(old[key], new[key])) is not None]
    order = {"worse": 0, "better": 1, "other": 2}
    return Comparison(
        cases=len({name for name, _ in shared}),
        changes=tuple(change for change in paired(before, after) if change.before != change.after),
        turned=tuple(sorted(turned, key=lambda found: order[found.kind])),
        only_before=_names(old, new),
        only_after=_names(new, old),
        assistant=tuple(assistant),
    )


def paired(before: Sequence[ComparedCase], after: Sequence[ComparedCase]) -> tuple[Change, ...]:
    """Each rate that both runs measured, over the cases that both played; intervals draw whole cases."""
    old, new = _by_case(before), _by_case(after)
    shared = [name for name in old if name in new]
    names = dict.fromkeys(name for case in shared for name in old[case] if name in new[case])
    found = []
    for name in names:
        table = np.asarray(
            [(*old[case][name], *new[case][name]) for case in shared if name in old[case] and name in new[case]]
        )
        change = _change(name, table)
        if change is not None:
            found.append(change)
    return tuple(found)


def _change(name: str, table: Numbers) -> Change | None:
    """`table` has a row for each case: part and whole before, part and whole after."""
    sums = table.sum(axis=0)
    if not sums[1] or not sums[3]:
        return None
    before, after = float(sums[0] / sums[1]), float(sums[2] / sums[3])
    random = np.random.default_rng(SEED)
    drawn = table[random.integers(len(table), size=(RESAMPLES, len(table)))].sum(axis=1)
    drawn = drawn[(drawn[:, 1] > 0) & (drawn[:, 3] > 0)]
    changes = drawn[:, 2] / drawn[:, 3] - drawn[:, 0] / drawn[:, 1]
    low, high = np.percentile(changes, ends(len(table)))
    measure = Measure(value=after - before, low=float(low), high=float(high), n=len(table))
    return Change(name=name, before=before, after=after, change=measure)


def _by_case(cases: Sequence[ComparedCase]) -> dict[str, dict[str, tuple[float, float]]]:
    """The counts of each case, its repeats summed."""
    found: dict[str, dict[str, tuple[float, float]]] = defaultdict(dict)
    for case in cases:
        for name, (part, whole) in case.counts.items():
            had = found[case.id].get(name, (0.0, 0.0))
            found[case.id][name] = (had[0] + part, had[1] + whole)
    return found


def _turned(before: ComparedCase, after: ComparedCase) -> Turned | None:
    kind = "other"
    if before.outcome != after.outcome:
        kind = "better" if after.outcome == "passed" else "worse" if before.outcome == "passed" else "other"
    elif before.turns == after.turns or not before.turns or not after.turns:
        return None
    said = (f"{case.outcome}: {_said(case)}" for case in (before, after))
    return Turned(id=before.id, run=before.run, kind=kind, before=next(said), after=next(said))


def _said(case: ComparedCase) -> str:
    turns = case.turns[-1:]
    return " ".join(
        turn.error or (f"{turn.reply.decision} {turn.reply.text}" if turn.reply else "nothing") for turn in turns
    ).strip()


def _names(
    some: Mapping[tuple[str, int], ComparedCase], others: Mapping[tuple[str, int], ComparedCase]
) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name, run in some if (name, run) not in others))
