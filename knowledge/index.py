"""The vector index: Chroma, derived from the chunk rows, and brought level with them. Knows no question.

`ChromaIndex` is what the service uses; `ScanIndex` looks at every vector in memory, exactly, for verbs that run
beside a service which owns the Chroma folder. Both are told by the generation that they are behind.
"""

import asyncio
import re
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from knowledge.owner import Owner
from sahut.errors import ConfigurationError, StoreUnavailable
from sahut.ports import Vectors
from sahut.settings import Settings
from sahut.store import Store, library

T = TypeVar("T")
Near = list[tuple[str, float]]

_BATCH = 1000
# HNSW looks at this many candidates for a question; the default of 100 loses some when 64 are asked for.
_EF_SEARCH = 200


class VectorIndex(Protocol):
    """Where the nearest chunks are looked up."""

    async def catch_up(self, store: Store) -> int:
        """Bring the index level with the rows; the generation it now has."""
        ...

    async def nearest(self, vector: Vectors, count: int, *, collections: Collection[str] | None = None) -> Near:
        """(chunk id, cosine) of the `count` chunks nearest to a unit vector, shape (dimension,), nearest first."""
        ...

    async def close(self) -> None:
        """Let go of what is held."""
        ...


def open_index(settings: Settings, embedder: str) -> "ChromaIndex":
    """The Chroma index of the settings for one embedder.

    Raises `ConfigurationError`, also where another process owns the folder. Blocks for about a second the first
    time, because it imports chromadb: call it in a thread once the loop is running.
    """
    if settings.chroma_url:
        return ChromaIndex.remote(settings.chroma_url, embedder)
    return ChromaIndex.local(settings.home / "index", embedder)


def difference(held: Mapping[str, int], wanted: Mapping[str, int]) -> tuple[list[str], list[str]]:
    """Version ids (to take in, to let go); one that is held in part is taken in again."""
    return [v for v in wanted if held.get(v) != wanted[v]], [v for v in held if v not in wanted]


class ScanIndex:
    """Every vector in memory, compared one by one: exact, without an owner, quick up to ten thousand chunks."""

    def __init__(self, embedder: str) -> None:
        self._embedder = embedder
        self._generation = -1
        self._held: dict[str, list[library.Leaf]] = {}
        self._ids: list[str] = []
        self._collections = np.zeros(0, dtype=object)
        self._matrix: Vectors = np.zeros((0, 0), dtype=np.float32)

    async def catch_up(self, store: Store) -> int:
        async with store.reading() as tx:
            generation = await library.generation(tx)
            if generation == self._generation:
                return generation
            wanted = await library.current_versions(tx, self._embedder)
            added, gone = difference({v: len(leaves) for v, leaves in self._held.items()}, wanted)
            leaves = await library.leaves(tx, self._embedder, added)
        for version_id in [*added, *gone]:
            self._held.pop(version_id, None)
        for leaf in leaves:
            self._held.setdefault(leaf.version_id, []).append(leaf)
        kept = [leaf for of_version in self._held.values() for leaf in of_version]
        self._ids = [leaf.chunk_id for leaf in kept]
        self._collections = np.array([leaf.collection for leaf in kept], dtype=object)
        self._matrix = await asyncio.to_thread(vectors_of, kept)
        self._generation = generation
        return generation

    async def nearest(self, vector: Vectors, count: int, *, collections: Collection[str] | None = None) -> Near:
        if not self._ids:
            return []
        cosines = self._matrix @ vector
        if collections is not None:
            cosines = np.where(np.isin(self._collections, list(collections)), cosines, -np.inf)
        best = np.argsort(-cosines)[:count]
        return [(self._ids[n], float(cosines[n])) for n in best if np.isfinite(cosines[n])]

    async def close(self) -> None:
        """Nothing is held."""


