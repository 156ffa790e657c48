"""Persian word forms from stems: verbs in their persons, tenses and clitics, nouns with theirs; folded, spoken and formal.

A form carries tags: the class («HIT»), person («HIT3»), person and tense («HIT3p» present, «d» done, «i» was doing,
«s» may do), «HITN» and «HITN3» when the verb form itself negates, and ME, YOU, HIM for an object clitic.
"""

from collections.abc import Iterator

#: A form, its tags, and whether it is common enough to be recognised misspelt or in Latin letters.
Form = tuple[str, tuple[str, ...], bool]

_PRESENT = (("م", 1), ("ی", 2), ("ه", 3), ("د", 3), ("یم", 1), ("ید", 2), ("ین", 2), ("ن", 3), ("ند", 3))
_PAST = (("م", 1), ("ی", 2), ("", 3), ("یم", 1), ("ید", 2), ("ین", 2), ("ن", 3), ("ند", 3))
_PERFECT = (
    ("ه", 3), ("هام", 1), ("هم", 1), ("های", 2), ("هاست", 3), ("هایم", 1), ("هایم", 1), ("هاند", 3), ("هن", 3), ("ست", 3),
)  # fmt: skip
_CLITICS = (("م", "ME"), ("ت", "YOU"), ("ش", "HIM"), ("مون", "ME"), ("تون", "YOU"), ("شون", "HIM"), ("مان", "ME"))
_BARE = "*"
#: Verbs that nothing is done to: «بردم» is "I took", never "he went me".
_NO_OBJECT = frozenset({"GO", "COME", "DIE", "BECOME", "SLEEP", "FALL", "LIVE", "WORK", "JUMP", "FLEE"})


def verb_forms(tag: str, stems: str) -> Iterator[Form]:
    """Give all forms of a verb written «present/past»; «کن*/کرد» may stand without ب in the subjunctive."""
    present, _, past = stems.partition("/")
    bare = present.endswith(_BARE)
    present = present.rstrip(_BARE)
    if present:
        yield from _present_forms(tag, present, bare=bare)
    if past:
        yield from _past_forms(tag, past)


def _tags(tag: str, person: int, tense: str) -> tuple[str, ...]:
    live = ("PRES",) if tense == "p" else ()
    return (tag, f"{tag}{person}", f"{tag}{person}{tense}", f"{tag}{tense}", *live)


def _not(tag: str, person: int, tense: str) -> tuple[str, ...]:
    return (f"{tag}N", f"{tag}N{person}", f"{tag}N{person}{tense}", "NOT")


def _present_forms(tag: str, stem: str, *, bare: bool) -> Iterator[Form]:
    may, not_may = ("بی", "نی") if stem.startswith("ا") else ("ب", "ن")
    for ending, person in _PRESENT:
        yield f"می{stem}{ending}", _tags(tag, person, "p"), True
        yield f"نمی{stem}{ending}", _not(tag, person, "p"), True
        yield f"{may}{stem}{ending}", _tags(tag, person, "s"), True
        yield f"{not_may}{stem}{ending}", _not(tag, person, "s"), False
        if may == "بی":
            yield f"ب{stem[1:]}{ending}", _tags(tag, person, "s"), False
            yield f"می{stem[1:]}{ending}", _tags(tag, person, "p"), False
        if bare:
            yield f"{stem}{ending}", _tags(tag, person, "s"), True
    yield f"{may}{stem}", _tags(tag, 2, "s"), True
    yield f"{not_may}{stem}", _not(tag, 2, "s"), False
    for clitic, object_tag in () if tag in _NO_OBJECT else _CLITICS:
        for joint in ("ت", "د", "ن", "ند"):
            yield f"می{stem}{joint}{clitic}", (*_tags(tag, 3, "p"), object_tag), joint in "تن" and len(clitic) == 1
            yield f"نمی{stem}{joint}{clitic}", _not(tag, 3, "p"), False
            yield f"{may}{stem}{joint}{clitic}", (*_tags(tag, 3, "s"), object_tag), False
        if object_tag != "ME":
            yield f"می{stem}م{clitic}", (*_tags(tag, 1, "p"), object_tag), len(clitic) == 1
            yield f"نمی{stem}م{clitic}", _not(tag, 1, "p"), False
            yield f"{may}{stem}م{clitic}", (*_tags(tag, 1, "s"), object_tag), False
            if bare:
                yield f"{stem}م{clitic}", (*_tags(tag, 1, "s"), object_tag), False


