"""The simulator's parts by themselves: the clock that moves, the samples, the bubbles, the wire."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.simulator import samples
from api.simulator.bubbles import bubble_of, choices_of, summary_of
from api.simulator.clock import MovableClock
from api.simulator.faults import LoseAnswer
from api.simulator.graph import GraphDouble
from api.simulator.news import Asked
from api.simulator.wire import Wire
from sahut.errors import NotFound

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
KINDS = ("text", "interactive", "image", "audio", "location", "template", "button", "hologram")
SHAPES = ("button", "list", "cta_url", "button_reply", "list_reply", "nfm_reply", "odd")


async def test_a_sleeper_is_woken_by_a_jump():
    clock = MovableClock(behind=timedelta(hours=26))
    began = clock.now()
    sleeps = [asyncio.create_task(clock.sleep(seconds)) for seconds in (3600, 7200)]
    await clock.sleep(0)
    clock.move(timedelta(hours=1))
    await asyncio.wait(sleeps, return_when=asyncio.FIRST_COMPLETED)
    assert [sleep.done() for sleep in sleeps] == [True, False]
    clock.move_to(began + timedelta(hours=3))
    await asyncio.gather(*sleeps)
    assert clock.now() - began >= timedelta(hours=3)
    assert clock.ahead <= -timedelta(hours=22)


async def test_time_does_not_go_back():
    clock = MovableClock()
    with pytest.raises(ValueError, match="back"):
        clock.move(timedelta(seconds=-1))
    before = clock.ahead
    clock.move_to(clock.now() - timedelta(days=1))
    assert clock.ahead == before


def test_samples_are_what_they_say():
    assert samples.picture().startswith(b"\x89PNG\r\n\x1a\n")
    assert samples.document().startswith(b"%PDF-")
    assert samples.document().rstrip().endswith(b"%%EOF")
    offset = int(samples.document().split()[-2])
    assert samples.document()[offset:].startswith(b"xref")
    assert samples.voice()[:4] == b"OggS"
    assert samples.voice().count(b"OggS") == 3
    keep = GraphDouble(clock=MovableClock()).keep
    assert all(sample.content(keep) for sample in samples.SAMPLES.values())


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(KINDS) | JSON,
            "interactive": st.fixed_dictionaries(
                {"type": st.sampled_from(SHAPES)},
                optional=dict.fromkeys(("body", "action", "header", *SHAPES), JSON),
            ),
            **{name: JSON for name in KINDS if name != "interactive"},
        },
    )
)
def test_any_message_is_shown_as_something(message):
    bubble = bubble_of(message)
    assert isinstance(bubble["text"], str)
    assert isinstance(summary_of(message), str)
    assert isinstance(choices_of(message), dict)


async def test_the_wire_keeps_the_newest_and_names_people():
    lines = []
    double = GraphDouble(clock=MovableClock())
    wire = Wire(double.clock, lines.append)
    double.watchers.append(wire.hear)
    double.customer("6281200000009", "Ada")
    double.fail_next(LoseAnswer())
    wire.hear(Asked({"type": "text", "to": "+6281200000009", "text": {"body": "x" * 500}}, 504, fault="LoseAnswer"))
    (line,) = lines
    assert (line.who, len(line.words), line.note) == ("Ada", 160, "taken, the answer was lost")
    for _ in range(400):
        wire.hear(Asked({"status": "read"}, 400, 100))
    with pytest.raises(NotFound):
        wire.body(line.number)
    assert len(wire.views()) == 400
