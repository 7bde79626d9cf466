"""The keeper: what the knowledge needs from time to time, beside the worker. It decides nothing and answers nobody.

Documents whose time is over leave the search, answers that were made while a document changed are looked at again,
new questions without an answer are sorted in, and learned web sites are read again.
"""

from collections.abc import Callable
from datetime import timedelta

import structlog

from agent.screening.documents import speaks_to_assistant
from knowledge import gaps as gathering
from knowledge.addresses import normal
from knowledge.learn import learn_site
from knowledge.report import LearnReport, Step
from knowledge.site import Bounds, Fetcher
from sahut.errors import ConfigurationError, ModelFailed, StoreUnavailable
from sahut.models import Site
from sahut.ports import Clock, Embedder
from sahut.store import Store, gaps, library, recalls, sites

log = structlog.get_logger(__name__)

EVERY_S = 60.0
QUESTIONS_KEPT = timedelta(days=365)


class Keeper:
    """One in each process that works; several do no harm."""

    def __init__(
        self, *, store: Store, embedder: Embedder, clock: Clock, outside: Fetcher, relearn_every: timedelta | None
    ) -> None:
        """Without `relearn_every` no site is read again."""
        self._store = store
        self._embedder = embedder
        self._clock = clock
        self._outside = outside
        self._relearn_every = relearn_every

    async def run(self) -> None:
        """Look every minute, until cancelled."""
        while True:
            await self.look()
            await self._clock.sleep(EVERY_S)

    async def look(self) -> None:
        """Do all that is due by now."""
        now = self._clock.now()
        async with self._store.transaction() as tx:
            expired = await library.expire(tx, now=now)
            await gaps.forget(tx, before=now - QUESTIONS_KEPT)
        async with self._store.reading() as tx:
            late = await recalls.cited_lately(tx, now=now)
        # Each by itself: whoever writes meanwhile waits for one of them at most.
        for document_id in late:
            async with self._store.transaction() as tx:
                await recalls.follow_again(tx, document_id, now=now)
        if expired:
            log.info("documents are not valid any more", documents=expired)
        try:
            await gathering.gather(self._store, self._embedder, self._clock)
        except ModelFailed as error:
            log.warning("questions are sorted in later: the embedder does not answer", error=str(error))
        if self._relearn_every is not None:
            await self._relearn(self._relearn_every)

    async def _relearn(self, every: timedelta) -> None:
        while True:
            async with self._store.transaction() as tx:
                site = await sites.take_due(tx, now=self._clock.now(), every=every)
            if site is None:
                return
            outcome = await self._read(site)
            log.info("a site was read again", site=site.url, outcome=outcome)

    async def _read(self, site: Site) -> str:
        """Read a site again; how it went. Whatever a site does, it stops nobody else."""
        try:
            report = await read_site(
                self._store,
                self._embedder,
                self._outside,
                site.url,
                collection=site.collection,
                prune=site.prune,
                clock=self._clock,
            )
        except StoreUnavailable:
            raise
        except (ConfigurationError, ModelFailed) as error:
            outcome = str(error)
            async with self._store.transaction() as tx:
                await sites.remember(
                    tx, site.url, site.collection, prune=site.prune, outcome=outcome, now=self._clock.now()
                )
            return outcome
        return told(report)


async def read_site(
    store: Store,
    embedder: Embedder,
    outside: Fetcher,
    url: str,
    *,
    collection: str,
    prune: bool,
    clock: Clock,
    dry_run: bool = False,
    bounds: Bounds | None = None,
    progress: Callable[[Step], None] | None = None,
    fetching: Callable[[str], None] | None = None,
) -> LearnReport:
    """Learn a site and remember it, so that it is read again. Raises as `learn_site`."""
    report = await learn_site(
        store,
        embedder,
        outside,
        url,
        collection=collection,
        prune=prune,
        dry_run=dry_run,
        clock=clock,
        bounds=bounds,
        progress=progress,
        fetching=fetching,
        suspects=speaks_to_assistant,
    )
    if not dry_run:
        async with store.transaction() as tx:
            await sites.remember(tx, normal(url), collection, prune=prune, outcome=told(report), now=clock.now())
    return report


def told(report: LearnReport) -> str:
    """A report in one line."""
    counts = {
        "added": len(report.added),
        "changed": len(report.changed),
        "unchanged": len(report.unchanged),
        "removed": len(report.removed),
        "failed": len(report.failed),
    }
    line = ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "nothing"
    return f"{line}; not all of it: {report.cut}" if report.cut else line