class ChromaIndex:
    """One Chroma collection for one embedder, in cosine space; every call to Chroma runs in a thread."""

    def __init__(self, connect: Callable[[], Any], embedder: str, owner: Owner | None = None) -> None:
        self._embedder = embedder
        self._owner = owner
        self._turn = asyncio.Lock()
        self._client = connect()
        self._collection = self._open()
        self._held: Counter[str] | None = None

    @classmethod
    def local(cls, folder: Path, embedder: str) -> "ChromaIndex":
        """An index in a folder that this process comes to own. An unreadable one is made anew from the rows."""
        owner = Owner(folder)
        try:
            number = max((int(path.name.removeprefix("data-")) for path in folder.glob("data-*")), default=1)
            try:
                return cls(lambda: _persistent(folder / f"data-{number}"), embedder, owner)
            except Exception:
                # Under another name, because chromadb remembers a folder that it could not open.
                shutil.rmtree(folder / f"data-{number}", ignore_errors=True)
                return cls(lambda: _persistent(folder / f"data-{number + 1}"), embedder, owner)
        except BaseException:
            owner.release()
            raise

    @classmethod
    def remote(cls, url: str, embedder: str) -> "ChromaIndex":
        """An index on a Chroma server, shared by every process. Raises `ConfigurationError` where none answers."""
        try:
            return cls(lambda: _http(url), embedder)
        except Exception as error:
            raise ConfigurationError(f"SAHUT_CHROMA_URL: {url} does not answer as a Chroma server: {error}") from error

    async def catch_up(self, store: Store) -> int:
        """As the port says; only the differences are written. Raises `StoreUnavailable`."""
        async with self._turn:
            async with store.reading() as tx:
                generation = await library.generation(tx)
                if await self._call(self._built_from) == generation:
                    return generation
                wanted = await library.current_versions(tx, self._embedder)
            # On a server others write too, so what it holds is asked each time.
            if self._held is None or self._owner is None:
                self._held = await self._call(self._versions)
            added, gone = difference(self._held, wanted)
            for version_id in [*gone, *(v for v in added if v in self._held)]:
                await self._call(self._collection.delete, where={"version": version_id})
                del self._held[version_id]
            await self._take_in(store, added)
            await self._call(self._collection.modify, metadata={"generation": generation})
            return generation

    async def rebuild(self, store: Store) -> int:
        """Throw the index away and make it anew from the rows; the generation it has."""
        async with self._turn:
            await self._call(self._client.delete_collection, self._collection.name)
            self._collection = await self._call(self._open)
            self._held = None
        return await self.catch_up(store)

    async def nearest(self, vector: Vectors, count: int, *, collections: Collection[str] | None = None) -> Near:
        if collections is not None and not collections:
            return []
        where = None if collections is None else {"collection": {"$in": list(collections)}}
        found = await self._call(
            self._query, query_embeddings=[vector], n_results=count, include=["distances"], where=where
        )
        distances = found["distances"] or [[]]
        return [(key, 1.0 - float(d)) for key, d in zip(found["ids"][0], distances[0], strict=True)]

    async def close(self) -> None:
        async with self._turn:
            await asyncio.to_thread(self._client.close)
            if self._owner is not None:
                self._owner.release()

    async def _take_in(self, store: Store, version_ids: Sequence[str]) -> None:
        """Add the chunks of these versions, some versions at a time so that memory stays bounded."""
        for at in range(0, len(version_ids), 50):
            async with store.reading() as tx:
                leaves = await library.leaves(tx, self._embedder, version_ids[at : at + 50])
            for first in range(0, len(leaves), _BATCH):
                batch = leaves[first : first + _BATCH]
                await self._call(
                    self._collection.upsert,
                    ids=[leaf.chunk_id for leaf in batch],
                    embeddings=await asyncio.to_thread(vectors_of, batch),
                    metadatas=[{"version": leaf.version_id, "collection": leaf.collection} for leaf in batch],
                )
            assert self._held is not None  # noqa: S101
            self._held.update(leaf.version_id for leaf in leaves)

    def _query(self, **question: Any) -> Any:
        from chromadb.errors import NotFoundError

        try:
            return self._collection.query(**question)
        except NotFoundError:
            # Another process rebuilt the index on the server meanwhile.
            self._collection = self._open()
            return self._collection.query(**question)

    def _open(self) -> Any:
        return self._client.get_or_create_collection(
            collection_name(self._embedder),
            embedding_function=None,
            configuration={"hnsw": {"space": "cosine", "ef_search": _EF_SEARCH}},
            metadata={"generation": -1},
        )

    def _built_from(self) -> int:
        if self._owner is None:
            self._collection = self._open()
        return int((self._collection.metadata or {}).get("generation", -1))

    def _versions(self) -> Counter[str]:
        held: Counter[str] = Counter()
        total = self._collection.count()
        for at in range(0, total, 10 * _BATCH):
            found = self._collection.get(include=["metadatas"], limit=10 * _BATCH, offset=at)
            held.update(str(metadata["version"]) for metadata in found["metadatas"])
        return held

    async def _call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        import httpx
        from chromadb.errors import ChromaError

        try:
            return await asyncio.to_thread(function, *args, **kwargs)
        except (ChromaError, httpx.HTTPError, OSError) as error:
            raise StoreUnavailable(f"The vector index cannot be used: {error}") from error


def vectors_of(leaves: Sequence[library.Leaf]) -> Vectors:
    """The rows' vectors as one matrix of shape (len(leaves), dimension)."""
    if not leaves:
        return np.zeros((0, 0), dtype=np.float32)
    return np.frombuffer(b"".join(leaf.vector for leaf in leaves), dtype="<f4").reshape(len(leaves), -1)


def collection_name(embedder: str) -> str:
    """A name that Chroma takes (3 to 512 of `a-zA-Z0-9._-`), different for different embedders."""
    plain = re.sub(r"[^a-zA-Z0-9._-]+", "-", embedder).strip("._-")
    if plain == embedder and len(plain) >= 3:
        return plain
    return f"{plain[:100] or 'embedder'}-{sha256(embedder.encode()).hexdigest()[:8]}"


def _persistent(folder: Path) -> Any:
    import chromadb
    from chromadb.config import Settings as ChromaSettings

    return chromadb.PersistentClient(path=str(folder), settings=ChromaSettings(anonymized_telemetry=False))


def _http(url: str) -> Any:
    from urllib.parse import urlsplit

    import chromadb
    from chromadb.config import Settings as ChromaSettings

    parts = urlsplit(url)
    return chromadb.HttpClient(
        host=parts.hostname or "localhost",
        port=parts.port or (443 if parts.scheme == "https" else 8000),
        ssl=parts.scheme == "https",
        settings=ChromaSettings(anonymized_telemetry=False),
    )
