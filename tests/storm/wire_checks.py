"""What must hold of files, of people's names and of threads that another owner had, after every schedule."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator

from sahut.models import Author, MediaState, Message
from tests.storm.cast import OGG, PNG
from tests.storm.people import Person
from tests.storm.scene import Scene

SETTLED = {"text": set(), "broken": {"refused", "lost"}, "audio": {"kept", "lost"}, "image": {"kept", "lost"}}


def silent_on_standby(scene: Scene) -> Iterator[str]:
    """No POST but an operator's was claimed while another owner had the thread."""
    by_callback = {row.callback_id: row for row in scene.outbound}
    for callback, step in scene.play.channel.claimed:
        row = by_callback[callback]
        for key, start, end in scene.play.watch.standby:
            if row.author != Author.OPERATOR and key == row.conversation_id and start < step < (end or step + 1):
                yield f"{row.text!r} was claimed at step {step}, another owner had the thread from {start}"


def standby_stored_once(scene: Scene) -> Iterator[str]:
    """Our copies are one row each, and nobody answers them."""
    for token in scene.play.plot.standby_tokens:
        rows = [row for row in scene.messages if row.text == token]
        if len(rows) != 1 or (rows[0].done_at is None and rows[0].author == Author.CONTACT):
            yield f"{token} is stored {len(rows)} times"
        if any(row.answers in {one.wamid for one in rows} for row in scene.outbound):
            yield f"{token} was answered"


def files_settled_once(scene: Scene) -> Iterator[str]:
    """Each file has one fate, its own bytes, and what was heard in it is what was said."""
    rows = {row.message_id: row for row in scene.files}
    for row in scene.inbound:
        said, file = scene.said(row), rows.get(row.id)
        if (file is not None) != (said.kind != "text"):
            yield f"{said.token} is {said.kind} and has {'a' if file else 'no'} file"
        if file is None:
            continue
        fates = scene.play.watch.fates.get(row.id, [])
        if file.due_at is not None or len(fates) != 1 or file.state not in SETTLED[said.kind]:
            yield f"the file of {said.token} ({said.kind}) is {file.state}, settled as {fates}, due {file.due_at}"
        if row.id in scene.play.watch.shelved and file.state != MediaState.KEPT:
            yield f"the file of {said.token} was kept and is {file.state}"
        words = f"{said.token} {said.words}"
        content = OGG + words.encode() if said.kind == "audio" else PNG
        if file.state == MediaState.KEPT and file.hash != hashlib.sha256(content).hexdigest():
            yield f"the file of {said.token} has other bytes"
        if file.text not in ("", words) or (said.kind == "audio" and row.text != file.text):
            yield f"in {said.token} was heard {file.text!r}, its message says {row.text!r}"


def names_as_given(scene: Scene) -> Iterator[str]:
    """Every name is kept as WhatsApp told it, and is one contact's."""
    given = {name for person in scene.play.people.values() for name in person.all_names}
    for value in scene.owners:
        if value not in given:
            yield f"{value} is nobody's name"
    for person in scene.play.people.values():
        held = {scene.owners.get(name) for name in person.names} - {None}
        if len(held) > 1 and not held & scene.flagged:
            yield f"{sorted(person.names)} belong to {len(held)} contacts, and nobody is asked to look"


def nobody_mixed_up(scene: Scene) -> Iterator[str]:
    """A thread holds one person's words and goes to that person, or somebody is asked to look who it is."""
    writers: dict[str, set[int]] = defaultdict(set)
    for row in scene.inbound:
        writers[row.conversation_id].add(scene.said(row).customer)
    for key, people in writers.items():
        if len(people) > 1 and scene.contact_of(key) not in scene.flagged:
            yield f"{key[-4:]} holds the words of {sorted(people)}, and nobody is asked to look"
    place = {row.callback_id: row.conversation_id for row in scene.outbound}
    for sent in scene.play.double.sent:
        key = place[sent.callback]
        names = {name for index in writers[key] for name in scene.play.people[index].all_names}
        to = sent.to.removeprefix("+")
        if to not in names and scene.contact_of(key) not in scene.flagged and key in writers:
            yield f"{sent.text!r} went to {to}, who wrote nothing in {key[-4:]}"


def parted_only_knowingly(scene: Scene) -> Iterator[str]:
    """One person's words lie in two threads only where nothing told that it is one, or somebody is asked to look."""
    for person in scene.play.people.values():
        mine: dict[str, list[Message]] = defaultdict(list)
        for row in scene.inbound:
            if scene.said(row).customer == person.index:
                mine[scene.contact_of(row.conversation_id)].append(row)
        if len(mine) < 2 or mine.keys() & scene.flagged:
            continue
        if _known_as_one(person):
            yield f"the words of {person.index} lie with {len(mine)} contacts, and nobody is asked to look"


def _known_as_one(person: Person) -> bool:
    """Whether letters put all of a person's names together."""
    groups: list[set[str]] = []
    for told in person.evidence:
        touching = [group for group in groups if group & told]
        groups = [group for group in groups if not group & told] + [set(told).union(*touching)]
    return len(groups) == 1


CHECKS = (
    silent_on_standby,
    standby_stored_once,
    files_settled_once,
    names_as_given,
    nobody_mixed_up,
    parted_only_knowingly,
)
