"""`parse` over hostile input: it never raises, loses no neighbour, and yields only what a database can hold."""

import copy
import json
import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.whatsapp.clean import clean_json, clean_text, identifier, moment, phone_digits
from api.whatsapp.payloads import parse
from sahut.events import Inbound, Unsupported
from sahut.values import Value
from tests.whatsapp.data import FIXTURES, NOW, NUMBER, envelope, text_message

# No deadlines: a busy machine is no failure.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

words = st.text(st.characters(exclude_categories=()))
scalars = st.none() | st.booleans() | st.integers() | st.floats() | words
anything = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(words, inner), max_leaves=20)


def read(payload, served=lambda number: number == NUMBER):
    return parse(payload, served=served, now=NOW)


def is_storable(value) -> bool:
    """Whether PostgreSQL can hold it as JSONB: no NUL, no lone surrogates, no NaN."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    text.encode()
    return "\\u0000" not in text


def check(events):
    for event in events:
        assert is_storable(event.model_dump(mode="json") if isinstance(event, Value) else event)
        assert not (isinstance(event, Unsupported) and event.why == "parser_fault")
        if isinstance(event, Inbound):
            assert event.phone or event.user_id
            assert event.sent_at <= NOW
            assert is_storable([event.text, event.name, event.wamid, event.kind, event.context_wamid])
            assert (len(event.wamid) <= 512, len(event.name) <= 256, len(event.text) <= 65_536) == (True,) * 3


@patient
@given(anything)
def test_arbitrary_json(payload):
    check(read(payload, served=lambda number: True))


@patient
@given(
    st.sampled_from(["messages", "statuses", "errors", "contacts"]),
    anything,
    st.sampled_from(["messages", "account_update", "flows"]) | st.text(),
)
def test_arbitrary_json_in_a_sound_envelope(key, items, field):
    payload = envelope({key: items})
    payload["entry"][0]["changes"][0]["field"] = field
    check(read(payload))


@patient
@given(
    st.dictionaries(st.sampled_from(["id", "from", "from_user_id", "type", "timestamp", "text", "context"]), anything)
)
def test_an_odd_message_never_affects_its_neighbours(odd):
    events = read(envelope({"messages": [text_message("wamid.a"), odd, text_message("wamid.b")]}))
    check(events)
    assert len(events) == 3
    assert [events[0].wamid, events[2].wamid] == ["wamid.a", "wamid.b"]


def paths(value, at=()):
    """Every place in a JSON value."""
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, (*at, key))


@settings(patient, max_examples=150)
@given(st.data())
def test_mutated_fixtures(data):
    payload = copy.deepcopy(FIXTURES[data.draw(st.sampled_from(sorted(FIXTURES)))])
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(list(paths(payload))[1:]))
        parent = payload
        for key in place[:-1]:
            parent = parent[key]
        if data.draw(st.booleans()):
            parent[place[-1]] = data.draw(anything)
        else:
            del parent[place[-1]]
        if not payload or len(list(paths(payload))) < 2:
            break
    check(read(payload))


def test_an_abyss_of_lists_is_cut_off():
    abyss: list = []
    for _ in range(900):
        abyss = [abyss]
    (event,) = read(envelope({"messages": [{**text_message("wamid.a"), "x": abyss}]}))
    assert event.text == "halo"
    assert is_storable(event.body)


@pytest.mark.parametrize(
    ("given_time", "expected"),
    [
        ("1795000000", datetime.fromtimestamp(1795000000, UTC)),
        (1795000000, datetime.fromtimestamp(1795000000, UTC)),
        *(
            (odd, NOW)
            for odd in [
                "",
                "soon",
                "-5",
                "0",
                "１７９５",
                "1795000000000",
                "99999999999999",
                None,
                True,
                [],
                1e300,
            ]
        ),
        (math.nan, NOW),
        (str(int((NOW + timedelta(days=3)).timestamp())), NOW),
    ],
)
def test_timestamps(given_time, expected):
    assert moment(given_time, NOW) == expected
    (event,) = read(envelope({"messages": [{**text_message("wamid.a"), "timestamp": given_time}]}))
    assert event.sent_at == expected


@pytest.mark.parametrize(
    ("given_phone", "expected"),
    [
        ("6281255501234", "6281255501234"),
        ("+62 812-5550-1234", "6281255501234"),
        (6281255501234, "6281255501234"),
        *((odd, None) for odd in ["", "+", "ID.1349", "US1349", "1" * 21, "٦٢٨١", None, -5, 0, True, {}, "62\n81"]),
    ],
)
def test_phone_numbers(given_phone, expected):
    assert phone_digits(given_phone) == expected


def test_a_user_id_in_the_place_of_the_phone_is_not_mangled():
    (event,) = read(envelope({"messages": [{**text_message("wamid.a"), "from": "BR.13491200000000000001"}]}))
    assert (event.phone, event.user_id) == (None, "BR.13491200000000000001")


@pytest.mark.parametrize("wamid", ["x" * 513, "a\x00b", "a\ud800", "a\nb\r", 7, ["a"]])
def test_an_id_that_cannot_be_kept_as_it_is_is_refused_and_not_altered(wamid):
    assert identifier(wamid) is None
    (event,) = read(envelope({"messages": [text_message(wamid)]}))
    assert isinstance(event, Unsupported)
    assert event.why == "bad_id"


def test_text_keeps_scripts_and_loses_controls():
    kept = "مرحبا\u200f 👩‍👩‍👧 नमस्ते\n\ttab"
    assert clean_text(kept) == kept
    assert clean_text("a\x00\x1b[31mb\x7f\x85c") == "a[31mbc"
    assert clean_text("a\rb\r\nc") == "a\nb\nc"
    assert clean_text("x" * 70_000) == "x" * 65_536
    assert clean_json({"a\x00": [math.inf, 2**70, "\udfff", 1.5, True]}) == {"a": [None, None, "\ufffd", 1.5, True]}


def test_a_phone_that_passed_to_another_user_brings_no_stranger_name():
    contacts = [{"profile": {"name": "Old owner"}, "wa_id": "6281255501234", "user_id": "ID.1"}]
    message = {**text_message("wamid.a"), "from_user_id": "ID.2"}
    (event,) = read(envelope({"contacts": contacts, "messages": [message]}))
    assert (event.name, event.user_id) == ("", "ID.2")


def test_events_of_a_number_that_is_not_ours_are_one_value():
    messages = [text_message(f"wamid.{i}") for i in range(3)]
    (event,) = parse(envelope({"messages": messages}), served=lambda number: False, now=NOW)
    assert event.why == "unserved_number"


def test_an_odd_field_makes_no_new_label():
    payload = envelope({})
    payload["entry"][0]["changes"][0]["field"] = "x" * 5000
    assert read(payload)[0].why == "field:odd"


@pytest.mark.parametrize(
    "payload", [None, [], "x", 3, {}, {"object": "page", "entry": []}, {"object": "whatsapp_business_account"}]
)
def test_what_is_no_webhook_of_ours(payload):
    (event,) = read(payload)
    assert isinstance(event, Unsupported)


def test_a_fault_of_the_parser_costs_one_item(monkeypatch):
    from api.whatsapp import payloads

    real = payloads.parse_message

    def faulty(item, **context):
        if item["id"] == "wamid.b":
            raise RuntimeError("a bug")
        return real(item, **context)

    monkeypatch.setattr(payloads, "parse_message", faulty)
    events = read(envelope({"messages": [text_message(f"wamid.{i}") for i in "abc"]}))
    assert [type(e).__name__ for e in events] == ["Inbound", "Unsupported", "Inbound"]
