"""The second factor: set up with the right code, used once for each step, recovered on paper, reset by another."""

import random
from dataclasses import replace

import pyotp
import pytest

from bot.settings import Settings, SettingsError
from bot.store import schema
from bot.store.crypto import UnreadableError
from escalation import repo_staff
from escalation.accounts import Accounts, LoginRefusedError
from escalation.case import BadInputError
from escalation.factors import SETUP_MS, FactorNeededError, SetUpOverError, WrongCodeError
from escalation.passwords import TRIES_PER_CODE, TooManyTriesError
from escalation.policy import NotAllowedError
from escalation.signin import CODE_MS, SignInRules, rules_of

PASSWORD = "گل‌های باغ ۱۴۰۵"
PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


class Phone:
    """Her authenticator."""

    def __init__(self, secret, house):
        self._secret = secret
        self._house = house

    def code(self, steps=0):
        return pyotp.TOTP(self._secret).at(int(self._house.clock.now().timestamp()) + 30 * steps)


@pytest.fixture
def people(house, hashing):
    """Give accounts whose supervisors and admins need a second factor."""
    rules = SignInRules(factor_roles=frozenset({"admin", "supervisor"}))
    return Accounts(
        house.store, house.clock, house.ids, keyring=house.keyring, hashing=hashing, rules=rules,
        random_bytes=random.Random(9).randbytes,
    )  # fmt: skip


async def account(house, hashing, name, *roles):
    actor = house.staff(name, *roles)
    hashed = await hashing.hash(PASSWORD)
    house.store.write_now(lambda tx: repo_staff.change_staff(tx, name, password_hash=hashed) and None)
    return actor


async def login(people, name="mina"):
    return await people.login(username=name, password=PASSWORD, address="1.1.1.1")


async def set_up(people, house, actor, session):
    """Set a second factor up; give the phone and the recovery codes."""
    proposed = await people.propose_factor(actor=actor, issuer="گفت‌وگو")
    phone = Phone(proposed.secret, house)
    codes = await people.confirm_factor(actor=actor, code=phone.code(), token=session.token)
    house.advance(30)
    return phone, codes


async def coded(people, house, hashing, *roles):
    actor = await account(house, hashing, "mina", *roles)
    session = await login(people)
    return actor, *await set_up(people, house, actor, session)


async def test_with_a_second_factor_the_password_alone_opens_nothing(people, house, hashing):
    _, phone, _ = await coded(people, house, hashing)
    waiting = await login(people)

    assert "code" == waiting.signed_in.stage
    assert None is await people.resume(waiting.token)
    assert None is await people.peek(waiting.token)
    opened = await people.login_code(token=waiting.token, code=phone.code().translate(PERSIAN))
    assert "full" == (await people.resume(opened.token)).stage
    assert None is await people.waiting(waiting.token)


@pytest.mark.parametrize("steps", [-3, -2, 2, 3])
async def test_a_code_of_another_time_is_refused(people, house, hashing, steps):
    _, phone, _ = await coded(people, house, hashing)
    waiting = await login(people)
    with pytest.raises(WrongCodeError):
        await people.login_code(token=waiting.token, code=phone.code(steps))
    assert None is await people.resume(waiting.token)


async def test_a_code_is_good_once_and_so_is_every_older_one(people, house, hashing):
    _, phone, _ = await coded(people, house, hashing)
    house.advance(60)
    seen, older = phone.code(), phone.code(-1)
    await people.login_code(token=(await login(people)).token, code=seen)
    for code in (seen, older):
        with pytest.raises(WrongCodeError):
            await people.login_code(token=(await login(people)).token, code=code)
    house.advance(30)

    assert await people.login_code(token=(await login(people)).token, code=phone.code())
    assert 2 == len([row for row in house.rows(schema.audit) if row["action"] == "code_refused"])


