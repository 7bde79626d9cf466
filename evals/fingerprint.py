"""Names the state of the assistant that a run plays: under the same name nothing need be asked again.

Must not know cases or scores.
"""

import hashlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from agent.screening.evidence import shipped
from evals.environment import Environment
from sahut.store import forms, library, marks, media
from sahut.turn import Guidance
from sahut.values import Value
from tools.toolbox import Toolbox

if TYPE_CHECKING:
    from agent.state import Deps

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
    # Runs of earlier versions have none of these.
    settings: str = ""
    marks: str = ""
    environment: str = ""

    @property
    def digest(self) -> str:
        """One name for all of it."""
        return _digest(self.model_dump_json())

    def differs(self, other: "Fingerprint") -> tuple[str, ...]:
        """The parts in which two assistants differ."""
        return tuple(name for name in type(self).model_fields if getattr(self, name) != getattr(other, name))


async def fingerprint(
    deps: "Deps",
    *,
    model: str,
    embedder: str,
    guidance: Guidance,
    settings: Sequence[object] = (),
    environment: str = "",
) -> Fingerprint:
    """The assistant as it stands now. `model` names the chat model and where it is served.

    `settings` are those of the installation that shape an answer and are in no turn. `environment`: see `world_of`.
    """
    async with deps.store.reading() as tx:
        documents = await library.present(tx)
        editions = await forms.offered(tx)
        files = await media.present(tx, limit=_MOST_FILES)
        marked = await marks.version(tx, shipped().space)
    return Fingerprint(
        model=model,
        embedder=embedder,
        prompt=guidance.prompt_version,
        guidance=_digest(guidance.model_dump_json()),
        calibration=deps.calibration.version,
        documents=_digest(repr([tuple(row) for row in documents])),
        forms=_digest(repr([edition.form.model_dump_json() for edition in editions])),
        files=_digest(repr(sorted((file.path, file.hash) for file in files))),
        tools=_digest(repr((_installed_tools(), _declared(deps.toolbox)))),
        code=_code(),
        settings=_digest(repr(tuple(settings))),
        marks=_digest(repr(tuple(marked))),
        environment=environment,
    )


def _installed_tools() -> str:
    entries = entry_points(group="sahut.tools")
    return repr(sorted((entry.name, entry.value, entry.dist.version if entry.dist else "") for entry in entries))


def _declared(toolbox: Toolbox) -> list[tuple[object, ...]]:
    """All tools, those of `tools.toml` too: how they present themselves, with what authority, and what they ask."""
    cards = toolbox.cards
    return [(card, toolbox.authority(card.name), dict(toolbox.questions(card.name))) for card in cards]


def world_of(environment: Environment) -> str:
    """Names an environment as it is now, its code and that of the evals in which it is played included."""
    parts = (environment.name, environment.organisation, environment.policy, sorted(environment.documents.items()))
    tasks = [task.model_dump_json() for task in environment.tasks]
    return _digest(repr((parts, tasks, _code_beside(type(environment).__module__), _code_in(*_folders(["evals"])))))


@cache
def _code() -> str:
    """The house's own code and word lists below this floor."""
    return _code_in(*_folders(_PACKAGES))


def _code_beside(module: str) -> str:
    """The code of a module's package, or of the module alone where it is in none."""
    found = sys.modules.get(module)
    path = Path(getattr(found, "__file__", None) or "")
    if found is None or not path.is_file():
        return ""
    return _code_in(path.parent) if found.__package__ else _digest(path.read_text(encoding="utf-8", errors="replace"))


def _folders(packages: Iterable[str]) -> Iterator[Path]:
    for package in packages:
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            yield Path(spec.origin).parent


def _code_in(*folders: Path) -> str:
    """All code and word lists in the folders."""
    seen = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in _CODE and "migrations" not in path.parts:
                seen.update(str(path.relative_to(folder)).encode())
                seen.update(path.read_bytes())
    return seen.hexdigest()[:16]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
