"""Archives among the sources become the files that are in them. Knows no store; reads archives in the sandbox only."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from knowledge.archive import Member
from knowledge.load import ARCHIVE, Source, is_known, suffix_of
from knowledge.sandbox import Sandbox
from sahut.errors import LoadError


@dataclass(slots=True)
class Unpacked:
    """Files to read, one after the other, and what is left out: (path, reason), and files of other kinds.

    `unread` are the archives that could not be opened: what was learned from them before is not gone.
    """

    sources: list[Source] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    unread: list[Source] = field(default_factory=list)

    def still_there(self, root: str, path: str) -> bool:
        """Whether a document of that folder and path may be in an archive that could not be opened."""
        return any(source.root == root and path.startswith(source.inside) for source in self.unread)


async def unpack(sandbox: Sandbox, sources: Sequence[Source]) -> Unpacked:
    """The sources with archives taken apart. A broken archive is refused by its own name, a member by its path."""
    unpacked = Unpacked()
    for source in sources:
        if not source.is_archive:
            unpacked.sources.append(source)
            continue
        try:
            members = await sandbox.members(source.file)
        except LoadError as error:
            unpacked.refused.append((source.path, str(error)))
            unpacked.unread.append(source)
            continue
        taken = {other.path for other in unpacked.sources}
        for member in members:
            _add(unpacked, source, member, taken)
    return unpacked


def _add(unpacked: Unpacked, archive: Source, member: Member, taken: set[str]) -> None:
    path = f"{archive.inside}{member.path}"
    if member.refused:
        unpacked.refused.append((path, member.refused))
        if archive.is_corpus and archive not in unpacked.unread:
            unpacked.unread.append(archive)  # a line that cannot be read does not tell which document it was
    elif suffix_of(path) == ARCHIVE and not archive.is_corpus:
        unpacked.refused.append((path, "it is an archive within an archive: unpack it first"))
    elif not (archive.is_corpus or is_known(path)):
        unpacked.skipped.append(path)
    elif path in taken:
        unpacked.refused.append((path, "another file of this name is learned with it: learn them one after the other"))
    else:
        unpacked.sources.append(Source(archive.file, archive.root, path, member=member.number))
