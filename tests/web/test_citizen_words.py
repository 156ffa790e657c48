"""The page's own frame speaks the language of what it shows, and Persian where it shows nothing of ours."""

import io
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from web.saying import NONCE, say

from bot.i18n import PAGE, catalogue_path, direction, load_translations, reviewer_of
from bot.settings import Settings
from bot.web import citizen, errors
from bot.web.transcript import pieces_of
from bot.web.view import IDLE_MS
from bot.web.words import Frames

OTHERS = ("fa-AF", "azb", "ckb", "ar", "en")
ALL = Settings(languages=",".join(("fa", *OTHERS)))
SEND = {"fa-AF": "فرستادن", "azb": "گؤندر", "ckb": "ناردن", "ar": "إرسال", "en": "Send"}
ANEW = {"Sec-Fetch-Site": "none"}
SCRIPT = {"X-Page": "1"}
#: What each page draws by itself.
DRAWN = re.compile(r'value="[0-9a-f]{32}"|data-last="\d+"')


def choose(world, language):
    world.store.write_now(lambda tx: tx.raw.execute(f"UPDATE contacts SET language = '{language}'"))


def frame_of(page):
    """Give the page without the conversation in it."""
    return DRAWN.sub("", re.sub(r'<ol id="log".*?</ol>', "", page, flags=re.DOTALL))


def sources():
    """Give the Persian texts that stand in the page's templates, its script and its errors."""
    web = Path(citizen.__file__).parent
    said = [path.read_text(encoding="utf-8") for path in (*web.glob("templates/*.html"), web / "static" / "page.js")]
    marked = {text for one in said for text in re.findall(r'\bw\("([^"]+)"\)', one)}
    return marked | set(errors.SENTENCES.values()) | {errors.HELP, Settings().public_name}


@pytest.mark.parametrize("language", ["fa", *OTHERS])
def test_a_catalogue_of_the_page_is_in_step_with_the_page(language):
    content = catalogue_path(language, catalogue=PAGE).read_bytes()

    assert sources() == {one.id for one in read_po(io.BytesIO(content)) if one.id}


@pytest.mark.parametrize("language", OTHERS)
def test_each_language_says_all_of_the_page_with_the_same_numbers_and_nothing_twice(language):
    words = load_translations(catalogue=PAGE)[language]

    assert sources() == set(words)
    assert len(words) == len(set(words.values()))  # the script finds a text's Persian by its translation
    assert [] == [text for text, said in words.items() if re.findall(r"\d+", text) != re.findall(r"\d+", said)]
    assert "tel" in dict(pieces_of(words[errors.HELP]))
    assert "" == reviewer_of(language, catalogue=PAGE)


