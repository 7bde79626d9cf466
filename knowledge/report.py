"""What became of documents that were learned: each as it happens, and all of them together. Knows no store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Literal

from knowledge.unpack import Unpacked

Outcome = Literal["added", "changed", "unchanged", "removed", "failed"]


@dataclass(frozen=True, slots=True)
class Step:
    """Progress: document `number` (from 1) of `total` has come to its outcome; `reason` says why one failed.

    `suspect` are the words in it that speak to an assistant, where any were looked for and found.
    """

    number: int
    total: int
    path: str
    outcome: Outcome
    reason: str = ""
    suspect: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LearnReport:
    """What was learned, by path. `failed` has (path, reason); `skipped` are files of kinds that are not read.

    `replaced` has (path, folder before) of changed documents that another folder had brought in. `cut` says which
    bound ended the reading of a web site, if one did. `suspect` has (path, words) where a document that was taken in
    speaks to an assistant; `expired` are those among the learned that are not valid any more.
    """

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    skipped: tuple[str, ...] = ()
    replaced: tuple[tuple[str, str], ...] = ()
    suspect: tuple[tuple[str, str], ...] = ()
    expired: tuple[str, ...] = ()
    cut: str = ""
    chunks: int = 0

    def __add__(self, other: "LearnReport") -> "LearnReport":
        """Both together."""
        return LearnReport(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)})


@dataclass(slots=True)
class Tally:
    """What has come of the documents so far, told as it happens."""

    progress: Callable[[Step], None] | None
    files: Unpacked
    failed: list[tuple[str, str]] = field(default_factory=list)
    suspect: list[tuple[str, str]] = field(default_factory=list)
    paths: dict[Outcome, list[str]] = field(default_factory=dict)

    def add(self, step: Step) -> None:
        if step.outcome == "failed":
            self.failed.append((step.path, step.reason))
        else:
            self.paths.setdefault(step.outcome, []).append(step.path)
        self.suspect.extend((step.path, words) for words in step.suspect)
        if self.progress:
            self.progress(step)

    def _with(self, outcome: Outcome) -> tuple[str, ...]:
        return tuple(self.paths.get(outcome, ()))

    def report(self, *, replaced: Sequence[tuple[str, str]], expired: Sequence[str], chunks: int) -> LearnReport:
        return LearnReport(
            added=self._with("added"),
            changed=self._with("changed"),
            unchanged=self._with("unchanged"),
            removed=self._with("removed"),
            failed=(*self.files.refused, *self.failed),
            skipped=tuple(self.files.skipped),
            replaced=tuple(replaced),
            suspect=tuple(self.suspect),
            expired=tuple(expired),
            chunks=chunks,
        )