async def test_guessing_codes_stops_after_a_few_tries_whatever_the_session(people, house, hashing):
    _, phone, _ = await coded(people, house, hashing)
    for _ in range(TRIES_PER_CODE):
        with pytest.raises(WrongCodeError):
            await people.login_code(token=(await login(people)).token, code="000000")
    with pytest.raises(TooManyTriesError):
        await people.login_code(token=(await login(people)).token, code=phone.code())


async def test_a_right_password_waits_ten_minutes_for_its_code(people, house, hashing):
    _, phone, _ = await coded(people, house, hashing)
    waiting = await login(people)
    house.advance(CODE_MS / 1000)
    with pytest.raises(LoginRefusedError):
        await people.login_code(token=waiting.token, code=phone.code())


async def test_a_recovery_code_works_once_and_only_for_its_owner(people, house, hashing):
    _, _, codes = await coded(people, house, hashing)
    leila = await account(house, hashing, "leila")
    await set_up(people, house, leila, await login(people, "leila"))
    with pytest.raises(WrongCodeError):
        await people.login_code(token=(await login(people, "leila")).token, code=codes[0])
    opened = await people.login_code(token=(await login(people)).token, code=f" {codes[0].upper()} ")

    assert "full" == opened.signed_in.stage
    with pytest.raises(WrongCodeError):
        await people.login_code(token=(await login(people)).token, code=codes[0])
    assert (True, 9, False) == await people.factor_state(opened.signed_in)


async def test_nothing_of_the_factor_is_stored_readable_or_fits_another_account(people, house, hashing):
    actor = await account(house, hashing, "mina")
    session = await login(people)
    proposed = await people.propose_factor(actor=actor, issuer="گفت‌وگو")
    codes = await people.confirm_factor(actor=actor, code=Phone(proposed.secret, house).code(), token=session.token)
    file = str([house.rows(table) for table in schema.metadata.sorted_tables])

    assert proposed.secret not in file
    assert not [code for code in codes if code in file or code.replace("-", "") in file]
    sealed = house.rows(schema.staff_factors)[0]["sealed_secret"]
    assert proposed.secret.encode() == house.keyring.open_own(b"staff_factors.secret|mina", sealed)
    with pytest.raises(UnreadableError):
        house.keyring.open_own(b"staff_factors.secret|leila", sealed)
    assert 10 == len({*codes})


async def test_who_must_have_one_reaches_nothing_until_she_has(people, house, hashing):
    actor = await account(house, hashing, "mina", "supervisor")
    session = await login(people)

    assert "enrol" == session.signed_in.stage
    assert None is await people.resume(session.token)
    phone, _ = await set_up(people, house, actor, session)
    assert "full" == (await people.resume(session.token)).stage
    with pytest.raises(FactorNeededError):
        await people.remove_factor(actor=actor, code=phone.code())


async def test_who_is_made_supervisor_in_the_middle_of_a_day_is_asked_too(people, house, hashing):
    await account(house, hashing, "mina")
    session = await login(people)
    assert await people.resume(session.token)
    house.change(schema.staff, "mina", roles='["supervisor"]')

    assert None is await people.resume(session.token)
    assert "enrol" == (await people.waiting(session.token)).stage


async def test_a_factor_is_not_confirmed_without_its_code_and_ends_other_sign_ins_when_it_is(people, house, hashing):
    actor = await account(house, hashing, "mina")
    other, session = await login(people), await login(people)
    proposed = await people.propose_factor(actor=actor, issuer="گفت‌وگو")
    with pytest.raises(WrongCodeError):
        await people.confirm_factor(actor=actor, code="000000", token=session.token)
    assert "full" == (await login(people)).signed_in.stage

    await people.confirm_factor(actor=actor, code=Phone(proposed.secret, house).code(), token=session.token)
    assert None is await people.resume(other.token)
    assert await people.resume(session.token)
    with pytest.raises(BadInputError):
        await people.propose_factor(actor=actor, issuer="گفت‌وگو")


