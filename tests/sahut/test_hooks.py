"""Outgoing webhooks' rules: the signature of the specification, and when to try again."""

import base64
from datetime import UTC, datetime, timedelta
from itertools import count

from sahut import hooks

AT = datetime.fromtimestamp(1614265330, tz=UTC)


def test_the_signature_is_that_of_the_specification():
    """The example of Standard Webhooks' own test suite."""
    headers = hooks.signed_headers(
        event_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        body=b'{"test": 2432232314}',
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        at=AT,
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_secret_has_the_size_that_the_specification_wants():
    first, second = hooks.new_secret(), hooks.new_secret()
    assert first != second
    assert len(base64.b64decode(first.removeprefix("whsec_"), validate=True)) == 32


def test_waits_grow_for_more_than_a_day_and_end():
    waits = []
    for attempt in count(1):
        wait = hooks.wait_after(attempt, luck=0.5)
        if wait is None:
            break
        waits.append(wait)
    assert waits == sorted(waits)
    assert waits[0] == hooks.FIRST_WAIT
    assert timedelta(days=1) < sum(waits, timedelta()) < timedelta(days=2)
    assert len(waits) == hooks.MAX_ATTEMPTS - 1


def test_many_are_spread_and_a_receivers_wish_only_makes_it_longer():
    low, high = hooks.wait_after(1, luck=0), hooks.wait_after(1, luck=1)
    assert low < hooks.FIRST_WAIT < high
    assert hooks.wait_after(1, luck=0.5, asked=timedelta(seconds=1)) == hooks.FIRST_WAIT
    assert hooks.wait_after(1, luck=0.5, asked=timedelta(minutes=5)) == timedelta(minutes=5)
    assert hooks.wait_after(1, luck=0.5, asked=timedelta(days=9)) == hooks.LONGEST_WAIT
    assert hooks.wait_after(hooks.MAX_ATTEMPTS, luck=0.5, asked=timedelta(seconds=1)) is None
