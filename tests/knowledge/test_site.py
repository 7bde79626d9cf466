"""Web sites: read within bounds, on their own host, as they wish; whatever they do, the learner goes on."""

from collections.abc import AsyncIterator

import pytest
from starlette.responses import Response

from knowledge.addresses import normal
from knowledge.learn import learn_site
from knowledge.site import Bounds
from sahut.errors import ConfigurationError
from sahut.outside import Outside
from sahut.store import library
from tests.knowledge.webs import Web, moved, open_web, page

FEES = "A late fee of 2% a month is due after the last day of the term."
HOURS = "The office is open from Monday to Thursday between 08:00 and 15:00."


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with open_web() as web:
        web.pages["/"] = page("Home", "Welcome to the office of vehicle taxes.", "/fees", "hours.html")
        web.pages["/fees"] = page("Fees", FEES, "/", "https://elsewhere.example.com/x", "#top", "mailto:a@example.com")
        web.pages["/hours.html"] = page("Hours", HOURS, "javascript:void(0)", "http://[bad")
        yield web


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    outside = Outside(allow_private=True)
    yield outside
    await outside.close()


@pytest.fixture
def read(store, embedder, outside, web):
    async def read(address="", **more):
        return await learn_site(store, embedder, outside, web.url + address, **more)

    return read


def below(web, *paths):
    return tuple(f"{web.url.partition('//')[2]}/{path}" for path in paths)


async def text_of(store, path):
    async with store.reading() as tx:
        document = await library.find(tx, "default", path)
        version = (await library.hashes(tx, [document]))[document.id]
        return (await library.version(tx, document.id, version)).text


async def test_a_site_is_read_page_by_page_and_again_at_no_cost(read, web, store):
    report = await read()
    assert sorted(report.added) == sorted(below(web, "index.html", "fees.html", "hours.html"))
    assert (report.failed, report.cut) == ((), "")
    assert FEES in await text_of(store, below(web, "fees.html")[0])
    assert web.asked.count("/fees") == 1

    web.pages["/fees"] = page("Fees", FEES.replace("2%", "3%"))
    again = await read()
    assert (again.changed, len(again.unchanged)) == (below(web, "fees.html"), 2)


async def test_robots_are_respected(read, web):
    web.pages["/robots.txt"] = Response("User-agent: *\nDisallow: /fees\nDisallow: /*.html$\n")
    report = await read()
    assert report.added == below(web, "index.html")
    assert "/fees" not in web.asked
    assert len(report.skipped) == 2
    web.pages["/robots.txt"] = Response("User-agent: Sahut\nDisallow: /\n")
    with pytest.raises(ConfigurationError, match=r"robots\.txt asks"):
        await read()
    web.pages["/robots.txt"] = Response("", 503)
    with pytest.raises(ConfigurationError, match="try again later"):
        await read()


async def test_pages_that_do_not_want_to_be_kept_or_followed(read, web):
    web.pages["/fees"] = page("Fees", FEES, "/more", head='<meta name="Robots" content="noindex">')
    web.pages["/more"] = page("More", "More about the fees of this office.", "/deep")
    web.pages["/hours.html"] = page("Hours", HOURS, "/no", head='<meta name="robots" content="nofollow">')
    report = await read()
    assert set(report.added) == set(below(web, "index.html", "more.html", "hours.html"))
    assert "/no" not in web.asked


async def test_a_sitemap_names_the_pages(read, web):
    web.pages["/sitemap.xml"] = Response(
        f"<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>"
        f"<sitemap><loc>{web.url}/pages.xml</loc></sitemap></sitemapindex>",
        media_type="application/xml",
    )
    web.pages["/pages.xml"] = Response(
        f"<urlset><url><loc>{web.url}/fees</loc></url><url><loc>{web.url}/gone</loc></url>"
        "<url><loc>http://169.254.169.254/latest</loc></url></urlset>",
        media_type="text/xml",
    )
    report = await read("/sitemap.xml")
    assert report.added == below(web, "fees.html")
    assert "/hours.html" not in web.asked


async def test_a_bomb_of_entities_is_no_sitemap(read, web):
    bomb = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><urlset><url><loc>&b;</loc></url></urlset>'
    web.pages["/sitemap.xml"] = Response(bomb, media_type="application/xml")
    assert (await read("/sitemap.xml")).added == ()


async def test_a_site_that_loops_is_left(read, web):
    web.pages["/"] = page("Home", "Welcome to the office.", "a/")
    web.pages |= {"/" + "a/" * n: page(f"Level {n}", f"This is level {n} of it.", "a/") for n in range(1, 9)}
    web.pages["/a/"] = page("Level 1", "This is level 1 of it.", "a/", "/one")
    web.pages["/one"], web.pages["/two"] = moved("/two"), moved("/one")
    report = await read()
    assert set(report.added) == set(below(web, "a/a/index.html", "a/index.html", "index.html"))
    assert [reason for _, reason in report.failed] == ["it was redirected more than 5 times"]


