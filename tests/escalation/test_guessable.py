"""Passwords that are tried first are refused; what a person or a generator makes for herself is not."""

import random
import string

import pytest

from escalation.guessable import is_guessable


@pytest.mark.parametrize(
    "password",
    [
        "password123", "P@ssw0rd!!", "Passw0rd1405", "iloveyou1234", "welcome-2026", "panah12345", "Panah@Panah",
        "mina.karimi1", "MINA---KARIMI", "admin_admin_1", "qwertyuiop", "1qaz2wsx3edc", "poiuytrewq1", "abcdefghij",
        "zxcvbnmasdf", "aabbccddeeff", "abc123abc123", "0912-123-4567", "1370/01/01 ", "1234567890", "۱۲۳۴۵۶۷۸۹۰",
        "۰۹۱۲۱۲۳۴۵۶۷", "اورژانس۱۲۳۱۲۳", "پناه پناه پناه", "پناه‌۱۴۰۵۱۴۰۵", "رمز۱۲۳۴۵۶۷۸", "ضصثقفغعهخح", "الفبا ۱۲۳۴۵۶۷",
    ],
)  # fmt: skip
def test_what_is_tried_first_is_refused(password):
    assert is_guessable(password, "mina.karimi")


@pytest.mark.parametrize(
    "password",
    [
        "a long enough phrase", "ماه پشت ابر نمی‌ماند", "گل‌های باغ ۱۴۰۵", "correct horse battery staple",
        "minaret under snow", "passwordless kettle", "اورژانس نارنج خیابان", "kj#9$L2!x@", "؟!#%^&*)(_+=",
    ],
)  # fmt: skip
def test_a_phrase_of_her_own_is_not(password):
    assert not is_guessable(password, "mina.karimi")


def test_what_a_generator_draws_is_not():
    draw = random.Random(5)
    signs = string.ascii_letters + string.digits + string.punctuation
    made = ["".join(draw.choices(signs, k=draw.randint(10, 24))) for _ in range(5_000)]

    assert sum(is_guessable(password, "mina.karimi") for password in made) <= 2