async def test_a_wrong_code_leaves_what_she_scanned_as_it_is_for_half_an_hour(people, house, hashing):
    actor = await account(house, hashing, "mina")
    session = await login(people)
    first = await people.propose_factor(actor=actor, issuer="گفت‌وگو")
    with pytest.raises(WrongCodeError):
        await people.confirm_factor(actor=actor, code="000000", token=session.token)
    house.advance(SETUP_MS / 1000 - 1)

    assert first == await people.propose_factor(actor=actor, issuer="گفت‌وگو")
    assert first == await people.proposed_factor(actor=actor, issuer="گفت‌وگو", secret=first.secret)
    house.advance(SETUP_MS / 1000 - 1)
    assert await people.confirm_factor(actor=actor, code=Phone(first.secret, house).code(), token=session.token)


async def test_only_a_page_that_showed_the_secret_is_shown_it_again_without_the_password(people, house, hashing):
    actor = await account(house, hashing, "mina")
    await people.propose_factor(actor=actor, issuer="گفت‌وگو")
    for guess in ("", "A" * 32, "ی"):
        assert None is await people.proposed_factor(actor=actor, issuer="گفت‌وگو", secret=guess)


async def test_a_secret_that_was_never_confirmed_is_forgotten_after_half_an_hour(people, house, hashing):
    actor = await account(house, hashing, "mina")
    session = await login(people)
    first = await people.propose_factor(actor=actor, issuer="گفت‌وگو")
    house.advance(SETUP_MS / 1000)
    with pytest.raises(SetUpOverError):
        await people.confirm_factor(actor=actor, code=Phone(first.secret, house).code(), token=session.token)

    assert None is await people.proposed_factor(actor=actor, issuer="گفت‌وگو", secret=first.secret)
    assert first.secret != (await people.propose_factor(actor=actor, issuer="گفت‌وگو")).secret


async def test_another_admin_resets_it_and_the_audit_says_so(people, house, hashing):
    mina, _, _ = await coded(people, house, hashing, "supervisor")
    chief, other = house.staff("chief", "admin"), house.staff("other", "counsellor")
    for actor, error in ((other, NotAllowedError), (replace(chief, staff_id="mina"), BadInputError)):
        with pytest.raises(error):
            await people.reset_factor(actor=actor, staff_id=mina.staff_id)

    await people.reset_factor(actor=chief, staff_id=mina.staff_id)
    assert "enrol" == (await login(people)).signed_in.stage
    assert [] == house.rows(schema.staff_factors) == house.rows(schema.staff_recovery)
    last = [row for row in house.rows(schema.audit) if row["action"] == "second_factor_reset"]
    assert [("chief", "mina")] == [(row["actor"], row["target_id"]) for row in last]


async def test_fresh_recovery_codes_end_the_old_ones(people, house, hashing):
    actor, phone, old = await coded(people, house, hashing)
    fresh = await people.renew_recovery(actor=actor, code=phone.code())

    assert set() == set(old) & set(fresh)
    with pytest.raises(WrongCodeError):
        await people.login_code(token=(await login(people)).token, code=old[0])
    assert await people.login_code(token=(await login(people)).token, code=fresh[0])


async def test_with_another_key_file_a_recovery_code_still_works(people, house, hashing):
    _, phone, codes = await coded(people, house, hashing)
    house.store.write_now(lambda tx: tx.execute(schema.staff_factors.update().values(sealed_secret=b"x" * 60)) and None)
    with pytest.raises(WrongCodeError):
        await people.login_code(token=(await login(people)).token, code=phone.code())
    assert await people.login_code(token=(await login(people)).token, code=codes[3])


def test_the_settings_say_who_needs_one():
    both = frozenset({"admin", "supervisor"})
    for settings, roles in (
        (Settings(), frozenset()),
        (Settings(behind_tls=True), both),
        (Settings(behind_tls=True, second_factor="none"), frozenset()),
        (Settings(second_factor="admin, counsellor"), frozenset({"admin", "counsellor"})),
    ):
        assert roles == rules_of(settings).factor_roles
    with pytest.raises(SettingsError):
        rules_of(Settings(second_factor="boss"))
