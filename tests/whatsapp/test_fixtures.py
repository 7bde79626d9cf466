"""One fixture for each kind of webhook that Meta sends, all of them parsed, the expected values in one table."""

from datetime import UTC, datetime

import pytest

from api.whatsapp.payloads import parse
from sahut.events import AccountEvent, Delivery, Inbound, Unsupported
from tests.whatsapp.data import FIXTURES, NOW, NUMBER


def events_of(name: str):
    return parse(FIXTURES[name], served=lambda number: number == NUMBER, now=NOW)


# name: (kind, text, opens the window)
INBOUND = {
    "text": ("text", "Berapa denda telat bayar? 😀", True),
    "text_quoting": ("text", "yang ini maksudnya?", True),
    "text_forwarded": ("text", "Menang undian! https://x.example/a", True),
    "text_from_ad": ("text", "Info dong", True),
    "text_product": ("text", "masih ada?", True),
    "text_right_to_left": ("text", "مرحبا\u200f שלום", True),
    "text_username_only": ("text", "halo", True),
    "text_both_ids": ("text", "halo lagi", True),
    "image": ("image", "ini STNK saya", True),
    "image_without_caption": ("image", "", True),
    "video": ("video", "lihat ini", True),
    "voice": ("audio", "", True),
    "document": ("document", "bukti bayar", True),
    "sticker": ("sticker", "", True),
    "media_lost": ("image", "", True),
    "location": ("location", "", True),
    "contacts": ("contacts", "", True),
    "button": ("button", "Track order", True),
    "button_without_context": ("button", "Track order", True),
    "button_reply": ("interactive", "Ya, buatkan", True),
    "list_reply": ("interactive", "Express", True),
    "flow_reply": ("interactive", "Sent", True),
    "flow_reply_broken": ("interactive", "", True),
    "call_permission_reply": ("interactive", "", True),
    "interactive_empty": ("interactive", "", True),
    "order": ("order", "tolong dibungkus", True),
    "reaction": ("reaction", "", True),
    "reaction_removed": ("reaction", "", True),
    "edit": ("edit", "maksud saya mobil", False),
    "revoke": ("revoke", "", False),
    "unsupported_poll": ("unsupported", "", True),
    "unknown_old_spelling": ("unknown", "", True),
    "future_kind": ("hologram", "", True),
    "system_number_changed": ("system", "", False),
    "system_user_id_changed": ("system", "", False),
    "system_identity_changed": ("system", "", False),
    "request_welcome": ("request_welcome", "", False),
    "dirty_text": ("text", "ab\nc\td \ufffd end", True),
}

# name: (state, error code)
DELIVERIES = {
    "status_sent": ("sent", None),
    "status_delivered": ("delivered", None),
    "status_read": ("read", None),
    "status_played": ("read", None),
    "status_failed": ("failed", 131047),
    "status_group": ("delivered", None),
    "status_with_conversation": ("sent", None),
}

ACCOUNT = {
    "template_rejected": "message_template_status_update",
    "template_quality": "message_template_quality_update",
    "template_category": "template_category_update",
    "number_quality": "phone_number_quality_update",
    "number_name": "phone_number_name_update",
    "account_restricted": "account_update",
    "account_disabled": "account_update",
    "flow_endpoint": "flows",
    "errors_only": "errors",
}

UNSUPPORTED = {
    "group_text": "group_message",
    "no_sender": "no_sender",
    "status_deleted": "unknown_status",
    "empty_change": "empty_change",
    "user_preferences": "field:user_preferences",
    "user_id_update": "field:user_id_update",
    "echo": "field:smb_message_echoes",
    "app_state_sync": "field:smb_app_state_sync",
    "history": "field:history",
    "standby": "field:standby",
    "handover": "field:messaging_handovers",
    "call": "field:calls",
    "group_lifecycle": "field:group_lifecycle_update",
    "future_field": "field:telepathy_update",
}


def test_every_fixture_is_in_a_table():
    assert set(FIXTURES) == {*INBOUND, *DELIVERIES, *ACCOUNT, *UNSUPPORTED, "batch"}


@pytest.mark.parametrize("name", INBOUND)
def test_messages(name):
    (event,) = events_of(name)
    assert isinstance(event, Inbound)
    assert (event.kind, event.text, event.opens_window) == INBOUND[name]
    assert event.number == NUMBER
    assert event.wamid == f"wamid.IN.{name}"
    assert event.sent_at == datetime.fromtimestamp(1795000000, UTC)


@pytest.mark.parametrize("name", DELIVERIES)
def test_statuses(name):
    (event,) = events_of(name)
    assert isinstance(event, Delivery)
    assert (event.state, event.error_code) == DELIVERIES[name]
    assert (event.number, event.wamid, event.callback_id) == (NUMBER, "wamid.OUT.question", "out:9f2c")


@pytest.mark.parametrize("name", ACCOUNT)
def test_account_news(name):
    (event,) = events_of(name)
    assert isinstance(event, AccountEvent)
    assert (event.field, event.account) == (ACCOUNT[name], "222000111000999")


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_is_not_served_is_kept(name):
    (event,) = events_of(name)
    assert isinstance(event, Unsupported)
    assert event.why == UNSUPPORTED[name]
    assert event.body


def test_a_batch_loses_nothing_to_its_odd_items():
    seen = [(type(e).__name__, getattr(e, "wamid", None) or getattr(e, "why", None)) for e in events_of("batch")]
    assert seen == [
        ("Inbound", "wamid.IN.batch1"),
        ("Unsupported", "no_id"),
        ("Unsupported", "odd_message"),
        ("Inbound", "wamid.IN.batch2"),
        ("Delivery", "wamid.OUT.question"),
        ("Unsupported", "unknown_status"),
        ("Delivery", "wamid.OUT.question"),
        ("Unsupported", "unserved_number"),
        ("Unsupported", "odd_change"),
        ("Unsupported", "odd_change"),
        ("Unsupported", "odd_entry"),
        ("AccountEvent", None),
    ]


def test_names_are_matched_by_id_and_not_by_position():
    messages = [event for event in events_of("batch") if isinstance(event, Inbound)]
    assert [(m.phone, m.name) for m in messages] == [
        ("6281255501234", "Ana Pramesti"),
        ("16505559999", "Bo Li"),
    ]


def test_who_wrote():
    (by_phone,) = events_of("text")
    assert (by_phone.phone, by_phone.user_id) == ("6281255501234", None)
    (by_user_id,) = events_of("text_username_only")
    assert (by_user_id.phone, by_user_id.user_id) == (None, "ID.13491200000000000001")
    assert by_user_id.parent_user_id == "ID.ENT.118150000000000001"
    (both,) = events_of("text_both_ids")
    assert (both.phone, both.user_id) == ("6281255501234", "ID.13491200000000000001")
    # A system event tells new ids; the sender is still the one it came from.
    (changed,) = events_of("system_number_changed")
    assert (changed.phone, changed.user_id) == ("6281255501234", None)


def test_context_and_failure_words():
    (quoting,) = events_of("text_quoting")
    assert quoting.context_wamid == "wamid.OUT.question"
    (failed,) = events_of("status_failed")
    assert failed.error == "More than 24 hours have passed."


def test_a_dirty_name_is_cleaned_and_shortened():
    (event,) = events_of("dirty_text")
    assert event.name == "Ana " + "x" * 251
    assert event.body["text"]["body"] == event.text
