"""Message bodies and Meta's limits on them, and the policy of every error code."""

import pytest

from api.whatsapp.limits import CALLBACK_DATA, content_problem, first_problem
from api.whatsapp.outgoing import addressed, buttons, menu, text
from api.whatsapp.policy import POLICIES, UNKNOWN_CODE, policy_for
from sahut.text import cut, utf16_length


def test_text_limits_count_utf16_units():
    assert text("x" * 4096)["text"]["body"]
    assert text("😀" * 2048)
    for body in ("", "  \n", "x" * 4097, "😀" * 2049):
        with pytest.raises(ValueError, match=r"text\.body"):
            text(body)
    assert utf16_length("a😀") == 3


def test_buttons():
    message = buttons("Buatkan tiket?", [("yes", "Ya"), ("no", "Tidak")], footer="Kantor")
    assert message["interactive"]["action"]["buttons"][0] == {
        "type": "reply",
        "reply": {"id": "yes", "title": "Ya"},
    }
    assert message["interactive"]["footer"] == {"text": "Kantor"}


@pytest.mark.parametrize(
    ("body", "choices"),
    [
        ("", [("a", "A")]),
        ("x" * 1025, [("a", "A")]),
        ("ok", []),
        ("ok", [(str(i), str(i)) for i in range(4)]),
        ("ok", [("a", "x" * 21)]),
        ("ok", [("a", "")]),
        ("ok", [("x" * 257, "A")]),
        ("ok", [("a", "A"), ("a", "B")]),
        ("ok", [("a", "A"), ("b", "A")]),
        ("ok", [(" a", "A")]),
    ],
)
def test_buttons_beyond_the_limits(body, choices):
    with pytest.raises(ValueError, match=r".+"):
        buttons(body, choices)


def test_a_list():
    rows = [(f"row-{at}", f"Row {at}") for at in range(10)]
    message = menu("Which one?", "Choose", rows)
    assert message["interactive"]["action"]["sections"][0]["rows"][9] == {"id": "row-9", "title": "Row 9"}
    assert content_problem(message) is None


@pytest.mark.parametrize(
    ("body", "button", "rows"),
    [
        ("", "Choose", [("a", "A")]),
        ("x" * 1025, "Choose", [("a", "A")]),
        ("ok", "x" * 21, [("a", "A")]),
        ("ok", "Choose", []),
        ("ok", "Choose", [(str(i), str(i)) for i in range(11)]),
        ("ok", "Choose", [("a", "x" * 25)]),
        ("ok", "Choose", [("x" * 201, "A")]),
    ],
)
def test_a_list_beyond_the_limits(body, button, rows):
    with pytest.raises(ValueError, match=r".+"):
        menu(body, button, rows)


def test_the_recipient_is_a_phone_with_plus_or_an_unaltered_user_id():
    by_phone = addressed(text("a"), phone="62812555", user_id="ID.1349", callback_id="out:1", quote="wamid.Q")
    assert (by_phone["to"], by_phone["context"]) == ("+62812555", {"message_id": "wamid.Q"})
    assert "recipient" not in by_phone
    by_user_id = addressed(text("a"), user_id="ID.1349aB", callback_id="out:1")
    assert (by_user_id["recipient"], by_user_id["biz_opaque_callback_data"]) == ("ID.1349aB", "out:1")
    assert "to" not in by_user_id
    with pytest.raises(ValueError, match="phone"):
        addressed(text("a"), callback_id="out:1")


def whole(**changes):
    return {"messaging_product": "whatsapp", **addressed(text("a"), phone="62812555", callback_id="c"), **changes}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (whole(), None),
        (whole(messaging_product="telegram"), 100),
        (whole(recipient_type="group"), 100),
        (whole(to="halo"), 131009),
        (whole(to=None), 131008),
        (whole(to=None, recipient="not one"), 131009),
        (whole(biz_opaque_callback_data="x" * (CALLBACK_DATA + 1)), 100),
        (whole(context={}), 100),
        (whole(surprise=1), 100),
        (whole(type="hologram"), 131051),
        (whole(type=["text"]), 131051),
        (whole(type="image"), 131008),
    ],
)
def test_a_whole_message(message, code):
    problem = first_problem(message)
    assert (problem and problem.code) == code


def interactive(kind, action, **more):
    return {"type": "interactive", "interactive": {"type": kind, "body": {"text": "b"}, "action": action, **more}}


ROW = {"id": "r", "title": "Row"}