async def test_the_same_page_under_another_address_is_kept_once(read, web):
    web.pages["/"] = page("Home", "Welcome to the office.", *(f"/list?session={n}" for n in range(5)))
    web.pages |= {f"/list?session={n}": page("List", "The list of all that there is.", "/") for n in range(5)}
    assert len((await read()).added) == 2


async def test_every_bound_is_told(read, web):
    web.pages |= {f"/p{n}": page(f"Page {n}", f"This is page number {n}.", f"/p{n + 1}") for n in range(30)}
    web.pages["/"] = page("Home", "Welcome to the office.", "/p0")
    assert (await read(bounds=Bounds(pages=3))).cut == "it has more than 3 pages"
    assert (await read(bounds=Bounds(seconds=0))).cut == "it took longer than 0 s"
    assert (await read(bounds=Bounds(all_bytes=10))).cut.startswith("it holds more")
    assert len((await read(bounds=Bounds(depth=4), dry_run=True)).unchanged) == 3
    web.pages["/p1"] = page("Big", "x" * 5000)
    failed = (await read(bounds=Bounds(page_bytes=4000))).failed
    assert [reason for _, reason in failed] == ["it is larger than 0 MB"]


async def test_other_charsets_are_read_as_the_server_says(read, web, store):
    text = page("Цены", "Пошлина составляет 2% в месяц после срока.").encode("cp1251")
    web.pages["/fees"] = Response(text, headers={"content-type": "text/html; charset=windows-1251"})
    await read()
    assert "Пошлина составляет 2%" in await text_of(store, below(web, "fees.html")[0])


async def test_other_kinds_of_file_are_learned_or_passed_over(read, web, store):
    web.pages["/"] = page("Home", "Welcome to the office.", "/list.csv", "/photo.png", "/notes", "/page.php?id=7")
    web.pages["/list.csv"] = Response("fee,price\nlate,2%\n", media_type="text/csv")
    web.pages["/photo.png"] = Response(b"\x89PNG", media_type="image/png")
    web.pages["/notes"] = Response("Counter 4 is closed on Friday.", media_type="text/plain")
    web.pages["/page.php?id=7"] = page("Seven", "Counter 7 sells forms for one coin.")
    report = await read()
    assert set(report.added) == set(below(web, "index.html", "list.csv", "notes.txt", "page.php@id=7.html"))


async def test_redirects_stay_on_the_host(read, web):
    web.pages["/fees"] = moved("http://127.0.0.1:1/fees")
    web.pages["/hours.html"] = moved("/times")
    web.pages["/times"] = page("Times", HOURS)
    report = await read()
    assert set(report.added) == set(below(web, "index.html", "times.html"))
    ((url, reason),) = report.failed
    assert url.endswith("/fees")
    assert "another host" in reason


async def test_what_is_gone_is_removed_only_when_all_was_read(read, web):
    await read()
    web.pages["/fees"] = Response("", 500)
    assert (await read(prune=True)).removed == ()
    del web.pages["/fees"]
    assert (await read()).removed == ()
    assert (await read(prune=True, bounds=Bounds(pages=1))).removed == ()
    assert (await read(prune=True)).removed == below(web, "fees.html")


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/", "http://localhost/", "http://[::1]/", "http://10.0.0.1/"])
async def test_private_addresses_are_refused_unless_allowed(store, embedder, address):
    outside = Outside(allow_private=False, setting="SAHUT_LEARN_ALLOW_PRIVATE")
    with pytest.raises(ConfigurationError, match="SAHUT_LEARN_ALLOW_PRIVATE"):
        await learn_site(store, embedder, outside, address)
    await outside.close()


async def test_a_name_that_leads_inside_is_refused(store, embedder):
    async def lookup(host: str, port: int) -> list[str]:
        return ["169.254.169.254"]

    outside = Outside(allow_private=False, lookup=lookup)
    with pytest.raises(ConfigurationError, match="private"):
        await learn_site(store, embedder, outside, "http://docs.example.com/")
    await outside.close()


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/", "https://", "ftp://example.com/", "http://a b/", "http://x:y/"]
)
async def test_what_cannot_be_read_says_so(store, embedder, outside, address):
    with pytest.raises(ConfigurationError):
        await learn_site(store, embedder, outside, address)


def test_addresses_have_one_spelling():
    assert normal("HTTP://Example.COM:80") == "http://example.com/"
    assert normal("https://example.com:8443/a b?q=ü#top") == "https://example.com:8443/a%20b?q=%C3%BC"
    assert normal("https://münchen.example/%7Euser") == "https://xn--mnchen-3ya.example/%7Euser"
