"""From what she sent to an answer of the waiting question, first exactly, then loosely (flow-language §2.1, §2.4).

Exact means: this is nothing but an answer (a number, a label, a synonym, a typed value), so its words need no
screening. Loose means: it reads like one (a slip, a number in words, a label within a sentence), and is tried only
after the words were screened.
"""

from typing import TYPE_CHECKING

from bot.core.jalali import parse_date, tehran_today
from bot.core.messages import ContactInput, Input, LocationInput, MediaInput, Press, PressInput, TextInput
from bot.core.numbers import number_in
from bot.core.phones import mobile_e164
from bot.core.provinces import find_province
from bot.core.text import close, fold
from bot.engine.answer_words import ORDINALS, SKIP, begins, is_no, is_yes
from bot.engine.model import Ask, Choice, Date, FreeText, Media, Multi, Number, Option, Phone, Place, Scale
from bot.engine.nearby import named_in
from bot.engine.places import PROVINCES
from bot.engine.render import translated
from bot.engine.session import Answer

if TYPE_CHECKING:
    from bot.engine.run import Run

_HEADS = ("گزینه ", "شماره ", "گزینه شماره ", "عدد ", "مورد ")
_JOINERS = frozenset({"و", "با"})
_DATE_WORDS_MAX, _PLACE_WORDS_MAX, _LOOSE_WORDS_MAX = 3, 4, 8


def exact(run: "Run", ask: Ask) -> Answer | None:
    """Give the answer that the input is, or None. A stale press is never one."""
    match run.input:
        case TextInput():
            return _exact_text(run, ask)
        case PressInput(press=press):
            return pressed(ask, press.key) if is_fresh(run, press) else None
    return "given" if _takes(ask, run.input) else None


def is_fresh(run: "Run", press: Press) -> bool:
    """True for a button of the waiting question, of its first asking or a later one."""
    stack = run.session.stack
    if not stack or run.session.status in {"ended", "locked"}:
        return False
    frame = stack[-1]
    return press.flow == frame.flow and press.step == frame.step and frame.visit <= press.visit <= run.session.visit


def _takes(ask: Ask, entered: Input) -> bool:
    """True for something without words that the question asked for."""
    spec = ask.spec
    match entered:
        case ContactInput():
            return isinstance(spec, Phone)
        case MediaInput(kind=kind):
            return isinstance(spec, Media) and kind in spec.accept
        case LocationInput():
            return isinstance(spec, Media) and "location" in spec.accept
    return False


def pressed(ask: Ask, key: str) -> Answer | None:
    """Give the answer a button of this question stands for; a multi's may join keys with commas."""
    if key in ask.by_key:
        return _value(ask, key)
    if isinstance(ask.spec, Scale | Number) and key.isascii() and key.isdecimal() and len(key) < 4:
        return _in_range(ask, int(key))
    if isinstance(ask.spec, Multi):
        return _set(ask, key.split(","))
    return None


def loose(run: "Run", ask: Ask) -> Answer | None:
    """Give the answer that a text reads like, or None when none or several fit."""
    if not isinstance(run.input, TextInput) or not run.folded:
        return None
    tokens = run.folded.split()
    found: Answer | None = None
    match ask.spec:
        case Number() | Scale():
            number = number_in(run.text) if len(tokens) <= _LOOSE_WORDS_MAX else None
            found = None if number is None else _in_range(ask, number)
        case Date():
            found = _date(run, ask)
        case Place():
            found = _place(run, ask)
        case Multi():
            return _contained_all(ask, run.folded)
    return found if found is not None else _near(ask, run.folded, tokens, run.session.language)


def _exact_text(run: "Run", ask: Ask) -> Answer | None:
    key = run.folded
    joined = key.replace(" ", "")
    found = ask.keys_by_text.get(key) or ask.keys_by_text.get(joined)
    if found is None and run.session.language in run.bundle.translations:
        found = next((one.key for one in ask.options if fold(translated(run, one.label)) == key), None)
    if found is None and "skip" in ask.by_key and joined in SKIP:
        found = "skip"
    if found is None and isinstance(ask.spec, Choice):
        found = _choice(ask, key, run.session.language)
    return _typed(run, ask, key) if found is None else _value(ask, found)


def _typed(run: "Run", ask: Ask, key: str) -> Answer | None:
    """Read a typed value, when the text is nothing but that."""
    value: Answer | None = None
    match ask.spec:
        case FreeText():
            value = "given" if run.text.strip() else None
        case Multi():
            value = _set(ask, _parts(ask, run.text))
        case Number() | Scale():
            number = _whole_number(key)
            value = None if number is None else _in_range(ask, number)
        case Phone():
            value = "given" if mobile_e164(run.text) else None
        case Date():
            value = _date(run, ask) if len(key.split()) <= _DATE_WORDS_MAX else None
        case Place(level="province"):
            # A slip away from a city («می‌زنه», «میانه») is no place while the words tell of danger.
            plain = len(key.split()) <= _PLACE_WORDS_MAX and run.screening.tier is None
            value = _place(run, ask) if plain else None
    return value


