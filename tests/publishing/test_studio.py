import re
from html import unescape

import pytest
from sqlalchemy import select

from bot.drafts import read_file, text_hash
from bot.publishing import current_version, find_request, history
from bot.store import schema

BROKEN = "flow: welcome\ntitle: x\nsteps:\n- ask: a\n  text: ?\n  go: nowhere\n"


def text_of(page):
    return unescape(re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page.text, re.DOTALL)[1])


def seen_of(page):
    return re.search(r'name="seen" value="(\w*)"', page.text)[1]


async def save(writer, name, text):
    page = await writer.get(f"/flows/edit/{name}")
    return await writer.post(f"/flows/edit/{name}", {"text": text, "seen": seen_of(page)})


async def change(writer, name, old, new):
    page = await writer.get(f"/flows/edit/{name}")
    text = text_of(page)
    assert old in text
    return await save(writer, name, text.replace(old, new, 1))


async def propose(writer, note="متن روان‌تر شد"):
    page = await writer.post("/flows/changes", {"note": note, "acknowledged": "yes"})
    return page, str(page.url.path).rpartition("/")[2]


async def test_the_list_names_every_file_with_its_state_and_problems(sign_in):
    sara = await sign_in("sara")
    before = await sara.get("/flows/")
    await save(sara, "welcome.yaml", BROKEN)
    after = await sara.get("/flows/")

    assert "خوش‌آمد" in before.text
    assert "helplines.yaml" in before.text
    assert "ویرایش‌شده" not in before.text
    assert "ویرایش‌شده" in after.text
    assert re.search(r"[۰-۹]+ خطا", after.text)


async def test_a_sentence_that_was_read_in_a_talk_leads_to_its_line(sign_in, flows):
    sara = await sign_in("sara")
    written = read_file(flows, "welcome.yaml").splitlines()
    at = written.index("- ask: topic") + 2
    sentence = written[at - 1].removeprefix("  text: ")
    found = await sara.post("/flows/find", {"sought": sentence})
    nothing = await sara.post("/flows/find", {"sought": "<b>چیزی که هیچ‌جا نیست</b>"})
    short = await sara.post("/flows/find", {"sought": "ا"})

    assert f"/flows/edit/welcome.yaml#L{at}" in found.text
    assert sentence in unescape(found.text)
    assert "خوش‌آمد" in found.text
    assert "این جمله در فایل‌ها نیست" in nothing.text
    assert "<b>چیزی" not in nothing.text
    assert "دست‌کم سه حرف" in short.text


async def test_the_page_of_a_script_says_its_name(sign_in):
    sara = await sign_in("sara")
    page = await sara.get("/flows/edit/welcome.yaml")

    assert "خوش‌آمد" in re.search(r"<h1>(.*?)</h1>", page.text)[1]


async def test_what_is_shown_saves_back_unchanged(sign_in, flows):
    sara = await sign_in("sara")
    for name in ("welcome.yaml", "always.yaml", "helplines.yaml", "directory/ngo.yaml"):
        before = read_file(flows, name)
        page = await sara.get(f"/flows/edit/{name}")
        saved = await save(sara, name, text_of(page).replace("\n", "\r\n"))

        assert saved.status_code == 200
        assert read_file(flows, name) == before


async def test_a_broken_draft_is_saved_and_each_problem_stands_at_its_line_with_its_mending(sign_in, flows):
    sara = await sign_in("sara")
    page = await save(sara, "welcome.yaml", BROKEN)

    assert read_file(flows, "welcome.yaml") == BROKEN
    assert "پیش‌نویس ذخیره شد" in page.text
    assert 'id="L4"' in page.text
    assert re.search(r'href="#L[456]"', page.text)
    assert "خطا" in page.text


async def test_a_draft_that_is_a_bomb_is_named_and_cannot_be_proposed(sign_in, store):
    sara = await sign_in("sara")
    bombs = (
        "a: &a [x]\nb: &b [*a,*a]\nc: [*b,*b]\n",
        "flow: welcome\nsteps: !!python/object/apply:os.system [id]\n",
        "flow: welcome\nsteps: " + "[" * 2000 + "]" * 2000 + "\n",
    )
    for bomb in bombs:
        page = await save(sara, "welcome.yaml", bomb)
        assert page.status_code == 200
        assert "خطا" in page.text
    refused, _ = await propose(sara)

    assert refused.status_code == 422
    assert [] == store.read_now(lambda db: db.execute(select(schema.publish_requests)).all())


