"""Signing in: the right password opens a session, guesses are slowed down, and nobody learns who has an account."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from api import auth
from api.auth import SignInRefused, operator_of, sign_in, sign_out
from api.house import House
from api.passwords import LONGEST, Passwords
from sahut import rules
from sahut.errors import ConfigurationError, Conflict, NotFound
from sahut.models import Operator, OperatorSession, Role, SignInAttempts
from sahut.store import operators
from tests.journeys.stage import World

RIGHT = "rahasia sekali"
MAIL = "budi@example.com"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
HOUR = timedelta(hours=1)


class Counted(Passwords):
    """Passwords that remember whether they were checked against somebody's hash or the decoy's."""

    def __init__(self, hasher: PasswordHasher = CHEAP) -> None:
        super().__init__(hasher)
        self.checks: list[bool] = []

    async def check(self, kept: str | None, password: str) -> bool:
        self.checks.append(kept is not None)
        return await super().check(kept, password)


@pytest.fixture
def house(world: World) -> House:
    return replace(world.house, passwords=Counted())


async def add(house: House, email: str = MAIL, password: str = RIGHT, role: Role = Role.OPERATOR) -> Operator:
    kept = await house.passwords.hash(password)
    async with house.store.transaction() as tx:
        return await operators.add(tx, email=email, name="Budi", role=role, password_hash=kept, now=house.clock.now())


async def signed_in(house: House, **more: str) -> str:
    token = await sign_in(house, MAIL, RIGHT, **more)
    assert isinstance(token, str), token
    return token


async def rows(house: House, kind: Any) -> list[Any]:
    async with house.store.reading() as tx:
        return list((await tx.execute(sa.select(kind))).scalars())


async def test_the_right_password_opens_a_session(house: House):
    budi = await add(house)
    token = await signed_in(house)
    found = await operator_of(house, token)
    assert found is not None
    assert (found.id, found.email, found.role) == (budi.id, MAIL, Role.OPERATOR)
    assert token not in str([row.model_dump() for row in await rows(house, OperatorSession)])
    assert RIGHT not in budi.password_hash


async def test_the_address_may_be_spelt_as_people_do(house: House):
    await add(house, "  Budi@Example.COM ")
    assert isinstance(await sign_in(house, " BUDI@example.com", RIGHT), str)


@pytest.mark.parametrize(
    "email", ["", "budi", "@", "budi@", "@example.com", "a b@example.com", "b\0@e.com", "x" * 300 + "@e"]
)
async def test_what_is_no_address_has_no_account(house: House, email: str):
    with pytest.raises(ConfigurationError):
        await add(house, email)
    assert await sign_in(house, email, RIGHT) == SignInRefused("wrong")


async def test_an_account_is_there_once(house: House):
    await add(house)
    with pytest.raises(Conflict):
        await add(house, "BUDI@example.com")


@pytest.mark.parametrize("password", ["", "wrong", RIGHT + " ", RIGHT.upper(), "\ud800", "x" * 100_000, "\0"])
async def test_a_wrong_password_opens_nothing(house: House, password: str):
    await add(house)
    assert await sign_in(house, MAIL, password) == SignInRefused("wrong")
    assert await rows(house, OperatorSession) == []


@pytest.mark.parametrize("password", ["", "short", "x" * (LONGEST + 1)])
async def test_a_password_has_a_length(house: House, password: str):
    with pytest.raises(ConfigurationError):
        await house.passwords.hash(password)


async def test_a_password_is_the_same_however_the_keyboard_spells_it(house: House):
    await add(house, password="lykilorð hjá mér é")
    assert isinstance(await sign_in(house, MAIL, "lykilorð hjá mér e\u0301"), str)


@pytest.mark.parametrize("token", ["", "nonsense", "\ud800", "x" * 100_000, "' OR 1=1 --"])
async def test_a_forged_token_is_nobody(house: House, token: str):
    await add(house)
    await signed_in(house)
    assert await operator_of(house, token) is None


async def test_an_unknown_account_is_treated_as_a_known_one(house: House):
    """The same steps and the same answers, failure by failure, so that neither words nor time tell them apart."""
    await add(house)
    disabled = await add(house, "gone@example.com")
    async with house.store.transaction() as tx:
        await operators.disable(tx, disabled.id, now=house.clock.now())
    checks = house.passwords.checks  # type: ignore[attr-defined]
    told = {}
    for email, password in ((MAIL, "wrong"), ("nobody@example.com", "wrong"), ("gone@example.com", RIGHT)):
        before = len(checks)
        told[email] = [await sign_in(house, email, password) for _ in range(rules.FREE_FAILURES + 2)]
        assert len(checks) - before == rules.FREE_FAILURES
    assert told[MAIL] == told["nobody@example.com"] == told["gone@example.com"]
    assert set(checks) == {True, False}


async def test_guesses_are_slowed_down_and_the_right_one_waits_too(world: World, house: House):
    await add(house)
    for _ in range(rules.FREE_FAILURES):
        assert await sign_in(house, MAIL, "wrong") == SignInRefused("wrong")
    locked = await sign_in(house, MAIL, RIGHT)
    assert locked == SignInRefused("locked", house.clock.now() + timedelta(seconds=30))
    world.clock.advance(31)
    assert await sign_in(house, MAIL, "wrong") == SignInRefused("wrong")
    assert await sign_in(house, MAIL, RIGHT) == SignInRefused("locked", house.clock.now() + timedelta(seconds=60))
    world.clock.advance(61)
    await signed_in(house)
    # All is forgotten with the right password.
    assert await sign_in(house, MAIL, "wrong") == SignInRefused("wrong")
    await signed_in(house)


async def test_a_hundred_guesses_at_once_are_a_hundred_failures(house: House):
    await add(house)
    told = await asyncio.gather(*(sign_in(house, MAIL, f"guess {n}") for n in range(20)))
    assert [one.reason for one in told if isinstance(one, SignInRefused)].count("locked") == 20 - rules.FREE_FAILURES


async def test_one_address_cannot_spray_over_many_accounts(house: House):
    await add(house)
    for n in range(auth._FREE_FAILURES_OF_ADDRESS):
        assert await sign_in(house, f"x{n}@example.com", "password1", address="203.0.113.9") == SignInRefused("wrong")
    sprayed = await sign_in(house, MAIL, RIGHT, address="203.0.113.9")
    assert isinstance(sprayed, SignInRefused)
    assert sprayed.reason == "locked"
    await signed_in(house, address="203.0.113.10")


async def test_who_signs_in_well_does_not_use_up_the_address(house: House):
    await add(house)
    for _ in range(auth._FREE_FAILURES_OF_ADDRESS + 5):
        await signed_in(house, address="10.0.0.1")


async def test_a_session_lasts_while_it_is_used_and_not_for_ever(world: World, house: House):
    await add(house)
    token, end = await signed_in(house), house.clock.now() + auth.LONGEST
    while house.clock.now() + 11 * HOUR < end:
        world.clock.advance(11 * 3600)
        assert await operator_of(house, token) is not None
    world.clock.advance((end - house.clock.now()).total_seconds())
    assert await operator_of(house, token) is None


async def test_a_session_that_is_not_used_ends(world: World, house: House):
    await add(house)
    token = await signed_in(house)
    world.clock.advance(auth.IDLE.total_seconds() + 1)
    assert await operator_of(house, token) is None


async def test_looking_again_at_once_writes_nothing(world: World, house: House):
    await add(house)
    token = await signed_in(house)
    (before,) = await rows(house, OperatorSession)
    world.clock.advance(60)
    await operator_of(house, token)
    assert [row.last_seen_at for row in await rows(house, OperatorSession)] == [before.last_seen_at]


async def test_signing_out_ends_this_session_alone(house: House):
    await add(house)
    here, there = await signed_in(house), await signed_in(house)
    await sign_out(house, here)
    assert await operator_of(house, here) is None
    assert await operator_of(house, there) is not None


async def test_a_disabled_operator_is_out_everywhere(house: House):
    budi = await add(house)
    token = await signed_in(house)
    async with house.store.transaction() as tx:
        await operators.disable(tx, budi.id, now=house.clock.now())
    assert await operator_of(house, token) is None
    assert await sign_in(house, MAIL, RIGHT) == SignInRefused("wrong")
    async with house.store.transaction() as tx:
        with pytest.raises(NotFound):
            await operators.named(tx, MAIL)
        await operators.enable(tx, budi.id)
    assert await operator_of(house, token) is None
    await signed_in(house)


async def test_another_password_ends_the_sessions_under_the_old_one(house: House):
    budi = await add(house)
    token = await signed_in(house)
    kept = await house.passwords.hash("sama sekali lain")
    async with house.store.transaction() as tx:
        await operators.set_password(tx, budi.id, kept)
    assert await operator_of(house, token) is None
    assert await sign_in(house, MAIL, RIGHT) == SignInRefused("wrong")
    assert isinstance(await sign_in(house, MAIL, "sama sekali lain"), str)


async def test_a_password_changed_between_check_and_session_opens_none(house: House):
    """The password was right when it was looked at; by the time of the commit it is another."""
    budi = await add(house)

    class Changed(Counted):
        async def check(self, kept: str | None, password: str) -> bool:
            right = await super().check(kept, password)
            async with house.store.transaction() as tx:
                await operators.set_password(tx, budi.id, "another")
            return right

    assert await sign_in(replace(house, passwords=Changed()), MAIL, RIGHT) == SignInRefused("wrong")
    assert await rows(house, OperatorSession) == []


async def test_a_hash_of_yesterdays_parameters_is_made_anew(house: House):
    await add(house)
    today = Counted(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    (before,) = await rows(house, Operator)
    token = await signed_in(replace(house, passwords=today))
    (after,) = await rows(house, Operator)
    assert before.password_hash != after.password_hash
    assert not today.is_outdated(after.password_hash)
    assert await operator_of(house, token) is not None
    assert isinstance(await sign_in(replace(house, passwords=today), MAIL, RIGHT), str)


async def test_another_secret_key_signs_everybody_out(house: House):
    await add(house)
    token = await signed_in(house)
    other = house.settings.model_copy(update={"secret_key": type(house.settings.secret_key)("another")})
    assert await operator_of(replace(house, settings=other), token) is None


async def test_old_failures_and_sessions_are_forgotten(world: World, house: House):
    await add(house)
    await signed_in(house)
    await sign_in(house, "nobody@example.com", "wrong")
    world.clock.advance(25 * 3600)
    await house.worker.forget()
    assert await rows(house, OperatorSession) == []
    assert await rows(house, SignInAttempts) == []


def test_waiting_grows_and_has_an_end():
    waits = [rules.lock_after(failures) for failures in range(1, 100)]
    assert waits[: rules.FREE_FAILURES - 1] == [None] * (rules.FREE_FAILURES - 1)
    locks = [wait for wait in waits if wait is not None]
    assert locks == sorted(locks)
    assert (locks[0], locks[1], locks[-1]) == (timedelta(seconds=30), timedelta(minutes=1), rules.LONGEST_LOCK)


def test_the_cookie_is_out_of_scripts_reach():
    options = auth.cookie_options(https=True)
    assert options["httponly"]
    assert options["secure"]
    assert options["samesite"] in {"lax", "strict"}
    assert not auth.cookie_options(https=False)["secure"]
