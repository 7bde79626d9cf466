"""The rules of authority: what is allowed, asked and denied, over everything that a call can stand on."""

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sahut.authority import (
    BY_EFFECT,
    IRREVERSIBLE,
    LEVELS,
    READ,
    WRITE,
    Act,
    Ask,
    Authority,
    Confirms,
    Deny,
    Doubt,
    Effect,
    Grant,
    Ground,
    Party,
    digest_of,
    reaches,
    rule,
)

SURE = Ground("none")
DIGEST = digest_of("refund", {"order": "7"})

authorities = st.builds(
    Authority,
    effect=st.sampled_from(get_args(Effect)),
    confirms=st.sampled_from(get_args(Confirms)),
    identity=st.sampled_from(LEVELS),
    per_turn=st.integers(1, 3),
    per_day=st.none() | st.integers(1, 3),
)
grounds = st.builds(
    Ground,
    doubt=st.sampled_from(get_args(Doubt)),
    identity=st.sampled_from(LEVELS),
    busy=st.booleans(),
    in_turn=st.integers(0, 3),
    today=st.integers(0, 3),
)
grants = st.none() | st.builds(
    Grant, id=st.just("g"), by=st.sampled_from(get_args(Party)), digest=st.sampled_from((DIGEST, "another"))
)


def test_what_declares_nothing_is_taken_in_the_strictest_way():
    assert (Authority().effect, Authority().confirms) == ("irreversible", "operator")
    assert rule(Authority(), SURE, digest=DIGEST) == Ask("operator")


@pytest.mark.parametrize(
    ("declared", "ruling"),
    [(READ, Act()), (WRITE, Ask("customer")), (IRREVERSIBLE, Ask("operator"))],
)
def test_what_follows_from_the_effect_alone(declared: Authority, ruling: object):
    assert rule(declared, SURE, digest=DIGEST) == ruling
    assert BY_EFFECT[declared.effect] == declared


@given(authorities, grounds, grants)
def test_nothing_happens_without_the_yes_that_is_needed(declared: Authority, ground: Ground, grant: Grant | None):
    if isinstance(rule(declared, ground, digest=DIGEST, grant=grant), Act) and declared.confirms != "nobody":
        assert grant == Grant("g", declared.confirms, DIGEST)


@given(authorities, grounds, grants)
def test_nothing_is_changed_in_doubt_but_by_an_operators_yes(declared: Authority, ground: Ground, grant: Grant | None):
    if not isinstance(rule(declared, ground, digest=DIGEST, grant=grant), Deny) and declared.acts:
        assert ground.doubt == "none" or (grant is not None and grant.by == "operator")


@given(authorities, grounds, grants)
def test_no_limit_is_passed_by_anybody(declared: Authority, ground: Ground, grant: Grant | None):
    if not isinstance(rule(declared, ground, digest=DIGEST, grant=grant), Deny):
        assert ground.in_turn < declared.per_turn
        assert declared.per_day is None or ground.today < declared.per_day


@given(authorities, grounds, grants)
def test_nobody_acts_for_whom_they_may_not_be(declared: Authority, ground: Ground, grant: Grant | None):
    if isinstance(rule(declared, ground, digest=DIGEST, grant=grant), Act):
        known = reaches(ground.identity, declared.identity)
        assert known or (grant is not None and grant.by == "operator")


@given(authorities, grounds, st.sampled_from(get_args(Party)))
def test_a_yes_to_something_else_is_worth_nothing(declared: Authority, ground: Ground, by: Party):
    assert rule(declared, ground, digest=DIGEST, grant=Grant("g", by, "another")) == Deny("altered")


texts = st.text(max_size=20)
leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e15, 1e15) | texts
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)


@given(st.dictionaries(texts, values, max_size=4))
def test_a_digest_survives_the_way_through_a_database(arguments: dict[str, object]):
    back = dict(reversed(json.loads(json.dumps(arguments)).items()))
    assert digest_of("t", back) == digest_of("t", arguments)
    assert digest_of("u", back) != digest_of("t", arguments)


def test_a_digest_tells_apart_what_looks_alike():
    calls = [{"a": "1"}, {"a": 1}, {"a": 1.5}, {"a": True}, {"a": None}, {"a": [1]}, {"a": "1 "}, {"A": "1"}, {}]
    assert len({digest_of("t", arguments) for arguments in calls}) == len(calls)
    assert digest_of("t", {"a": 1.0}) == digest_of("t", {"a": 1})
    with pytest.raises(ValueError, match="JSON"):
        digest_of("t", {"a": float("nan")})
