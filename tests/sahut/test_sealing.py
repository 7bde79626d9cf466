"""What is sealed opens with the key alone, and only where it belongs."""

import pytest

from sahut.errors import ConfigurationError
from sahut.sealing import Seal

OLD, NEW = "A" * 43 + "=", "B" * 42 + "A="


def test_it_opens_for_what_it_was_sealed_for():
    seal = Seal([OLD])
    sealed = seal.close("number:1:token", "a token")
    assert "a token" not in sealed
    assert seal.open("number:1:token", sealed) == "a token"
    with pytest.raises(ConfigurationError, match="something else"):
        seal.open("number:2:token", sealed)


def test_a_key_is_changed_by_putting_the_new_one_first():
    sealed = Seal([OLD]).close("x", "a token")
    both = Seal([NEW, OLD])
    assert both.open("x", sealed) == "a token"
    assert not both.is_newest(sealed)
    assert Seal([NEW]).open("x", both.close("x", "a token")) == "a token"


@pytest.mark.parametrize("sealed", ["", "nonsense", "gAAAAAB" + "x" * 100, "é"])
@pytest.mark.parametrize("keys", [[], [NEW], [NEW, OLD]])
def test_what_no_key_opens_is_said_to_be_so(keys: list[str], sealed: str):
    with pytest.raises(ConfigurationError, match="SAHUT_ENCRYPTION_KEYS"):
        Seal(keys).open("x", sealed)


def test_without_a_key_nothing_is_sealed():
    with pytest.raises(ConfigurationError, match="SAHUT_ENCRYPTION_KEYS"):
        Seal([]).close("x", "a token")
