"""The way out to addresses that others name: never inside, and to the very address that was looked at."""

from datetime import UTC, datetime
from ipaddress import ip_address

import pytest

from sahut import hooks
from sahut.outside import Outside, Refused, check_url, is_public
from tests.doors.receiver import receiving

PRIVATE = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0/",
    "http://localhost:8000/",
    "http://LOCALHOST./",
    "http://x.localhost/",
    "http://db.internal/",
    "http://10.1.2.3/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://169.254.169.254/latest/meta-data",
    "http://100.64.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[::1]/",
    "http://[::]/",
    "http://[fe80::1%25eth0]/",
    "http://[fd00::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
]


@pytest.mark.parametrize("url", PRIVATE)
def test_private_addresses_are_refused_however_they_are_written(url):
    with pytest.raises(Refused):
        check_url(url, allow_private=False)
    assert check_url(url, allow_private=True) == url


@pytest.mark.parametrize("found", [["10.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::1"], []])
async def test_a_name_that_leads_inside_is_refused_at_the_moment_of_connecting(found):
    async def lookup(host: str, port: int) -> list[str]:
        assert (host, port) == ("crm.example.com", 443)
        return found

    outside = Outside(allow_private=False, lookup=lookup)
    with pytest.raises(Refused):
        await outside.post("https://crm.example.com/hook", body=b"{}", headers={})
    await outside.close()


async def test_the_connection_is_made_to_the_address_that_was_checked():
    """A second look-up, by whoever answers it otherwise, does not happen."""
    asked = []

    async def lookup(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    secret = hooks.new_secret()
    headers = hooks.signed_headers(event_id="e", body=b"{}", secret=secret, at=datetime.now(UTC))
    outside = Outside(allow_private=True, lookup=lookup)
    async with receiving() as receiver:
        receiver.secret = secret
        url = receiver.url.replace("127.0.0.1", "crm.example.com")
        answer = await outside.post(url, body=b"{}", headers=headers)
    await outside.close()
    assert (answer.status, asked) == (200, ["crm.example.com"])
    assert receiver.hosts == [url.split("/")[2]]


def test_what_lies_in_the_open_internet_is_public():
    assert all(is_public(ip_address(text)) for text in ("93.184.216.34", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"))