@pytest.mark.parametrize("language", OTHERS)
async def test_the_frame_speaks_the_language_she_chose(world, language):
    async with world.client(settings=ALL) as client:
        await client.get("/")
        await say(client, "سلام")
        choose(world, language)
        page = (await client.get("/")).text
        assets = [await client.get(path) for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', page)]

    frame = Frames(ALL.languages).of(language)
    assert f'<html lang="{language}" dir="{direction(language)}">' in page
    assert f'<button class="main" data-w>{SEND[language]}</button>' in page
    assert all(frame(text) in page for text in ("گفت‌وگو", "خروج", "خطر فوری؟ زنگ بزنید:", "اینجا بنویسید"))
    assert all(f'<a href="tel:{number}">{number}</a>' in page for number in (110, 115, 123))
    assert len(page.encode()) + sum(len(found.content) for found in assets) <= 30_000


async def test_the_hour_of_a_message_is_written_as_its_language_writes_numbers(world):
    async with world.client(settings=ALL) as client:
        await client.get("/")
        persian = (await say(client, "سلام")).text
        choose(world, "en")
        english = (await client.get("/")).text

    assert "<time>۱۱:۳۰</time>" in persian
    assert "<time>11:30</time>" in english


@pytest.mark.parametrize("how", ["anew", "idle", "left"])
async def test_a_page_that_shows_nothing_of_before_tells_nothing_of_the_language_either(world, how):
    async with world.client(settings=ALL) as stranger, world.client(settings=ALL) as client:
        first = (await stranger.get("/", headers={"Accept-Language": "ckb,ar;q=0.9,en;q=0.8"})).text
        await client.get("/")
        await say(client, "سلام")
        choose(world, "ckb")
        seen = (await client.get("/")).text
        if how == "idle":
            world.clock.advance(IDLE_MS / 1000 + 1)
        elif how == "left":
            await client.get("/leave")
        after = (await client.get("/", headers=ANEW if how == "anew" else {})).text

    assert '<html lang="ckb"' in seen
    assert frame_of(first) == frame_of(after)
    assert '<html lang="fa" dir="rtl">' in after


async def test_while_only_her_own_words_are_shown_the_frame_stays_persian(world):
    async with world.client(settings=ALL) as client:
        await client.get("/")
        await say(client, "سلام")
        choose(world, "ckb")
        await client.get("/", headers=ANEW)
        world.inbox.mode = "silent"
        alone = (await say(client, "منم", nonce=NONCE + "2")).text
        world.staff_writes("سڵاو، من لێرەم.")
        answered = (await client.get("/")).text

    assert "منم" in alone
    assert '<html lang="fa"' in alone
    assert '<html lang="ckb"' in answered
    assert "<b>هاوکارمان</b>" in answered


async def test_a_language_that_is_not_on_offer_is_not_spoken_by_the_frame(world):
    async with world.client(settings=Settings(languages="fa,en")) as client:
        await client.get("/")
        await say(client, "سلام")
        choose(world, "ckb")
        page = (await client.get("/")).text
        choose(world, "en")
        english = (await client.get("/")).text

    assert '<html lang="fa" dir="rtl">' in page
    assert '<html lang="en" dir="ltr">' in english


async def test_a_house_keeps_its_own_name_in_every_language(world):
    async with world.client(settings=Settings(languages="fa,en", public_name="خانهٔ ما")) as client:
        await client.get("/")
        await say(client, "سلام")
        choose(world, "en")
        page = (await client.get("/")).text

    assert "<title>خانهٔ ما</title>" in page


async def test_the_script_gets_the_frame_once_with_the_first_words_in_another_language(world):
    async with world.client(settings=ALL) as client:
        await client.get("/")
        first = await client.post("/", data={"t": "سلام", "n": NONCE, "a": "0"}, headers=SCRIPT)
        choose(world, "ckb")
        form = {"t": "دیسان", "n": NONCE + "2", "a": str(first.json()["last"])}
        second = await client.post("/", data=form, headers={**SCRIPT, "X-Language": "fa"})
        again = await client.get("/new?after=0", headers={**SCRIPT, "X-Language": "ckb"})
        choose(world, "fa")
        back = await client.get("/new?after=0", headers={**SCRIPT, "X-Language": "ckb"})

    assert "frame" not in first.json()
    assert {"language": "ckb", "direction": "rtl"}.items() <= second.json()["frame"].items()
    assert "ناردن" == second.json()["frame"]["words"]["فرستادن"]
    assert ("frame" in again.json(), again.json()["speaks"]) == (False, "ckb")
    assert {"language": "fa", "direction": "rtl", "words": {}} == back.json()["frame"]


async def test_what_cannot_be_taken_in_is_told_in_the_language_of_the_page_it_came_from(world):
    world.inbox.mode = "overloaded"
    async with world.client(settings=ALL) as client:
        await client.get("/")
        plain = await client.post("/", data={"t": "hello", "n": NONCE, "l": "en"})
        by_script = await client.post("/", data={"t": "hello"}, headers={**SCRIPT, "X-Language": "azb"})
        strange = await client.post("/", data={"t": "hello", "l": "<x>"})

    assert "It is busy right now" in plain.text
    assert '<html lang="en" dir="ltr">' in plain.text
    assert 'call <a href="tel:123">123</a> right now' in plain.text
    assert '<input type="hidden" name="l" value="en">' in plain.text
    assert "شولوغدور" in by_script.json()["error"]
    assert "الان شلوغ است" in strange.text
    assert '<html lang="fa" dir="rtl">' in strange.text


async def test_a_page_without_script_says_in_its_forms_which_language_it_speaks(world, options):
    world.inbox.answers["سلام"] = options
    async with world.client(settings=ALL) as client:
        first = (await client.get("/")).text
        await say(client, "سلام")
        choose(world, "ar")
        page = (await client.get("/")).text

    assert 'name="l"' not in first
    assert 2 == page.count('<input type="hidden" name="l" value="ar">')


def test_a_number_with_an_ending_of_its_language_can_be_dialled_and_a_code_cannot():
    assert [("text", "ایندی "), ("tel", "110"), ("text", "-ا یا "), ("tel", "123"), ("text", "-ه")] == list(
        pieces_of("ایندی 110-ا یا 123-ه")
    )
    assert [("text", "110-4 123-۴ 115-x 123-")] == list(pieces_of("110-4 123-۴ 115-x 123-"))