async def test_two_editors_are_told_and_nothing_is_overwritten(sign_in, flows):
    sara, other = await sign_in("sara"), await sign_in("sara")
    page = await sara.get("/flows/edit/welcome.yaml")
    await change(other, "welcome.yaml", "خوش‌آمد", "درود")
    mine = text_of(page).replace("خوش‌آمد", "سلام بر شما")
    answer = await sara.post("/flows/edit/welcome.yaml", {"text": mine, "seen": seen_of(page)})

    assert answer.status_code == 409
    assert "title: درود" in read_file(flows, "welcome.yaml")
    assert "سلام بر شما" in text_of(answer)
    assert re.search(r'class="minus">.*title: .*درود', unescape(answer.text))
    assert re.search(r'class="plus">.*title: .*سلام بر شما', unescape(answer.text))
    assert seen_of(answer) == text_hash(read_file(flows, "welcome.yaml"))


@pytest.mark.parametrize("name", ["../panah.db", "..%2Fpanah.db", "lexicon/words.yaml", "nothing.yaml", "%00.yaml"])
async def test_no_path_leads_out_of_the_scripts(sign_in, name):
    sara = await sign_in("sara")

    assert (await sara.get(f"/flows/edit/{name}")).status_code == 404
    assert (await sara.post(f"/flows/edit/{name}", {"text": "x", "seen": ""})).status_code == 404


async def test_a_new_script_gets_a_beginning_and_a_bad_name_is_refused(sign_in, flows):
    sara = await sign_in("sara")
    made = await sara.post("/flows/new", {"name": "night_shift"})
    taken = await sara.post("/flows/new", {"name": "night_shift"})
    refused = await sara.post("/flows/new", {"name": "../x"})

    assert made.url.path == "/flows/edit/night_shift.yaml"
    assert "flow: night_shift" in read_file(flows, "night_shift.yaml")
    assert (taken.status_code, refused.status_code) == (409, 422)


async def test_a_new_script_says_what_is_to_be_filled_in_and_passes_once_it_is(sign_in, flows):
    sara = await sign_in("sara")
    made = await sara.post("/flows/new", {"name": "night_shift"})
    text = read_file(flows, "night_shift.yaml")
    filled = text
    for blank, written in {
        "… عنوان سناریو": "شب‌کاری",
        "… نام دفتر مسئول": "دفتر آزمون",
        "… نقش بازبین نخست": "social_worker",
        "… نقش بازبین دوم": "clinician",
        "… نام و سال منبع، یا نشانی": '"WHO LIVES، 2019"',
    }.items():
        assert f"هنوز پر نشده: {blank.removeprefix('… ')}" in made.text
        assert 1 == filled.count(blank)
        filled = filled.replace(blank, written)
    done = await save(sara, "night_shift.yaml", filled)

    whole = await sara.get("/flows/edit/night_shift.yaml?check=complete")

    assert 5 == made.text.count("هنوز پر نشده")
    assert text.startswith("# پیش‌نویس تا بازبینی. بازبینی بعدی: 2027-05-21\n")
    assert "مشکلی دیده نشد" in done.text
    assert "مشکلی دیده نشد" in whole.text


async def test_markup_in_a_script_stays_text(sign_in):
    sara = await sign_in("sara")
    hostile = "</textarea><script>alert(1)</script>"
    await change(sara, "welcome.yaml", "خوش‌آمد", f'"{hostile}"')
    pages = [
        await sara.get(path)
        for path in ("/flows/", "/flows/edit/welcome.yaml", "/flows/changes", "/flows/read/welcome.yaml")
    ]

    assert all(page.status_code == 200 for page in pages)
    assert not any("<script>alert" in page.text for page in pages)


async def test_a_script_is_read_aloud_in_persian(sign_in):
    sara = await sign_in("sara")
    page = await sara.get("/flows/read/welcome.yaml")

    assert "سناریوی «خوش‌آمد»" in page.text
    assert "از چه بنویسیم؟" in page.text


async def test_an_edit_reaches_the_citizens_through_a_second_person(sign_in, store):
    sara, mina = await sign_in("sara"), await sign_in("mina")
    before = store.read_now(current_version)
    await change(sara, "always.yaml", "owner:", "owner: دفتر تازه #")
    changes = await sara.get("/flows/changes")
    proposed, request_id = await propose(sara)
    alone = await sara.post(f"/flows/requests/{request_id}/publish", {"acknowledged": "yes"})
    listed = await mina.get("/flows/")
    review = await mina.get(f"/flows/requests/{request_id}")
    published = await mina.post(f"/flows/requests/{request_id}/publish", {"acknowledged": "yes"})

    assert "دفتر تازه" in changes.text
    assert proposed.status_code == 200
    assert alone.status_code == 403
    assert f"/flows/requests/{request_id}" in listed.text
    assert "متن روان‌تر شد" in review.text
    assert "دفتر تازه" in review.text
    assert "با صدای بلند بخوانید" in review.text
    assert "منتشر شد" in published.text
    assert before != store.read_now(current_version)
    acts = store.read_now(lambda db: [row.action for row in db.execute(schema.audit.select()) if row.target == "flow"])
    assert acts == ["propose", "publish"]


