"""What operators look at, as plain values out of few statements. Knows nothing of pages.

`queue` (what waits), `inbox` and `counts` (everything), `thread` (one conversation), `passage` (a cited span); the one
thing that is written is how far an operator has read, `mark_seen`.
"""

from sahut.store.desk.inbox import Counts, Row, counts, inbox, mark_seen
from sahut.store.desk.queue import Lane, Waiting, queue
from sahut.store.desk.shared import Glimpse, Person
from sahut.store.desk.thread import Cited, Line, Passage, Thread, passage, thread

__all__ = [
    "Cited",
    "Counts",
    "Glimpse",
    "Lane",
    "Line",
    "Passage",
    "Person",
    "Row",
    "Thread",
    "Waiting",
    "counts",
    "inbox",
    "mark_seen",
    "passage",
    "queue",
    "thread",
]
