"""One fixture for each kind of webhook that Meta sends, all of them parsed, the expected values in one table."""

from datetime import UTC, datetime, timedelta

import pytest

from api.whatsapp.groups import parse_group
from api.whatsapp.inbound import Contacts
from api.whatsapp.payloads import parse
from sahut.events import (
    AccountEvent,
    AppContact,
    Call,
    Delivery,
    Echo,
    GroupEvent,
    Handover,
    History,
    IdentityChange,
    Inbound,
    Names,
    Preference,
    TemplateEvent,
    Unsupported,
)
from tests.whatsapp.data import FIXTURES, NOW, NUMBER


def events_of(name: str):
    return parse(FIXTURES[name], served=lambda number: number == NUMBER, now=NOW)


S = timedelta(seconds=1)
NAME = "Ana Pramesti"
# Told apart by tests of their own.
LONELY = {"batch", "standby", "group_text", "app_state_sync"}

# name: (kind, text, opens the window)
INBOUND = {
    "text": ("text", "Berapa denda telat bayar? 😀", True),
    "text_quoting": ("text", "yang ini maksudnya?", True),
    "text_forwarded": ("text", "Menang undian! https://x.example/a", True),
    "text_frequently_forwarded": ("text", "Kirim ke sepuluh teman", True),
    "text_from_ad": ("text", "Info dong", True),
    "text_product": ("text", "masih ada?", True),
    "text_right_to_left": ("text", "مرحبا\u200f שלום", True),
    "text_username_only": ("text", "halo", True),
    "text_both_ids": ("text", "halo lagi", True),
    "image": ("image", "ini STNK saya", True),
    "image_without_caption": ("image", "", True),
    "video": ("video", "lihat ini", True),
    "voice": ("audio", "", True),
    "audio_file": ("audio", "", True),
    "animated_sticker": ("sticker", "", True),
    "document": ("document", "bukti bayar", True),
    "sticker": ("sticker", "", True),
    "media_lost": ("image", "", True),
    "location": ("location", "Kantor Samsat\nJl. Contoh 1\n-6.9, 107.6", True),
    "contacts": ("contacts", "Bo Li, +1 650-555-9999", True),
    "button": ("button", "Track order", True),
    "button_without_context": ("button", "Track order", True),
    "button_reply": ("interactive", "Ya, buatkan", True),
    "list_reply": ("interactive", "Express", True),
    "flow_reply": ("interactive", "Sent", True),
    "flow_reply_broken": ("interactive", "", True),
    "call_permission_reply": ("interactive", "", True),
    "address_reply": ("interactive", "Jl. Contoh 5", True),
    "interactive_empty": ("interactive", "", True),
    "order": ("order", "tolong dibungkus\n2 × SKU1 (30 USD)", True),
    "reaction": ("reaction", "👍", True),
    "reaction_removed": ("reaction", "", True),
    "edit": ("edit", "maksud saya mobil", False),
    "edit_caption": ("edit", "ini SIM saya", False),
    "revoke": ("revoke", "", False),
    "unsupported_poll": ("unsupported", "", True),
    "unknown_old_spelling": ("unknown", "", True),
    "future_kind": ("hologram", "", True),
    "system_number_changed": ("system", "User Ana changed from 6281255501234 to 6281255509999", False),
    "system_user_id_changed": ("system", "User Ana changed", False),
    "system_identity_changed": ("system", "User identity changed", False),
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
    "status_free_entry": ("sent", None),
}

# name: (field, what happened, what else is to be read)
ACCOUNT = {
    "number_quality": ("phone_number_quality_update", "THROUGHPUT_UPGRADE", "TIER_UNLIMITED"),
    "number_name": ("phone_number_name_update", "APPROVED", "Acme"),
    "account_restricted": ("account_update", "ACCOUNT_RESTRICTION", "RESTRICTED_BIZ_INITIATED_MESSAGING"),
    "account_disabled": ("account_update", "DISABLED_UPDATE", "SCHEDULE_FOR_DISABLE; November 30, 2026"),
    "account_violation": ("account_update", "ACCOUNT_VIOLATION", "SPAM"),
    "account_alert": ("account_alerts", "OBA_APPROVED", "Approved"),
    "account_review": ("account_review_update", "APPROVED", ""),
    "business_capability": ("business_capability_update", "", "TIER_2K"),
    "security_pin": ("security", "PIN_CHANGED", ""),
    "username": ("business_username_update", "approved", ""),
    "payment_configuration": ("payment_configuration_update", "active", ""),
    "flow_endpoint": ("flows", "ENDPOINT_ERROR_RATE", "Error rate is high"),
    "errors_only": ("errors", "130429", "Rate limit hit"),
}

