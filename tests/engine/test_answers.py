"""What people type, and the answer it is."""

import pytest

from bot.core.messages import ContactInput, LocationInput, MediaInput, Press, PressInput, TextInput
from bot.core.screening import NOTHING_FOUND
from bot.engine import answers
from bot.engine.model import (
    Ask,
    Choice,
    Date,
    FreeText,
    Media,
    Multi,
    Number,
    Option,
    Phone,
    Place,
    Scale,
)
from bot.engine.run import Run
from bot.engine.session import Frame, Session


def option(key, label, *accept, **more):
    return Option(key=key, label=label, accept=accept, **more)


YES_NO = (option("yes", "بله، شاید"), option("no", "نه، فقط خودم"))
SKIP = option("skip", "نمی‌خواهم بگویم")
SAFE = Ask(id="safe", spec=Choice(), options=(*YES_NO, SKIP))
TOPIC = Ask(
    id="topic",
    spec=Choice(),
    options=(
        option("home", "خانه امن نیست", "خشونت"),
        option("life", "کمک برای زندگی", "مستمری"),
        option("mood", "حالم خوب نیست"),
    ),
)
NEEDS = Ask(
    id="needs",
    spec=Multi(least=1, most=2),
    options=(option("money", "مستمری"), option("job", "کار و مهارت"), option("legal", "کار حقوقی"), SKIP),
)
CHILDREN = Ask(id="children", spec=Number(low=1, high=12), options=(option("none", "فرزندی ندارم"), SKIP))
PAIN = Ask(id="pain", spec=Scale(low=1, high=10), options=(SKIP,))
DAY = Ask(id="day", spec=Date(from_days=-30, to_days=0), options=(SKIP,))
WHERE = Ask(id="where", spec=Place(), options=(SKIP,))
CITY = Ask(id="city", spec=Place(level="city"), options=(SKIP,))
PHONE = Ask(id="phone", spec=Phone(), options=(SKIP,))
STORY = Ask(id="story", spec=FreeText())
VOICE = Ask(id="voice", spec=Media(accept=("voice", "location")), options=(SKIP,))


@pytest.fixture
def run(bundle, talk):
    def make(entered, ask):
        frame = Frame("danger_now", ask.id, 5)
        session = Session("v", stack=[frame], visit=7)
        return Run(session, entered, NOTHING_FOUND, talk().facts, bundle)

    return make


EXACT = [
    (SAFE, "1", "yes"),
    (SAFE, "۲", "no"),
    (SAFE, "٢", "no"),
    (SAFE, "2.", "no"),
    (SAFE, "گزینه ۲", "no"),
    (SAFE, "شمارهٔ ۲", "no"),
    (SAFE, "یک", "yes"),
    (SAFE, "دومی", "no"),
    (SAFE, "1️⃣", "yes"),
    (SAFE, "بله، شاید", "yes"),
    (SAFE, "بله شاید", "yes"),
    (SAFE, "۲ نه، فقط خودم", "no"),
    (SAFE, "آره", "yes"),
    (SAFE, "ارررره", "yes"),
    (SAFE, "بلی", "yes"),
    (SAFE, "آری", "yes"),
    (SAFE, "bale", "yes"),
    (SAFE, "are", "yes"),
    (SAFE, "نه", "no"),
    (SAFE, "نخیر", "no"),
    (SAFE, "خیر", "no"),
    (SAFE, "na", "no"),
    (SAFE, "nakheyr", "no"),
    (SAFE, "NO", "no"),
    (SAFE, "نمی خواهم بگویم", "skip"),
    (SAFE, "نمی‌خوام بگم", "skip"),
    (SAFE, "4", None),
    (SAFE, "0", None),
    (SAFE, "12345", None),
    (SAFE, "بعله دیگه شاید", None),
    (TOPIC, "آره", None),
    (TOPIC, "مستمري", "life"),
    (TOPIC, "home", "home"),
    (NEEDS, "۱ ۳", ("money", "legal")),
    (NEEDS, "3,1", ("money", "legal")),
    (NEEDS, "۱ و ۲", ("money", "job")),
    (NEEDS, "1،2", ("money", "job")),
    (NEEDS, "مستمری و کار حقوقی", ("money", "legal")),
    (NEEDS, "کار و مهارت", ("job",)),
    (NEEDS, "۱", ("money",)),
    (NEEDS, "4", "skip"),
    (NEEDS, "1 4", ("money",)),
    (NEEDS, "1 2 3", None),
    (NEEDS, "1 9", None),
    (CHILDREN, "۳", 3),
    (CHILDREN, "سه", 3),
    (CHILDREN, "13", None),
    (CHILDREN, "فرزندی ندارم", 0),
    (CHILDREN, "نمی‌خواهم بگویم", "skip"),
    (CHILDREN, "سه تا دارم", None),
    (PAIN, "۱۰", 10),
    (PAIN, "11", None),
    (DAY, "دیروز", "2026-11-21"),
    (DAY, "۱۴۰۵/۹/۱", "2026-11-22"),
    (DAY, "۱۴۰۴/۹/۱", None),
    (DAY, "دیروز شوهرم منو بد زد", None),
    (WHERE, "کرمان", "kerman"),
    (WHERE, "استان فارس", "fars"),
    (WHERE, "تبریز", "east_azerbaijan"),
    (WHERE, "از دست شوهرم در کرمان خسته شدم", None),
    (CITY, "کرمان", None),
    (PHONE, "۰۹۱۲ ۳۴۵ ۶۷۸۹", "given"),
    (PHONE, "۱۲۳", None),
    (STORY, "هر چه", "given"),
    (STORY, "  ", None),
    (VOICE, "هر چه", None),
]


