"""The webhook's signature: Meta's test vector, several secrets, and what is never accepted."""

import pytest

from api.whatsapp.signature import same, sign, verify

# Computed over Meta's escaped bytes, not over the text they stand for.
BODY = (
    rb'{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages",'
    rb'"value":{"text":"h\u00e9llo \ud83d\ude00 https:\/\/x.io"}}]}]}'
)
SIGNED = "sha256=f28a266dda2aa0cc8f2f5536f5d960ea5443dadec3252e3f5c65670c4357d7bb"


def test_known_answer():
    assert sign(BODY, "test_app_secret") == SIGNED
    assert verify(BODY, SIGNED, ["test_app_secret"])


def test_any_of_several_secrets_fits_while_one_is_rotated():
    assert verify(BODY, SIGNED, ["new_secret", "test_app_secret"])
    assert verify(BODY, SIGNED, ["test_app_secret", "new_secret"])


@pytest.mark.parametrize(
    "header", [None, "", "sha256=", SIGNED[7:], SIGNED.upper(), SIGNED + "0", "sha1=abc", "sha256=é", "\ud800"]
)
def test_a_missing_or_malformed_header_is_refused(header):
    assert not verify(BODY, header, ["test_app_secret"])


def test_an_empty_secret_is_never_a_key():
    import hashlib
    import hmac

    forged = "sha256=" + hmac.new(b"", BODY, hashlib.sha256).hexdigest()
    assert not verify(BODY, forged, [""])
    assert not verify(BODY, forged, [])
    with pytest.raises(ValueError, match="empty"):
        sign(BODY, "")


def test_one_byte_more_breaks_it():
    assert not verify(BODY + b" ", SIGNED, ["test_app_secret"])


def test_secrets_compare_in_any_script():
    assert same("kunci-ø", "kunci-ø")
    assert not same("kunci-ø", "kunci-o")