# name: (name, status, quality, category)
TEMPLATES = {
    "template_rejected": ("abandoned_cart", "REJECTED", "", ""),
    "template_approved": ("order_update", "APPROVED", "", "UTILITY"),
    "template_paused": ("order_update", "PAUSED", "", ""),
    "template_quality": ("welcome", "", "YELLOW", ""),
    "template_category": ("n", "", "", "MARKETING"),
    "template_components": ("order_update", "", "", ""),
}

# name: (what happened, subject, members, error)
GROUPS = {
    "group_lifecycle": ("group_create", "Warga RT 5", (), ""),
    "group_participants": ("group_participants_add", "", ("+6281255501234", "ID.13491200000000000009"), ""),
    "group_settings": ("group_settings_update", "Warga RT 5", (), ""),
    "group_status": ("group_suspend", "", (), "The group was suspended"),
}

# name: (phase, part, percent, threads, messages, error code)
HISTORIES = {
    "history": (1, 2, 55, 1, 2, None),
    "history_declined": (None, None, None, 0, 0, 2593109),
}

UNSUPPORTED = {
    "no_sender": "no_sender",
    "status_deleted": "unknown_status",
    "empty_change": "empty_change",
    "app_state_other": "app_state_without_contact",
    "standby_statuses": "standby_statuses",
    "group_without_id": "group_without_id",
    "future_field": "field:telepathy_update",
}

ANA = Names(phone="6281255501234")
AT = datetime.fromtimestamp(1795000000, UTC)
# What is about a customer and is no message of theirs.
OTHERS = {
    "echo": Echo(number=NUMBER, wamid="wamid.ECHO", names=ANA, text="Saya bantu ya", sent_at=AT + 2 * S, body={}),
    "echo_revoke": Echo(
        number=NUMBER,
        wamid="wamid.ECHO.revoke",
        names=ANA,
        kind="revoke",
        sent_at=AT + 3 * S,
        about="wamid.ECHO",
        body={},
    ),
    "echo_by_user_id": Echo(
        number=NUMBER,
        wamid="wamid.ECHO.user",
        names=Names(user_id="ID.13491200000000000001"),
        kind="image",
        text="contoh",
        sent_at=AT + 2 * S,
        body={},
    ),
    "standby_echo": Echo(
        number=NUMBER,
        wamid="standby:wamid.OTHER",
        names=ANA,
        text="Ada yang bisa saya bantu?",
        sent_at=AT + S,
        standby=True,
        body={},
    ),
    "call": Call(number=NUMBER, id="wacid.1", names=ANA, name=NAME, event="connect", at=AT + 40 * S, body={}),
    "call_ended": Call(
        number=NUMBER,
        id="wacid.1",
        names=ANA,
        name=NAME,
        event="terminate",
        status="FAILED",
        duration_s=10,
        at=AT + 50 * S,
        body={},
    ),
    "call_by_us": Call(
        number=NUMBER, id="wacid.2", names=ANA, event="connect", from_customer=False, at=AT + 40 * S, body={}
    ),
    "handover": Handover(
        number=NUMBER,
        names=ANA,
        ours=True,
        new_role="escalation",
        note="user asked for a human",
        at=AT + 30 * S,
    ),
    "handover_taken": Handover(number=NUMBER, names=ANA, ours=False, new_role="ai_agent", at=AT + 20 * S),
    "user_preferences": Preference(
        number=NUMBER, names=ANA, name=NAME, category="marketing_messages", value="stop", at=AT + 20 * S
    ),
    "preference_resume": Preference(
        number=NUMBER, names=ANA, name=NAME, category="marketing_messages", value="resume", at=AT + 10 * S
    ),
    "user_id_update": IdentityChange(
        number=NUMBER,
        old=Names(user_id="ID.1349"),
        new=Names(phone="6281255509999", user_id="ID.2481"),
        at=AT + 10 * S,
    ),
    "user_id_update_known": IdentityChange(
        number=NUMBER,
        old=Names(user_id="ID.13491200000000000001", parent_user_id="ID.ENT.118150000000000001"),
        new=Names(user_id="ID.24810000000000000002", parent_user_id="ID.ENT.218150000000000002"),
        name="Sari",
        at=AT + 10 * S,
    ),
}


def test_every_fixture_is_in_a_table():
    tables = (INBOUND, DELIVERIES, ACCOUNT, TEMPLATES, GROUPS, HISTORIES, OTHERS, UNSUPPORTED)
    assert set(FIXTURES) == {*LONELY}.union(*tables)


