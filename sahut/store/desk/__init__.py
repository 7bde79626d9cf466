"""What operators look at, as plain values out of few statements. Knows nothing of pages.

`queue` (what waits), `inbox`, `unread`, `counts` and `holders` (everything), `thread` (one conversation) and its
`past`, `passage` (a cited span); the one thing that is written is how far an operator has read, `mark_seen`.
"""

from sahut.store.desk.inbox import Counts, Row, counts, inbox, mark_seen, unread
from sahut.store.desk.past import Past, past
from sahut.store.desk.queue import Lane, Waiting, queue
from sahut.store.desk.shared import Glimpse, Person, holders
from sahut.store.desk.thread import Cited, Line, Passage, Thread, passage, thread

__all__ = [
    "Cited",
    "Counts",
    "Glimpse",
    "Lane",
    "Line",
    "Passage",
    "Past",
    "Person",
    "Row",
    "Thread",
    "Waiting",
    "counts",
    "holders",
    "inbox",
    "mark_seen",
    "passage",
    "past",
    "queue",
    "thread",
    "unread",
]
