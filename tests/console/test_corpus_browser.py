"""Hostile texts in every field that the console shows: shown as they were written, never run, never out of their place."""

import json

from console.keys import take_first

#: Ways in which a text has become a script somewhere: tags, attributes, addresses, templates, broken encodings, SVG, MathML.
XSS = (
    "<script>boom()</script>", "<img src=x onerror=boom()>", "<svg onload=boom()>", "<svg><script>boom()</script></svg>",
    '"><script>boom()</script>', "'><img src=x onerror=boom()>", "</textarea><script>boom()</script>",
    "</title><script>boom()</script>", "</style><script>boom()</script>", "<iframe srcdoc='<script>boom()</script>'>",
    "<iframe src=javascript:boom()>", "<a href=javascript:boom() autofocus onfocus=boom()>x</a>", "<body onload=boom()>",
    "<details open ontoggle=boom()>", "<video><source onerror=boom()>", "<math><mtext><script>boom()</script></mtext></math>",
    "<input autofocus onfocus=boom()>", "<select autofocus onfocus=boom()>", "<marquee onstart=boom()>", "<object data=javascript:boom()>",
    "<embed src=javascript:boom()>", "<base href=javascript:boom()//>", "<meta http-equiv=refresh content='0;url=javascript:boom()'>",
    "<link rel=stylesheet href=javascript:boom()>", "<form action=javascript:boom()><button>", "<isindex formaction=javascript:boom()>",
    "{{7*7}}", "{{constructor.constructor('boom()')()}}", "${boom()}", "#{boom()}", "<%= boom() %>", "{% raw %}", "{x.__class__}",
    "%3Cscript%3Eboom()%3C/script%3E", "&lt;script&gt;boom()&lt;/script&gt;", "\\u003cscript\\u003eboom()\\u003c/script\\u003e",
    "<scr\u200cipt>boom()</scr\u200cipt>", "<ſcript>boom()</ſcript>", "＜script＞boom()＜/script＞", "<!--><script>boom()</script>-->",
    "<![CDATA[<script>boom()</script>]]>", '<noscript><p title="</noscript><img src=x onerror=boom()>">', "javascript:boom()",
    "data:text/html,<script>boom()</script>", "<template><script>boom()</script></template>", "<slot onslotchange=boom()>",
    "<style>@import 'javascript:boom()';</style>", '<p style="background:url(javascript:boom())">', "<q/oncut=boom()>",
    "<x contenteditable onblur=boom()>x</x>", "`${boom()}`", "';boom();//", '";boom();//', "--><svg/onload=boom()>",
)  # fmt: skip
#: What turns the order of letters round, hides them, or looks like another letter.
BIDI = (
    "سلام \u202eTXET\u202c", "\u2066\u2067abc", "\u202d\u202d\u202d(12)", "a\u200bb\u200cc\u200dd\u2060e\ufeff", "раypal",
    "\u0000\u0007\u001b[31m", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘", "\u202e" * 40, "👩‍👩‍👧‍👦" * 20,
)  # fmt: skip
_WATCH = """
window.boom = () => { window.ran = true; };
document.addEventListener("securitypolicyviolation", (event) => { (window.broken ??= []).push(event.violatedDirective); });
"""


def texts(corpus, size=6):
    """Give the corpus in messages of some lines."""
    return ["\n".join(corpus[at : at + size]) for at in range(0, len(corpus), size)]


def test_hostile_texts_are_shown_as_written_in_every_field_and_nothing_runs(sit, room):
    hostile = XSS[0] + XSS[1]
    mina = room.staff("mina", "counsellor", "supervisor", "admin", name=hostile[:60])
    case_id = room.cry(text=f"شوهرم داره منو می‌زنه {hostile}")
    for text in texts(XSS + BIDI):
        room.say(text)
    page = sit("mina")
    page.context.add_init_script(_WATCH)
    page.on("dialog", lambda dialog: dialog.dismiss())
    page.goto("/")
    page.get_by_role("button", name="شروع شیفت").click()
    take_first(page)
    token = room.case(case_id)["token"]
    for place, fields in (
        ("notes", {"text": "\n".join(XSS[:30])}),
        ("safe-contact", {"way": hostile, "phone": hostile, "hours": hostile, "who": hostile, "cover": hostile}),
        ("messages", {"text": "\n".join(XSS[30:40]), "command": "c" * 32}),
    ):
        sent = page.evaluate(
            """async ([place, fields]) => {
                const body = new URLSearchParams({ csrf: document.querySelector('meta[name=csrf]').content, ...fields });
                return (await fetch(place, { method: "POST", body, headers: { "X-Live": "1" } })).status;
            }""",
            [f"/cases/{case_id}/{place}", {**fields, "token": str(token)}],
        )
        assert sent < 500, place
    for path in (f"/cases/{case_id}", "/", "/staff", "/me"):
        page.goto(path)
        page.wait_for_load_state("networkidle") if path == "/staff" else page.locator("#main").wait_for()
        assert not page.evaluate("window.ran === true"), path
        assert [] == page.evaluate("window.broken ?? []"), path
        assert 0 == page.locator("#main script, #main iframe, #main object, #main [onerror], #main [onload]").count(), (
            path
        )
    page.goto(f"/cases/{case_id}")
    shown = page.locator("#log").inner_text()
    for text in (XSS[0], XSS[1], "{{7*7}}", "${boom()}", "&lt;script&gt;boom()&lt;/script&gt;"):
        assert text in shown, json.dumps(text)
    assert mina.name in page.locator(".me").inner_text()


def test_a_text_that_turns_letters_round_stays_in_its_own_bubble(sit, room):
    room.staff("mina")
    case_id = room.cry()
    for text in BIDI:
        room.say(text)
    page = sit("mina")
    page.goto("/")
    take_first(page)
    page.goto(f"/cases/{case_id}")
    isolated = page.evaluate(
        """[...document.querySelectorAll("#log .text")].map((item) => getComputedStyle(item).unicodeBidi)"""
    )
    assert {"isolate", "plaintext", "isolate-override"} >= set(isolated), set(isolated)
    assert page.locator("#log").bounding_box()["width"] <= page.viewport_size["width"]