async def test_somebody_with_both_roles_cannot_publish_her_own_danger(sign_in, store):
    store.write_now(
        lambda tx: tx.raw.execute("""UPDATE staff SET roles = '["flow_admin", "reviewer"]' WHERE id = 'sara'""")
    )
    sara = await sign_in("sara")
    before = store.read_now(current_version)
    await change(sara, "always.yaml", "owner:", "owner: دفتر تازه #")
    _, request_id = await propose(sara)
    answer = await sara.post(f"/flows/requests/{request_id}/publish", {"acknowledged": "yes"})

    assert answer.status_code == 409
    assert "کس دیگری جز نویسنده" in answer.text
    assert before == store.read_now(current_version)


async def test_a_second_person_publishes_from_the_page_of_changes_and_the_author_is_told_who_may(sign_in, store):
    sara, mina = await sign_in("sara"), await sign_in("mina")
    await change(sara, "always.yaml", "owner:", "owner: دفتر تازه #")
    proposed, request_id = await propose(sara)
    changes = await mina.get("/flows/changes")
    review = await mina.get(f"/flows/requests/{request_id}")

    assert "همکار دیگری باید آن را ببیند" in proposed.text
    assert "انتشار برای همه" not in proposed.text
    assert f'href="/flows/requests/{request_id}"' in changes.text
    assert "انتشار برای همه" in review.text
    assert "با ۱ فایل عوض‌شده" in review.text


async def test_what_a_change_broke_stands_before_what_it_broke_elsewhere(sign_in):
    sara = await sign_in("sara")
    await save(sara, "check_in.yaml", "flow: check_in\nsteps: [\n")
    here, _, elsewhere = (await sara.get("/flows/changes")).text.partition("در فایل‌هایی که عوض نشده‌اند")

    assert 'href="/flows/edit/check_in.yaml#L' in here
    assert 'href="/flows/edit/always.yaml#L' not in here
    assert 'href="/flows/edit/always.yaml#L' in elsewhere


async def test_a_value_in_a_difference_keeps_its_own_direction(sign_in):
    sara = await sign_in("sara")
    await change(sara, "check_in.yaml", "title: سر زدن", "title: 1 بله 2 نه")

    assert "title: <bdi>1 بله 2 نه</bdi>" in (await sara.get("/flows/changes")).text


async def test_errors_cannot_be_proposed(sign_in, store):
    sara = await sign_in("sara")
    await save(sara, "welcome.yaml", BROKEN)
    page = await sara.get("/flows/changes")
    answer, _ = await propose(sara)

    assert "تا خطاها درست نشود" in page.text
    assert answer.status_code == 422
    assert len(store.read_now(history)) == 1


async def test_a_proposal_may_be_refused_with_a_reason_and_withdrawn_by_its_author(sign_in):
    sara, mina = await sign_in("sara"), await sign_in("mina")
    await change(sara, "welcome.yaml", "خوش‌آمد", "درود")
    _, first = await propose(sara)
    await mina.post(f"/flows/requests/{first}/refuse", {"note": "لحن"})
    _, second = await propose(sara)
    await sara.post(f"/flows/requests/{second}/refuse", {"note": ""})
    pages = [await mina.get(f"/flows/requests/{found}") for found in (first, second)]
    again = await mina.post(f"/flows/requests/{first}/publish", {"acknowledged": "yes"})

    assert "رد شد" in pages[0].text
    assert "لحن" in pages[0].text
    assert "پس گرفته شد" in pages[1].text
    assert again.status_code == 409


async def test_who_wrote_reads_why_it_was_refused_until_the_next_decision(sign_in, store):
    sara, mina = await sign_in("sara"), await sign_in("mina")
    await change(sara, "welcome.yaml", "خوش‌آمد", "درود")
    _, first = await propose(sara)
    silent = await mina.post(f"/flows/requests/{first}/refuse", {"note": "  "})
    still = store.read_now(lambda db: find_request(db, first))
    await mina.post(f"/flows/requests/{first}/refuse", {"note": "پرسش دو تا شد"})
    told = [(await sara.get(path)).text for path in ("/flows/", "/flows/changes")]
    _, second = await propose(sara)
    await mina.post(f"/flows/requests/{second}/publish", {"acknowledged": "yes"})
    later = await sara.get("/flows/changes")

    assert (silent.status_code, still.state) == (409, "open")
    assert all("پرسش دو تا شد" in page for page in told)
    assert "پرسش دو تا شد" not in later.text