def _past_forms(tag: str, stem: str) -> Iterator[Form]:
    for ending, person in _PAST:
        yield f"{stem}{ending}", _tags(tag, person, "d"), True
        yield f"ن{stem}{ending}", _not(tag, person, "d"), False
        yield f"می{stem}{ending}", _tags(tag, person, "i"), person != 2
        yield f"نمی{stem}{ending}", _not(tag, person, "i"), False
    for ending, person in _PERFECT:
        yield f"{stem}{ending}", _tags(tag, person, "d"), ending in {"ه", "هام"}
        yield f"ن{stem}{ending}", _not(tag, person, "d"), ending == "ه"
        yield f"می{stem}{ending}", _tags(tag, person, "i"), False
    for clitic, object_tag in () if tag in _NO_OBJECT else _CLITICS:
        for joint in ("", "ت", "ن", "ند", "ه"):
            if joint or clitic[0] != "م":  # «زدم» is "I hit", never "he hit me", unless something else says so
                yield (
                    f"{stem}{joint}{clitic}",
                    (*_tags(tag, 3, "d"), object_tag),
                    joint in {"", "ن"} and len(clitic) == 1,
                )
                yield f"می{stem}{joint}{clitic}", (*_tags(tag, 3, "i"), object_tag), False
        if object_tag != "ME":
            yield f"{stem}م{clitic}", (*_tags(tag, 1, "d"), object_tag), False


_PLAIN_ENDINGS = (
    ("", ""), ("ی", ""), ("و", ""), ("رو", ""), ("را", ""), ("ها", ""), ("های", ""), ("هارو", ""), ("ان", ""), ("ای", ""), ("یی", ""), ("ه", ""),
    ("م", "1"), ("ت", "2"), ("ش", "3"), ("ام", "1"), ("ات", "2"), ("اش", "3"), ("مون", "1"), ("تون", "2"), ("شون", "3"),
    ("مان", "1"), ("تان", "2"), ("شان", "3"), ("مو", "1"), ("تو", "2"), ("شو", "3"), ("مونو", "1"), ("تونو", "2"),
    ("شونو", "3"), ("مه", "1"), ("هام", "1"), ("هات", "2"), ("هاش", "3"), ("هامو", "1"), ("هاتو", "2"), ("هاشو", "3"),
    ("هامون", "1"), ("هاشون", "3"), ("هایم", "1"), ("هایش", "3"), ("هایمان", "1"), ("امو", "1"), ("اتو", "2"), ("اشو", "3"),
    ("هامونو", "1"), ("هاشونو", "3"), ("مم", "1"), ("ا", ""), ("ارو", ""), ("امون", "1"), ("امونو", "1"), ("یم", "1"), ("یش", "3"), ("یه", ""), ("م را", "1"),
)  # fmt: skip
_OBJECT_ENDINGS = frozenset(
    {
        "و",
        "رو",
        "را",
        "هارو",
        "مو",
        "تو",
        "شو",
        "مونو",
        "تونو",
        "شونو",
        "هامو",
        "هاتو",
        "هاشو",
        "امو",
        "اتو",
        "اشو",
        "هامونو",
        "هاشونو",
        "ارو",
        "امونو",
    }
)
_COMMON_ENDINGS = frozenset({"", "ا", "ارو", "م", "ش", "و", "مو", "شو", "ها", "ام", "هام"})


def noun_forms(tag: str, noun: str) -> Iterator[Form]:
    """Give a noun with its clitics; the owner is 1 (mine), 2 (yours) or 3 (his, hers): «KIN1» is my kin."""
    for ending, owner in _PLAIN_ENDINGS:
        tags = (tag, tag + owner) if owner else (tag,)
        if ending in _OBJECT_ENDINGS:
            tags = (*tags, f"{tag}o", f"{tag}{owner}o") if owner else (*tags, f"{tag}o")
        common = ending in _COMMON_ENDINGS
        yield noun + ending, tags, common
        if noun.endswith("ه") and len(noun) > 2 and ending and ending != "ه":
            yield noun[:-1] + ending, tags, common and len(ending) > 1
