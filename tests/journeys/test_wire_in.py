"""What comes in beside plain messages: changes of messages, other names, other owners of the thread, calls, groups."""

from datetime import timedelta
from typing import Any

from sahut.models import AccountNews, Contact, Message, RawEvent
from sahut.testing.clock import START
from tests.journeys.lines import FINE, LOST
from tests.journeys.stage import World

DAY_S = 24 * 3600


def event(world: World, field: str, **value: Any) -> dict[str, Any]:
    """A webhook of any field for our number."""
    meta = {"display_phone_number": world.double.display, "phone_number_id": world.double.number}
    change = {"field": field, "value": {"messaging_product": "whatsapp", "metadata": meta, **value}}
    return {"object": "whatsapp_business_account", "entry": [{"id": world.double.account, "changes": [change]}]}


def seconds(after_s: float = 0) -> str:
    return str(int((START + timedelta(seconds=after_s)).timestamp()))


async def tell(world: World, field: str, **value: Any) -> None:
    assert await world.post(event(world, field, **value)) == 200
    await world.settles()


def echo(to: str | None, text: str, at: float = 0, wamid: str = "wamid.ECHO") -> dict[str, Any]:
    return {"from": "1", "to": to, "id": wamid, "timestamp": seconds(at), "type": "text", "text": {"body": text}}


def renamed(old: str, new: str, at: float = 0, wamid: str = "wamid.CHANGE") -> dict[str, Any]:
    system = {"type": "user_changed_number", "body": "Ani has a new number", "wa_id": new, "user_id": "ID.2"}
    return {"from": old, "id": wamid, "timestamp": seconds(at), "type": "system", "system": system}


# --- what becomes of a message