async def test_going_back_takes_one_person_and_a_reason(sign_in, store):
    sara, mina = await sign_in("sara"), await sign_in("mina")
    first = store.read_now(current_version)
    await change(sara, "welcome.yaml", "خوش‌آمد", "درود")
    _, request_id = await propose(sara)
    await mina.post(f"/flows/requests/{request_id}/publish", {"acknowledged": "yes"})
    silent = await sara.post(f"/flows/history/{first}/rollback", {"reason": " "})
    back = await sara.post(f"/flows/history/{first}/rollback", {"reason": "متن نادرست بود"})

    assert silent.status_code == 409
    assert "دلیل را بنویسید" in silent.text
    assert "متن نادرست بود" in back.text
    assert first == store.read_now(current_version)


async def test_a_publication_shows_what_it_changed_and_what_going_back_would(sign_in, store):
    sara, mina = await sign_in("sara"), await sign_in("mina")
    await change(sara, "welcome.yaml", "خوش‌آمد", "درود")
    _, request_id = await propose(sara)
    await mina.post(f"/flows/requests/{request_id}/publish", {"acknowledged": "yes"})
    newest, first = store.read_now(history)
    now, before = [unescape((await sara.get(f"/flows/history/{row.id}")).text) for row in (newest, first)]

    assert re.search(r'class="plus">.*title: .*درود', now)
    assert "/rollback" not in now
    assert re.search(r'class="minus">.*title: .*درود', before)
    assert re.search(r'class="plus">.*title: .*خوش‌آمد', before)
    assert f"/flows/history/{first.version}/rollback" in before
    assert (await sara.get("/flows/history/99")).status_code == 404


@pytest.mark.parametrize(
    ("who", "allowed"), [("sara", {"view", "edit", "propose"}), ("mina", {"view", "publish"}), ("zahra", set())]
)
async def test_each_role_does_only_its_part(sign_in, who, allowed):
    writer = await sign_in(who)
    tried = {
        "view": await writer.get("/flows/"),
        "edit": await writer.post("/flows/new", {"name": "x1"}),
        "propose": await writer.post("/flows/changes", {"note": "x"}),
        "publish": await writer.post("/flows/requests/none/publish", {}),
    }

    assert {name for name, answer in tried.items() if answer.status_code != 403} == allowed


async def test_nobody_sees_the_scripts_without_signing_in(console, sign_in):
    sara = await sign_in("sara")
    sara.http.cookies.clear()

    for path in ("/flows/", "/flows/edit/welcome.yaml", "/flows/changes", "/flows/history", "/flows/requests/x"):
        assert (await sara.get(path)).url.path in {"/login", path}
        assert "خوش‌آمد" not in (await sara.get(path)).text


async def test_only_new_warnings_need_a_tick(sign_in):
    sara = await sign_in("sara")
    await change(sara, "welcome.yaml", "از چه بنویسیم؟", "دربارهٔ چه بنویسیم؟")
    await change(sara, "welcome.yaml", "{gets: از چه بنویسیم}", "{gets: دربارهٔ چه بنویسیم}")
    changes = await sara.get("/flows/changes")

    assert 'name="acknowledged"' not in changes.text
    assert "هشدار که در نسخهٔ منتشرشده هم هست" in changes.text
    proposed = await sara.post("/flows/changes", {"note": "واژهٔ بهتر"})
    assert "/flows/requests/" in str(proposed.url)


async def test_a_new_warning_asks_for_its_tick_and_is_named_alone(sign_in):
    sara = await sign_in("sara")
    await change(sara, "welcome.yaml", "text: ممنون که", "text: خواهر گرامی، ممنون که")
    changes = await sara.get("/flows/changes")

    assert 'name="acknowledged"' in changes.text
    assert "۱ هشدار تازه" in changes.text
    assert (await sara.post("/flows/changes", {"note": "واژهٔ بهتر"})).status_code == 422


async def test_what_a_change_breaks_in_another_file_is_shown_where_it_was_made(sign_in):
    sara = await sign_in("sara")
    await change(sara, "welcome.yaml", "- {end: done,", "- refer: place\n  to: ngo\n  text: باشد.\n- {end: done,")
    before = await sara.get("/flows/edit/directory/ngo.yaml")
    await change(sara, "directory/ngo.yaml", "directory: ngo", "directory: charity")
    page = await sara.get("/flows/edit/directory/ngo.yaml")

    assert "در فایل‌های دیگر" not in before.text
    assert "در فایل‌های دیگر" in page.text
    assert re.search(r'href="/flows/edit/welcome.yaml#L\d+"', page.text)
    assert '<bdi dir="ltr">directory/ngo.yaml</bdi>، <bdi dir="ltr">welcome.yaml</bdi> آمده است' in page.text