@pytest.mark.parametrize(
    ("message", "fine"),
    [
        ({"type": "image", "image": {"id": "1", "caption": "c"}}, True),
        ({"type": "image", "image": {"id": "1", "link": "https://x"}}, False),
        ({"type": "image", "image": {"link": "https://x", "caption": "x" * 1025}}, False),
        ({"type": "location", "location": {"latitude": 1.5, "longitude": 100}}, True),
        ({"type": "location", "location": {"latitude": 91, "longitude": "x"}}, False),
        ({"type": "reaction", "reaction": {"message_id": "wamid.A", "emoji": ""}}, True),
        ({"type": "reaction", "reaction": {}}, False),
        ({"type": "contacts", "contacts": [{}]}, False),
        ({"type": "contacts", "contacts": []}, False),
        ({"type": "template", "template": {"name": "n", "language": {"code": "id"}}}, True),
        ({"type": "template", "template": {"name": "n"}}, False),
        (interactive("list", {"button": "Open", "sections": [{"rows": [ROW]}]}), True),
        (interactive("list", {"button": "Open", "sections": [{"rows": [ROW]}, {"rows": [ROW]}]}), False),
        (interactive("list", {"button": "Open", "sections": [{"rows": [ROW] * 11}]}), False),
        (interactive("list", {"button": "Open", "sections": ["odd"]}), False),
        (interactive("list", {"button": "Open", "sections": []}), False),
        (
            interactive("list", {"button": "Open", "sections": [{"rows": [{**ROW, "description": "x" * 73}]}]}),
            False,
        ),
        (interactive("cta_url", {"name": "cta_url", "parameters": {}}), False),
        (interactive("flow", {}), False),
        (interactive("location_request_message", {"name": "send_location"}), True),
        (interactive("button", {"buttons": ["odd"]}), False),
        (interactive("button", None), False),
        (interactive("hologram", {}), False),
        (interactive("location_request_message", {}, footer={"text": "x" * 61}), False),
        (
            interactive(
                "location_request_message", {"name": "send_location"}, header={"type": "image", "image": {"id": "1"}}
            ),
            True,
        ),
        (interactive("location_request_message", {}, body="odd"), False),
    ],
)
def test_the_other_kinds(message, fine):
    assert (content_problem(message) is None) == fine


def test_every_code_has_a_policy():
    for code in [*POLICIES, *range(200, 300), 133010, 139001, 139101, 147003, 999999, -1, None]:
        policy = policy_for(code)
        wait = policy.wait_s(1)
        assert (wait is None) == (policy.pauses or policy.action in ("never", "window_closed"))
        assert policy.wait_s(100_000) is None
    assert policy_for(424242) is UNKNOWN_CODE
    assert policy_for(131047).closes_window
    assert not policy_for(131026).closes_window


def test_waits_grow_to_a_cap():
    assert [policy_for(131056).wait_s(n) for n in range(1, 8)] == [4, 16, 64, 256, 1024, 1024, None]
    assert [policy_for(131000).wait_s(n) for n in range(1, 5)] == [3, 6, 12, None]
    assert policy_for(131048).wait_s(1) == 4 * 3600


@pytest.mark.parametrize("words", ["a" * 5000, "😀" * 3000, "a" + "😀" * 3000, "short", ""])
def test_words_are_cut_to_fit_in_utf16_units(words: str):
    left = cut(words, 1024)
    assert utf16_length(left) <= 1024
    assert left == words or (left.endswith("…") and words.startswith(left[:-1]))


@pytest.mark.parametrize(
    ("action", "codes"),
    [
        ("token", [0, 190, 3, 10, 131005, 200, 299]),
        ("account", [33, 368, 131031, 131037, 131042, 131045, 133000, 133010, 133016, 134011]),
        ("pair", [131056]),
        ("number", [130429]),
        ("bulk", [131048]),
        ("later", [131049, 131064, 132015, 132069]),
        ("back_off", [1, 2, 4, 80007, 80008, 131000, 131016, 131057, 133004, 139102, 139103, 424242]),
        (
            "never",
            [100, 130403, 130472, 131008, 131021, 131026, 131030, 131050, 131062, 132000, 132001, 135000, 137000],
        ),
        ("window_closed", [131047]),
    ],
)
def test_what_is_done_about_each_code(action: str, codes: list[int]):
    assert {code: policy_for(code).action for code in codes} == dict.fromkeys(codes, action)
    if action in {"token", "account", "bulk", "later"}:
        assert all(policy_for(code).alert for code in codes)