@pytest.mark.parametrize(("ask", "text", "expected"), EXACT)
def test_a_text_is_exactly_an_answer(run, ask, text, expected):
    assert answers.exact(run(TextInput(text), ask), ask) == expected


@pytest.mark.parametrize(
    ("ask", "text", "expected"),
    [
        (SAFE, "آره هست", "yes"),
        (SAFE, "نه ندارم", "no"),
        (SAFE, "نه آره", None),
        (SAFE, "نمی‌دونم والا", None),
        (SAFE, "لا تتركوني وحدي", None),
        (SAFE, "لا اعرف", None),
        (TOPIC, "خانه امن نیس", "home"),
        (TOPIC, "خشونن", "home"),
        (TOPIC, "من مستمری می‌خواهم", "life"),
        (TOPIC, "مستمری و خشونت با هم", None),
        (TOPIC, "گزینهٔ دو لطفا", "life"),
        (TOPIC, "یک داستان خیلی خیلی دراز دربارهٔ مستمری و زندگی", None),
        (NEEDS, "هم مستمری هم کار حقوقی لازم دارم", ("money", "legal")),
        (NEEDS, "هیچی", None),
        (CHILDREN, "سه تا بچه دارم", 3),
        (CHILDREN, "صد تا", None),
        (PAIN, "حدود هفت", 7),
        (DAY, "فکر کنم دیروز عصر بود", "2026-11-21"),
        (WHERE, "ما در استان فارس زندگی می‌کنیم", "fars"),
        (CITY, "کوچهٔ دوم پلاک ۳", "given"),
        (PHONE, "ندارم", None),
        (STORY, "هر چه", None),
        (VOICE, "هر چه", None),
    ],
)
def test_a_text_reads_like_an_answer(run, ask, text, expected):
    assert answers.loose(run(TextInput(text), ask), ask) == expected


@pytest.mark.parametrize(
    ("ask", "press", "expected"),
    [
        (SAFE, Press(flow="danger_now", step="safe", visit=5, key="no"), "no"),
        (SAFE, Press(flow="danger_now", step="safe", visit=7, key="no"), "no"),
        (SAFE, Press(flow="danger_now", step="safe", visit=4, key="no"), None),
        (SAFE, Press(flow="danger_now", step="safe", visit=8, key="no"), None),
        (SAFE, Press(flow="danger_now", step="other", visit=7, key="no"), None),
        (SAFE, Press(flow="other", step="safe", visit=7, key="no"), None),
        (SAFE, Press(flow="danger_now", step="safe", visit=7, key="maybe"), None),
        (NEEDS, Press(flow="danger_now", step="needs", visit=7, key="legal,money"), ("money", "legal")),
        (NEEDS, Press(flow="danger_now", step="needs", visit=7, key="legal"), ("legal",)),
        (CHILDREN, Press(flow="danger_now", step="children", visit=7, key="none"), 0),
        (PAIN, Press(flow="danger_now", step="pain", visit=7, key="7"), 7),
        (PAIN, Press(flow="danger_now", step="pain", visit=7, key="70"), None),
    ],
)
def test_a_fresh_button_is_an_answer_and_an_old_one_never(run, ask, press, expected):
    assert answers.exact(run(PressInput(press), ask), ask) == expected


@pytest.mark.parametrize(
    ("ask", "entered", "expected"),
    [
        (VOICE, MediaInput("voice"), "given"),
        (VOICE, LocationInput(35.7, 51.4), "given"),
        (VOICE, MediaInput("photo"), None),
        (SAFE, MediaInput("voice"), None),
        (PHONE, ContactInput("+989120000000"), "given"),
        (SAFE, ContactInput("+989120000000"), None),
    ],
)
def test_things_without_words_answer_what_asked_for_them(run, ask, entered, expected):
    assert answers.exact(run(entered, ask), ask) == expected
