"""What a counsellor is told when the person has left, or her own words did not go out, without looking for it."""

from console.keys import take_first, write
from playwright.sync_api import expect


def test_when_the_person_has_left_in_a_hurry_the_message_box_says_that_nothing_reaches_her(room, sit):
    room.staff("mina")
    room.cry()
    page = sit("mina")
    take_first(page)
    expect(page.locator(".composer")).not_to_contain_text("رفته است")
    room.say("0")

    expect(page.locator(".composer")).to_contain_text("با «خروج» رفته است.")
    expect(page.locator("#log")).to_contain_text("خروج سریع را زد:")
    write(page, "هستید؟")
    expect(page.locator(".said.failed")).to_contain_text("صبر کنید تا خودش بنویسد")
    expect(page.get_by_role("button", name="دوباره بفرست")).to_be_in_viewport(ratio=1)


def test_the_newest_words_stay_in_sight_when_a_banner_takes_room(room, sit):
    room.staff("mina")
    room.cry()
    page = sit("mina", viewport=(1366, 500))
    take_first(page)
    for words in "یک", "دو", "سه", "چهار":
        write(page, words)
        expect(page.locator(".said.staff:not(.pending)").last).to_contain_text(words)
    page.evaluate("document.getElementById('lost').hidden = false")

    expect(page.locator(".said.staff").last).to_be_in_viewport(ratio=1)