async def test_an_edit_before_the_answer_is_what_is_answered(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    wamid = ani.text("Halo")["id"]
    new = {"type": "text", "text": {"body": FINE}}
    edit = ani.message("edit", {"original_message_id": wamid, "message": new})
    await ani.deliver(ani.text("Halo", wamid=wamid), edit)
    await world.settles()

    assert "2%" in world.sent_to(ani)[0]
    first = (await budi.messages(ani))[0]
    assert (first["text"], first["edited_at"] is not None) == (FINE, True)


async def test_a_withdrawal_that_comes_first_leaves_nothing_to_answer(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    message = ani.text(FINE)
    await ani.deliver(ani.message("revoke", {"original_message_id": message["id"]}))
    await ani.deliver(message)
    await world.settles()

    assert world.sent_to(ani) == []
    gone = next(line for line in await budi.messages(ani) if line["wamid"] == message["id"])
    assert (gone["text"], gone["body"], gone["revoked_at"] is not None) == ("", {"type": "text"}, True)


async def test_nobody_withdraws_what_another_wrote(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await world.settles()
    ours = ani.received[0]
    await ani.deliver(ani.message("revoke", {"original_message_id": ours.wamid}))
    eve = world.customer("Eve")
    await eve.deliver(eve.message("reaction", {"message_id": ours.wamid, "emoji": "🤡"}))

    kept = next(line for line in await budi.messages(ani) if line["wamid"] == ours.wamid)
    assert (kept["text"], kept["revoked_at"], kept["reaction"]) == (ours.text, None, "")


async def test_reactions_in_any_order_leave_the_last_one(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await world.settles()
    ours = ani.received[0].wamid
    late = ani.message("reaction", {"message_id": ours, "emoji": "👍"}, at=START + timedelta(seconds=9))
    early = ani.message("reaction", {"message_id": ours, "emoji": "😡"}, at=START + timedelta(seconds=5))
    world.clock.advance(10)
    await ani.deliver(late)
    await ani.deliver(early)
    await world.settles()

    assert next(line for line in await budi.messages(ani) if line["wamid"] == ours)["reaction"] == "👍"
    assert len(world.sent_to(ani)) == 1


# --- a colleague at the phone, and other owners


async def test_complaint_01_a_colleague_at_the_phone_counts_as_a_human_for_a_day(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await tell(world, "smb_message_echoes", message_echoes=[echo(ani.phone, "Saya bantu ya")])
    await ani.says(FINE)
    await world.settles()
    assert world.sent_to(ani) == []
    conversation = await budi.conversation(ani)
    assert (conversation["holder"], conversation["held_by_name"]) == ("operator", "WhatsApp app")
    assert [line["author"] for line in await budi.messages(ani)] == ["operator", "contact"]

    await world.passes(DAY_S + 60)
    await ani.says(LOST)
    await world.settles()
    assert len(world.sent_to(ani)) == 1
    assert (await budi.conversation(ani))["holder"] == "assistant"


async def test_who_holds_a_conversation_keeps_it_when_somebody_writes_from_the_phone(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says("Halo")
    await budi.takes_over(ani)
    await tell(world, "smb_message_echoes", message_echoes=[echo(ani.phone, "Saya bantu ya")] * 2)
    assert (await budi.conversation(ani))["held_by_name"] == "budi"
    assert sum(line["author_name"] == "WhatsApp app" for line in await budi.messages(ani)) == 1


async def test_on_standby_nothing_is_said_until_the_thread_is_ours(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    copy = {**ani.text(FINE, at=START), "id": "wamid.X"}
    await tell(world, "standby", standby={"messages": [copy]})
    assert world.sent_to(ani) == []
    assert (await budi.conversation(ani))["standby"]

    passed = {"new_owner_role": "escalation", "metadata": "wants a person"}
    value = {
        "sender": {"phone_number": ani.phone},
        "recipient": {"phone_number_id": world.double.number},
        "timestamp": seconds(60),
        "type": "control_passed",
        "control_passed": passed,
    }
    world.clock.advance(60)
    for _ in range(2):
        await tell(world, "messaging_handovers", **value)
    assert not (await budi.conversation(ani))["standby"]
    (handoff,) = await budi.handoffs(ani)
    assert (handoff["reason"], handoff["summary"]) == ("asked_for_human", "wants a person")


async def test_a_draft_is_dropped_when_the_thread_passes_to_another_owner(world: World):
    ani = world.customer("Ani")
    world.model.hold()
    await ani.says(FINE)
    await world.settles()
    world.clock.advance(5)
    value = {
        "sender": {"phone_number": ani.phone},
        "recipient": {"phone_number_id": world.double.number},
        "timestamp": seconds(5),
        "type": "control_taken",
        "control_taken": {"new_owner_role": "ai_agent"},
    }
    assert await world.post(event(world, "messaging_handovers", **value)) == 200
    world.model.go_on()
    await world.settles()
    assert world.double.sent == []


# --- calls, groups, preferences, the account


async def test_a_call_opens_the_window_and_is_answered_in_writing_once(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    call = {"id": "wacid.1", "from": ani.phone, "direction": "USER_INITIATED", "timestamp": seconds()}
    world.double.sees({"entry": [{"changes": [{"value": {"messages": [{**call, "type": "call"}]}}]}]})
    for name in ("connect", "terminate", "connect"):
        await tell(world, "calls", calls=[{**call, "event": name, "session": {"sdp": "v=0"}}])

    assert len(world.sent_to(ani)) == 1
    assert (await budi.conversation(ani))["window_closes_at"] is not None
    line = (await budi.messages(ani))[0]
    assert (line["kind"], line["body"]["event"]) == ("call", "terminate")
    assert "session" not in line["body"]


async def test_a_groups_messages_are_stored_and_an_operator_may_answer_there(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.deliver({**ani.text(FINE), "group_id": "120363"})
    await world.settles()
    assert world.double.sent == []
    (conversation,) = await budi.rest.items("conversations")
    path = f"conversations/{conversation['id']}/messages"
    (line,) = await budi.rest.items(path)
    assert (line["text"], line["author_name"]) == (FINE, "Ani")
    await budi.rest.post(path, {"type": "text", "text": {"body": "Halo semua"}})
    await world.settles()
    assert (world.double.sent + [b for b, _ in world.double.refused]) != []


async def test_the_last_word_on_marketing_stands_in_any_order(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says("Halo")
    for value, at in (("resume", 50), ("stop", 20)):
        wish = {"wa_id": ani.phone, "category": "marketing_messages", "value": value, "timestamp": int(seconds(at))}
        world.clock.advance(60)
        await tell(world, "user_preferences", user_preferences=[wish])
    contact = (await budi.conversation(ani))["contact"]
    assert contact["marketing_stopped"] is False


async def test_a_wish_that_was_told_under_another_name_holds_once_they_are_one(world: World):
    ani, budi = await world.asked("Ani", FINE), await world.operator()
    wish = {"user_id": "ID.2", "category": "marketing_messages", "value": "stop", "timestamp": int(seconds())}
    await tell(world, "user_preferences", user_preferences=[wish])
    assert (await budi.conversation(ani))["contact"]["marketing_stopped"] is False
    change = {"from": ani.phone, "id": "wamid.CHANGE", "timestamp": seconds(), "type": "system"}
    told = {"type": "user_changed_user_id", "user_id": "ID.2"}
    await tell(world, "messages", messages=[{**change, "system": told}])
    assert len(await world.rows(Contact)) == 1
    assert (await budi.conversation(ani))["contact"]["marketing_stopped"] is True


async def test_news_of_the_account_is_kept_once(world: World):
    value = {"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "SPAM"}}
    payload = event(world, "account_update", **value)
    for _ in range(3):
        assert await world.post(payload) == 200
    (news,) = await world.rows(AccountNews)
    assert (news.event, news.words) == ("ACCOUNT_VIOLATION", "SPAM")


# --- names


async def test_a_changed_number_is_the_same_customer_and_the_old_one_a_stranger(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await world.settles()
    new = world.double.customer("6281299999999", "Ani")
    world.clock.advance(10)
    await world.post(world.double.payload_of(renamed(ani.phone, new.phone, 10)))
    world.clock.advance(10)
    await new.says(LOST)
    await world.settles()

    conversation = await budi.conversation(new)
    assert conversation["contact"]["number_changed_at"] is not None
    lines = await budi.rest.items(f"conversations/{conversation['id']}/messages")
    assert lines[0]["text"] == FINE
    assert len(world.sent_to(new)) == 1
    # Whoever has the old number now is somebody else; what its owner wrote before the change is still theirs.
    await ani.says("Ini nomor baru saya", at=START + timedelta(seconds=5))
    assert len(await budi.rest.items("conversations")) == 1
    await ani.says("Saya orang lain")
    assert len(await budi.rest.items("conversations")) == 2


async def test_who_writes_from_an_old_number_before_its_change_is_told_is_answered_there(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await world.settles()
    world.clock.advance(20)
    heir = ani
    await heir.says(LOST)
    await world.settles()
    await world.post(world.double.payload_of(renamed(ani.phone, "6281299999999", 10)))
    await heir.says(FINE)
    await world.settles()

    assert {sent.to.removeprefix("+") for sent in world.double.sent} == {ani.phone}
    # Two people's words lie there, and somebody is asked to look.
    (conversation,) = await budi.rest.items("conversations")
    assert conversation["contact"]["number_changed_at"] is not None


async def test_a_change_that_is_told_again_takes_the_number_from_nobody(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await world.settles()
    change = world.double.payload_of(renamed(ani.phone, "6281299999999", 10))
    world.clock.advance(10)
    await world.post(change)
    world.clock.advance(10)
    await ani.says("Saya orang lain")
    await world.settles()
    await world.post(change)

    heir, renamed_one = await budi.rest.items("conversations")
    assert (heir["contact"]["number_changed_at"], heir["contact"]["review"]) == (None, "")
    assert renamed_one["contact"]["review"] == ""
    await ani.says(FINE)
    await world.settles()
    assert len(await budi.rest.items("conversations")) == 2


async def test_a_changed_number_is_told_nothing_private_until_somebody_is_sure(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await world.settles()
    new = world.double.customer("6281299999999", "Ani")
    world.clock.advance(10)
    await world.post(world.double.payload_of(renamed(ani.phone, new.phone, 10)))
    world.clock.advance(10)
    await new.says("status tiket saya?")
    await world.settles()
    assert "memastikan identitas Anda" in world.sent_to(new)[-1]
    (waiting,) = await budi.handoffs(new)
    assert (waiting["state"], waiting["reason"]) == ("queued", "rule")
    assert world.model.briefs[-1].turn.history == ()

    contact = (await budi.conversation(new))["contact"]["id"]
    assert (await budi.rest.post(f"contacts/{contact}/verified")).status_code == 204
    assert (await budi.rest.get(f"contacts/{contact}"))["number_changed_at"] is None


async def test_a_change_told_twice_and_before_the_message_is_one_contact(world: World):
    ani = world.customer("Ani")
    change = renamed(ani.phone, "6281299999999", 10)
    world.clock.advance(10)
    for _ in range(2):
        await world.post(world.double.payload_of(change))
    await ani.says(FINE, at=START + timedelta(seconds=5))
    assert len(await world.rows(Contact)) == 1


async def test_two_known_people_are_never_made_one(world: World):
    ani, eve, budi = world.customer("Ani"), world.customer("Eve"), await world.operator()
    await ani.says(FINE)
    await eve.says(FINE)
    await world.settles()
    world.clock.advance(10)
    await world.post(world.double.payload_of(renamed(ani.phone, eve.phone, 10)))
    conversation = await budi.conversation(eve)
    assert "names of another contact" in conversation["contact"]["review"]
    assert len(await budi.rest.items(f"conversations/{conversation['id']}/messages")) == 2
    assert len(await world.rows(Contact)) == 2
    # Nobody knows who of the two said what: until somebody has looked, nothing of it is told.
    await eve.says(LOST)
    await world.settles()
    assert world.model.briefs[-1].turn.history == ()


async def test_a_number_with_another_user_id_is_reviewed_before_it_is_trusted(world: World):
    ani, budi = world.customer("Ani", user_id="ID.1"), await world.operator()
    await ani.says(FINE)
    await world.settles()
    world.clock.advance(10)
    await ani.deliver({**ani.text(LOST), "from_user_id": "ID.2"})
    await world.settles()
    contact = (await budi.conversation(ani))["contact"]
    assert (contact["user_id"], contact["number_changed_at"] is not None) == ("ID.2", True)


async def test_somebody_without_a_number_is_answered_at_their_user_id(world: World):
    ani = world.customer("Ani", user_id="ID.1", phone=False)
    await ani.says(FINE)
    await world.settles()
    assert world.double.sent[0].to == "ID.1"


async def test_whoever_has_no_name_left_is_a_matter_for_a_person(world: World):
    ani, eve, budi = world.customer("Ani"), world.customer("Eve"), await world.operator()
    await ani.says(FINE)
    await eve.says(FINE)
    await world.settles()
    before = await budi.conversation(ani)
    world.clock.advance(10)
    await world.post(world.double.payload_of(renamed(ani.phone, eve.phone, 10)))
    path = f"conversations/{before['id']}/messages"
    await budi.rest.post(path, {"type": "text", "text": {"body": "Halo?"}})
    await world.settles()
    last = (await budi.rest.items(path))[-1]
    assert (last["state"], "neither a phone number" in last["error"]) == ("failed", True)


async def test_what_is_not_understood_is_kept_and_counted(world: World):
    await tell(world, "telepathy_update", thought="?")
    (kept,) = await world.rows(RawEvent)
    assert kept.why == "field:telepathy_update"
    assert await world.rows(Message) == []


# --- the phone app's address book, its old chats, and groups


def in_the_book(phone: str, name: str, action: str = "add") -> dict[str, Any]:
    return {"type": "contact", "action": action, "contact": {"full_name": name, "phone_number": phone}}


async def test_the_address_book_names_whom_we_know_by_no_name_and_nobody_else(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    await ani.says(FINE)
    await tell(world, "smb_message_echoes", message_echoes=[echo("6281255500001", "Saya bantu ya")])
    book = [in_the_book(*one) for one in ((ani.phone, "Bu RT"), ("6281255500001", "Bo"), ("6281255500002", "Cici"))]
    await tell(world, "smb_app_state_sync", state_sync=[*book, in_the_book("6281255500001", "Gone", "remove")])
    await tell(world, "smb_app_state_sync", state_sync=book)
    names = {item["contact"]["name"] for item in await budi.rest.items("conversations")}
    assert names == {"Ani", "Bo"}
    assert len(await world.rows(Contact)) == 2


async def test_old_chats_are_counted_once_and_answered_by_nobody(world: World):
    ani, budi = world.customer("Ani"), await world.operator()
    old = {"from": ani.phone, "id": "wamid.OLD", "timestamp": seconds(-DAY_S), "type": "text", "text": {"body": FINE}}
    part = {
        "metadata": {"phase": 0, "chunk_order": 1, "progress": 40},
        "threads": [{"id": ani.phone, "messages": [old]}],
    }
    for _ in range(2):
        await tell(world, "history", history=[part])
    await world.passes(60)
    assert (ani.received, await budi.rest.items("conversations"), await world.rows(Message)) == ([], [], [])
    (news,) = await world.rows(AccountNews)
    assert (news.field, news.words) == ("history", "1 old messages in 1 chats, 40% are here")
    assert FINE not in str(news.body)
    assert [row.why for row in await world.rows(RawEvent)] == ["history"]


async def test_what_happens_to_a_group_is_a_line_in_its_thread(world: World):
    budi, group = await world.operator(), "120363000000000007"
    made = {"timestamp": seconds(), "group_id": group, "type": "group_create", "subject": "Warga RT 5"}
    joined = {"timestamp": seconds(), "group_id": group, "type": "group_participants_add"}
    for _ in range(2):
        await tell(world, "group_lifecycle_update", groups=[made])
        await tell(world, "group_participants_update", groups=[{**joined, "added_participants": [{"wa_id": "628125"}]}])
    (conversation,) = await budi.rest.items("conversations")
    assert (conversation["contact"]["name"], conversation["window_closes_at"]) == ("Warga RT 5", None)
    lines = await budi.rest.items(f"conversations/{conversation['id']}/messages")
    assert [(line["author"], line["text"]) for line in lines] == [
        ("system", "group create: Warga RT 5"),
        ("system", "group participants add: +628125"),
    ]
    assert world.double.sent == []
