"""The nearest service: neighbourhood before city before province before country, and never another end of the country."""

from dataclasses import replace
from datetime import date

from bot.core.events import ReferralRequested
from bot.core.text import fold
from bot.engine.model import DirectoryType
from bot.engine.nearby import named_in, nearest

TODAY = date(2026, 11, 22)
PLACES = (
    {"province": "tehran", "city": "تهران", "neighbourhood": "مهتاب", "name": "مهتاب"},
    {"province": "tehran", "city": "تهران", "neighbourhood": "آفتاب", "name": "آفتاب"},
    {"province": "tehran", "city": "ری", "name": "ری"},
    {"province": "IR-07", "city": "شیراز", "neighbourhood": "آفتاب", "name": "شیراز"},
)
KIND = DirectoryType(id="social_base", title="پایگاه", places=PLACES)


def found(province: str, *near: str, kind: DirectoryType = KIND) -> str:
    return nearest(kind, province, near, TODAY).get("name", "")


def test_a_neighbourhood_wins_over_a_city_and_a_city_over_the_province():
    assert found("IR-23", fold("تهران"), fold("آفتاب")) == "آفتاب"
    assert found("IR-23", fold("ری")) == "ری"
    assert found("IR-23") == "مهتاب"


def test_a_neighbourhood_of_the_same_name_elsewhere_is_not_hers():
    assert found("IR-07", fold("آفتاب")) == "شیراز"
    assert found("", fold("شیراز")) == "شیراز"


def test_nobody_is_sent_to_another_end_of_the_country():
    assert found("IR-29") == ""
    everywhere = DirectoryType(id="line", title="خط", places=(*PLACES, {"name": "کشوری"}))
    assert found("IR-29", kind=everywhere) == "کشوری"
    assert nearest(None, "IR-23", (), TODAY) == {}


def test_a_place_is_named_only_while_it_is_valid():
    past = {"province": "tehran", "city": "تهران", "name": "بسته", "valid_until": "2026-11-21"}
    coming = {"province": "tehran", "city": "تهران", "name": "آینده", "valid_from": "2026-11-23"}
    kind = DirectoryType(id="x", title="x", places=(past, coming, PLACES[2]))

    assert found("IR-23", fold("تهران"), kind=kind) == "ری"


def test_only_names_of_the_directory_are_kept_of_her_words():
    kept = named_in(fold("تهران محلهٔ آفتاب کوچهٔ لاله پلاک سه"), {"social_base": KIND})

    assert kept == (fold("آفتاب"), fold("تهران"))


SHOWN = """
flow: shown
title: x
owner: x
silence: {after: 10m, then: settle}
steps:
- ask: here
  text: شهر و محله؟
  place: {level: area}
  skip: نگویم
- refer: base
  to: social_base
  near: here
  show: yes
  if_none: nothing
  text: نزدیک شما {place_name} است.
- end: bye
  text: همین.
- end: nothing
  text: جایی نداریم.
"""


def beginning(script):
    she = script(SHOWN)
    she.bundle = replace(she.bundle, directory={"social_base": KIND})
    return she


def test_the_nearest_place_is_shown_without_a_referral_or_a_consent(script):
    she = beginning(script)
    she.says("سلام")

    assert she.says("تهران آفتاب") == ["نزدیک شما آفتاب است.", "همین."]
    assert not [event for event in she.all_events if isinstance(event, ReferralRequested)]


def test_where_no_place_is_known_the_script_says_something_else(script):
    for words in ("زاهدان", "نگویم"):
        she = beginning(script)
        she.says("سلام")

        assert she.says(words) == ["جایی نداریم."]
