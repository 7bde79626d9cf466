"""Names the state of the assistant that a run plays: under the same name nothing need be asked again.

Must not know cases or scores.
"""

import hashlib
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from agent.calibration import Calibration
from sahut.store import Store, forms, library, media
from sahut.turn import Guidance
from sahut.values import Value

_PACKAGES = ("sahut", "knowledge", "tools", "agent")
_MOST_FILES = 100_000
_CODE = (".py", ".toml", ".npz", ".json", ".txt")


class Fingerprint(Value):
    """What an answer depends on, part by part, so that two runs can say what differs between them."""

    model: str
    embedder: str
    prompt: str
    guidance: str
    calibration: str
    documents: str
    forms: str
    files: str
    tools: str
    code: str

    @property
    def digest(self) -> str:
        """One name for all of it."""
        return _digest(self.model_dump_json())

    def differs(self, other: "Fingerprint") -> tuple[str, ...]:
        """The parts in which two assistants differ."""
        return tuple(name for name in type(self).model_fields if getattr(self, name) != getattr(other, name))


async def fingerprint(
    store: Store, *, model: str, embedder: str, guidance: Guidance, calibration: Calibration, tools: str = ""
) -> Fingerprint:
    """The assistant as it stands now. `model` names the chat model and where it is served.

    `tools` names what it may call, where that is not what is installed.
    """
    async with store.reading() as tx:
        documents = await library.present(tx)
        editions = await forms.offered(tx)
        files = await media.present(tx, limit=_MOST_FILES)
    return Fingerprint(
        model=model,
        embedder=embedder,
        prompt=guidance.prompt_version,
        guidance=_digest(guidance.model_dump_json()),
        calibration=calibration.version,
        documents=_digest(repr([tuple(row) for row in documents])),
        forms=_digest(repr([edition.form.model_dump_json() for edition in editions])),
        files=_digest(repr(sorted((file.path, file.hash) for file in files))),
        tools=_digest(tools or _installed_tools()),
        code=_code(),
    )


def _installed_tools() -> str:
    return repr(sorted(f"{entry.name}={entry.value}" for entry in entry_points(group="sahut.tools")))


@cache
def _code() -> str:
    """The house's own code and word lists below this floor."""
    seen = hashlib.sha256()
    for package in _PACKAGES:
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            continue
        folder = Path(spec.origin).parent
        for path in sorted(folder.rglob("*")):
            if path.suffix in _CODE and "migrations" not in path.parts:
                seen.update(str(path.relative_to(folder)).encode())
                seen.update(path.read_bytes())
    return seen.hexdigest()[:16]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