def _choice(ask: Ask, key: str, language: str = "") -> str | None:
    """Find the option that a folded text names by number, head word or a yes and no of its own."""
    number = _whole_number(key)
    if number is not None:
        return ask.options[number - 1].key if 1 <= number <= len(ask.options) else None
    joined = key.replace(" ", "")
    if "yes" in ask.by_key and is_yes(joined, language):
        return "yes"
    if "no" in ask.by_key and is_no(joined, language):
        return "no"
    first, _, rest = key.partition(" ")
    if rest and first.isdecimal():  # «۲ نه، در خطرم»: her number and our label
        option = _choice(ask, first)
        return option if option is not None and ask.keys_by_text.get(rest) == option else None
    return None


def written_options(run: "Run") -> tuple[Option, ...]:
    """Give the options of the waiting question that a text names exactly: «2», «نه، در خطرم»."""
    ask = run.waiting()
    if ask is None or not isinstance(run.input, TextInput):
        return ()
    value = exact(run, ask)
    keys = value if isinstance(value, tuple) else (str(value),)
    return tuple(ask.by_key[key] for key in keys if key in ask.by_key)


def _whole_number(key: str) -> int | None:
    """Read «2», «گزینه 2», «دو»; None for anything with more in it."""
    for head in _HEADS:
        if key.startswith(head):
            key = key.removeprefix(head)
            break
    if key.isascii() and key.isdecimal():
        return int(key) if len(key) <= 3 else None
    return ORDINALS.get(key)


def _value(ask: Ask, key: str) -> Answer:
    """Give the answer for an option's key: a number's `none` is 0, a multi's one key is a set."""
    if key == "none" and isinstance(ask.spec, Number):
        return 0
    if isinstance(ask.spec, Multi) and key != "skip":
        return (key,)
    return key


def _in_range(ask: Ask, number: int) -> int | None:
    spec = ask.spec
    return number if isinstance(spec, Scale | Number) and spec.low <= number <= spec.high else None


def _parts(ask: Ask, text: str) -> list[str]:
    """Split a multi's answer into keys; a part that is no option spoils the whole."""
    table = ask.keys_by_text
    pieces = [piece for piece in (fold(part) for part in _split(text)) if piece]
    keys: list[str] = []
    for piece in pieces:
        one = table.get(piece) or _choice(ask, piece)
        many = [one] if one else [_choice(ask, word) or "" for word in piece.split() if word not in _JOINERS]
        keys.extend(many)
    return keys


def _split(text: str) -> list[str]:
    for mark in ("،", "\n", "+", "/", ";", "؛", " و "):
        text = text.replace(mark, ",")
    return text.split(",")


def _set(ask: Ask, keys: list[str]) -> Answer | None:
    """Give the set in the options' order; None when a part is unknown or the count is out of bounds."""
    chosen = set(keys)
    if not chosen or not chosen <= ask.by_key.keys() or not isinstance(ask.spec, Multi):
        return None
    if chosen == {"skip"}:
        return "skip"
    chosen.discard("skip")
    if not ask.spec.least <= len(chosen) <= ask.spec.most:
        return None
    return tuple(option.key for option in ask.options if option.key in chosen)


def _date(run: "Run", ask: Ask) -> str | None:
    if not isinstance(ask.spec, Date):
        return None
    today = tehran_today(run.facts.now)
    found = parse_date(run.text, today)
    if found is None or not ask.spec.from_days <= (found - today).days <= ask.spec.to_days:
        return None
    return found.isoformat()


_KEY_BY_CODE = {code: key for key, (_, code) in PROVINCES.items()}


def _place(run: "Run", ask: Ask) -> str | None:
    """Give the province's key; below province any words name the place and only `given` is kept."""
    found = find_province(run.text)
    if found is not None:
        run.session.province = found.code
    if isinstance(ask.spec, Place) and ask.spec.level != "province":
        run.session.near = named_in(run.folded, run.bundle.directory)
        return "given"
    return _KEY_BY_CODE.get(found.code) if found is not None else None


def _near(ask: Ask, key: str, tokens: list[str], language: str) -> Answer | None:
    """Find the one option that a text is but for a slip, or whose label stands in a short sentence."""
    if len(tokens) > _LOOSE_WORDS_MAX:
        return None
    if len(tokens) <= 3:
        found = {option for words, option in ask.keys_by_text.items() if close(key, words)}
        if len(found) == 1:
            return _value(ask, found.pop())
        head = _headed(ask, tokens, language)
        if head is not None:
            return _value(ask, head)
    padded = f" {key} "
    within = {option for words, option in ask.keys_by_text.items() if len(words) > 3 and f" {words} " in padded}
    return _value(ask, within.pop()) if len(within) == 1 else None


def _headed(ask: Ask, tokens: list[str], language: str) -> str | None:
    """Read «آره هست», «نه ندارم»: a yes or no in front and nothing of the other kind after it."""
    if "yes" not in ask.by_key or "no" not in ask.by_key:
        number = number_in(" ".join(tokens)) if ask.numbered else None
        return ask.options[number - 1].key if number is not None and 1 <= number <= len(ask.options) else None
    head = begins(tokens[0], language)
    said = {is_yes(word, language) for word in tokens if is_yes(word, language) or is_no(word, language)}
    return head if head is not None and len(said) == 1 else None


def _contained_all(ask: Ask, key: str) -> Answer | None:
    """Collect every option whose label stands in the text."""
    padded = f" {key} "
    keys = [option for words, option in ask.keys_by_text.items() if len(words) > 2 and f" {words} " in padded]
    return _set(ask, keys) if keys else None