@pytest.mark.parametrize("name", INBOUND)
def test_messages(name):
    event, *change = events_of(name)
    assert isinstance(event, Inbound)
    assert bool(change) == (name in ("system_number_changed", "system_user_id_changed"))
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
    assert event.account == "222000111000999"
    assert (event.field, event.event, event.words) == ACCOUNT[name]


@pytest.mark.parametrize("name", TEMPLATES)
def test_template_news(name):
    (event,) = events_of(name)
    assert isinstance(event, TemplateEvent)
    assert (event.name, event.status, event.quality, event.category) == TEMPLATES[name]


@pytest.mark.parametrize("name", GROUPS)
def test_group_news(name):
    (event,) = events_of(name)
    assert isinstance(event, GroupEvent)
    assert (event.number, event.group) == (NUMBER, "120363000000000001")
    assert (event.kind, event.subject, event.members, event.error) == GROUPS[name]


def test_a_name_that_a_group_did_not_get_is_not_told():
    item = {"group_id": "1203", "group_subject": {"text": "Warga RT 5", "update_successful": False}}
    event = parse_group(item, number=NUMBER, contacts=Contacts(), now=NOW)
    assert isinstance(event, GroupEvent)
    assert event.subject == ""


@pytest.mark.parametrize("name", HISTORIES)
def test_old_chats(name):
    (event,) = events_of(name)
    assert isinstance(event, History)
    told = (event.phase, event.part, event.progress, event.threads, event.messages, event.error_code)
    assert told == HISTORIES[name]
    assert event.body


def test_an_address_book_tells_each_of_its_contacts():
    kept, removed = events_of("app_state_sync")
    assert isinstance(kept, AppContact)
    assert isinstance(removed, AppContact)
    assert (kept.names.phone, kept.name, kept.action) == ("16505557777", "Bo", "add")
    assert (removed.names.phone, removed.name, removed.action) == ("16505558888", "", "remove")


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_about_a_customer_beside_messages(name):
    (event,) = events_of(name)
    assert event.model_copy(update={"body": {}} if "body" in type(event).model_fields else {}) == OTHERS[name]


def test_another_owners_copy_never_hides_ours():
    (event,) = events_of("standby")
    assert isinstance(event, Inbound)
    assert (event.wamid, event.standby, event.text) == ("standby:wamid.IN.standby", True, "hai")


def test_a_groups_message_names_its_group_and_its_member():
    (event,) = events_of("group_text")
    assert isinstance(event, Inbound)
    assert (event.group, event.phone, event.text) == ("120363000000000001", "6281255501234", "halo semua")


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
    message, changed = events_of("system_number_changed")
    assert (message.phone, message.user_id) == ("6281255501234", None)
    assert changed == IdentityChange(
        number=NUMBER, old=ANA, new=Names(phone="6281255509999", user_id="ID.2481700000000000002"), at=AT
    )


def test_context_and_failure_words():
    (quoting,) = events_of("text_quoting")
    assert quoting.context_wamid == "wamid.OUT.question"
    (failed,) = events_of("status_failed")
    assert failed.error == "More than 24 hours have passed."


def test_a_dirty_name_is_cleaned_and_shortened():
    (event,) = events_of("dirty_text")
    assert event.name == "Ana " + "x" * 251
    assert event.body["text"]["body"] == event.text


def test_what_each_kind_alone_brings():
    def one(name):
        return events_of(name)[0]

    assert one("voice").file.voice
    assert not one("audio_file").file.voice
    assert one("animated_sticker").file.animated
    assert (one("document").file.media_type, one("document").file.filename) == (
        "application/pdf",
        "Kwitansi \u00e9.pdf",
    )
    assert one("media_lost").file.id is None
    assert (one("reaction").about, one("reaction").emoji) == ("wamid.OUT.question", "👍")
    assert one("reaction_removed").emoji == ""
    assert one("revoke").about == one("edit").about == "wamid.IN.text"
    assert (one("button").choice, one("button_reply").choice) == ("ORDER:42", "ticket_yes")
    assert one("flow_reply").answers == {"flow_token": "tok-1", "rating": "5"}
    assert one("flow_reply_broken").answers is None
    assert one("text_forwarded").forwarded
    assert one("text_frequently_forwarded").forwarded
    assert (one("text_from_ad").referral.kind, one("text_from_ad").referral.click_id) == ("ad", "Aff0")


def test_what_a_status_says_of_money():
    (free,) = events_of("status_free_entry")
    assert (free.pricing.kind, free.pricing.category) == ("free_entry_point", "referral_conversion")
    assert free.free_until == datetime.fromtimestamp(1795259205, UTC)
    (played,) = events_of("status_played")
    assert played.played
    (sent,) = events_of("status_sent")
    assert sent.free_until is None
