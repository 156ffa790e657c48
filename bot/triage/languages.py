"""Danger in other languages: small lexicons that are always heard, whatever language a conversation has.

The scenes are one set for all (languages/scenes.yaml), the words are a file a language (languages/<code>.yaml), in the
scripts people type. They may only raise a verdict. An ordinary word costs two look-ups; rules are asked only where
words of a language were met.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from bot.core.screening import Screening
from bot.core.text import Word, fold
from bot.triage.lexfile import LexiconError, Section, read_sections
from bot.triage.rulebook import Rulebook, entries, listed, pattern_tags, read_pattern, read_rule
from bot.triage.rules import Clause, tags_of
from bot.triage.verdict import judge, to_screening

FOLDER = "languages"
SCENES = "scenes"
_OVERRIDE = "override."
#: Beyond `fold`: letters of these languages as a keyboard without them writes them.
_LETTERS = str.maketrans({
    "ە": "ه", "ێ": "ی", "ۆ": "و", "ۇ": "و", "ۊ": "و", "ڵ": "ل", "ڕ": "ر", "ڤ": "و", "ə": "e", "ı": "i",
})  # fmt: skip
_OWN_LETTERS = frozenset("ەێۆۇۊڵڕڤəƏı")
#: Words of every day: no scene holds by these alone.
_LIGHT = frozenset(
    {"ME", "I", "NOW", "TONIGHT", "SOON", "CHILD", "BABY", "KIN", "HUSB", "FAM", "HE", "SELF", "MANY", "COLD"}
)
_STEM_CHARS_MIN = 3
_ENDING_CHARS_MAX = 7
_CLAUSE_WORDS_MAX, _OVERLAP_WORDS = 32, 8
_STRONG = frozenset(".!?؟؛;…\n")
_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a word may be the beginning of: the tags of which language, and the words that must follow."""

    book: int
    mask: int
    rest: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a lexicon says of itself. `status` is unreviewed or reviewed."""

    code: str
    name: str
    status: str
    reviewed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Languages:
    """All lexicons of other languages. Treat as immutable.

    Indexed by words, by the first two words of phrases (the second a word, or the first letters of a stem and a
    star), and by the first letters of stems.
    """

    about: tuple[About, ...] = ()
    books: tuple[Rulebook, ...] = ()
    exact: dict[str, tuple[Entry, ...]] = field(default_factory=dict)
    pairs: dict[tuple[str, str], tuple[Entry, ...]] = field(default_factory=dict)
    stems: dict[str, tuple[tuple[str, Entry], ...]] = field(default_factory=dict)
    heavy: int = 0  #: tags of which every scene needs one

    def hear(self, text: str, found: list[Word]) -> Iterator[Screening]:
        """Give what each language finds in a text (`found`: its words); nothing for nearly every text."""
        keys = [word.text for word in found]
        if not _OWN_LETTERS.isdisjoint(text):
            keys = [key.translate(_LETTERS) for key in keys]
        met: dict[int, dict[int, tuple[int, int]]] = {}
        exact, stems = self.exact, self.stems
        for at, key in enumerate(keys):
            if key in exact or key[:_STEM_CHARS_MIN] in stems:
                for entry in self._starting(key, keys[at + 1] if at + 1 < len(keys) else ""):
                    if not entry.rest or _goes_on(entry.rest, keys, at + 1):
                        tagged = met.setdefault(entry.book, {})
                        mask, length = tagged.get(at, (0, 1))
                        tagged[at] = mask | entry.mask, max(length, 1 + len(entry.rest))
        heavy = self.heavy
        places = {number: [at for at, (mask, _) in tagged.items() if mask & heavy] for number, tagged in met.items()}
        loud = [number for number, there in places.items() if there]
        spans = list(_spans(text, found)) if loud else []
        for number in loud:
            book, tagged = self.books[number], met[number]
            clauses = [_clause(found, tagged, *span) for span in spans if _meets(span, places[number])]
            heard = to_screening(book, judge(book, clauses))
            if heard.tier is not None or heard.soft:
                yield heard

    def _starting(self, key: str, after: str) -> Iterator[Entry]:
        """Give what may begin with a word; short words begin many phrases, so those are asked for by two words."""
        known = self.exact.get(key)
        if known is not None:
            yield from known
            yield from self.pairs.get((key, after), ())
            yield from self.pairs.get((key, after[:_STEM_CHARS_MIN] + "*"), ())
        for stem, entry in self.stems.get(key[:_STEM_CHARS_MIN], ()):
            if _fits(stem, key):
                yield entry


def _fits(part: str, key: str) -> bool:
    """True when a word is what an entry's part says; `stem*` may go on."""
    if part[-1] != "*":
        return part == key
    return key.startswith(part[:-1]) and len(key) < len(part) + _ENDING_CHARS_MAX


def _second(rest: tuple[str, ...]) -> str:
    """Give how a phrase's second word is looked up in pairs; empty for none, and for a stem too short for that."""
    if not rest or rest[0][-1] != "*":
        return rest[0] if rest else ""
    return rest[0][:_STEM_CHARS_MIN] + "*" if len(rest[0]) > _STEM_CHARS_MIN else ""


def _goes_on(rest: tuple[str, ...], keys: list[str], at: int) -> bool:
    return at + len(rest) <= len(keys) and all(_fits(part, keys[at + step]) for step, part in enumerate(rest))


def _spans(text: str, found: list[Word]) -> Iterator[tuple[int, int]]:
    """Cut at strong marks, long ones in pieces: where each clause begins and ends."""
    first = 0
    for at in range(1, len(found) + 1):
        ends = at == len(found) or not _STRONG.isdisjoint(text[found[at - 1].end : found[at].start])
        if ends or at - first >= _CLAUSE_WORDS_MAX:
            yield first, at
            first = at if ends else at - _OVERLAP_WORDS


def _meets(span: tuple[int, int], places: list[int]) -> bool:
    return any(span[0] <= at < span[1] for at in places)


def _clause(found: list[Word], tagged: dict[int, tuple[int, int]], first: int, end: int) -> Clause:
    masks = [tagged.get(at, (0, 1))[0] for at in range(first, end)]
    seen = 0
    for mask in masks:
        seen |= mask
    return Clause(
        masks=masks,
        starts=[word.start for word in found[first:end]],
        ends=[found[at + tagged.get(at, (0, 1))[1] - 1].end for at in range(first, end)],
        marks=[word.after_break for word in found[first:end]],
        slips=[0] * (end - first),
        seen=seen,
        hits={},
    )


def files_of(lexicon: Path) -> list[Path]:
    """Give the files of other languages beside a lexicon, none where there are none."""
    return sorted((lexicon / FOLDER).glob("*.yaml"))


def read_about(path: Path) -> About:
    """Read what a lexicon says of itself.

    Raises:
        LexiconError: it does not say who looked at it.
    """
    return _about(path.stem, read_sections(path).get("about"))


def load_languages(lexicon: Path, version: str) -> Languages:
    """Compile the lexicons of other languages beside a lexicon.

    Raises:
        LexiconError: a file says something that cannot be compiled.
    """
    files = {path.stem: read_sections(path) for path in files_of(lexicon)}
    scenes = files.pop(SCENES, None)
    if scenes is None:
        if files:
            raise LexiconError(f"the lexicons of {', '.join(files)} have no {SCENES}.yaml")
        return Languages()
    bits = _allot_bits(scenes)
    index = _Index(bits)
    for number, (code, sections) in enumerate(files.items()):
        index.add(number, code, sections)
    return Languages(
        about=tuple(_about(code, sections.get("about")) for code, sections in files.items()),
        books=tuple(_book(code, sections, (scenes, bits, version)) for code, sections in files.items()),
        exact={form: index.one(tuple(found.values())) for form, found in index.exact.items()},
        pairs={pair: index.one(tuple(found.values())) for pair, found in index.pairs.items()},
        stems={head: tuple(found.values()) for head, found in index.stems.items()},
        heavy=sum(bit for tag, bit in bits.items() if tag not in _LIGHT),
    )


def _about(code: str, section: Section | None) -> About:
    if not isinstance(section, dict) or section.get("status") not in {"unreviewed", "reviewed"}:
        raise LexiconError(f"{code}.yaml must say under `about` whether it is reviewed or unreviewed")
    reviewer = str(section.get("reviewed_by", ""))
    if section["status"] == "reviewed" and not reviewer:
        raise LexiconError(f"{code}.yaml must name who reviewed it")
    return About(code=code, name=str(section.get("name", code)), status=str(section["status"]), reviewed_by=reviewer)


def _allot_bits(scenes: dict[str, Section]) -> dict[str, int]:
    names: dict[str, None] = {"PRES": None}
    for name, value in scenes.items():
        if name.startswith(_OVERRIDE):
            names.update(dict.fromkeys(tag for one in listed(value) for tag in tags_of(one)))
        else:
            names.update(dict.fromkeys(pattern_tags(name, value)))
    return {name: 1 << at for at, name in enumerate(names)}


def _book(code: str, sections: dict[str, Section], made: tuple[dict[str, Section], dict[str, int], str]) -> Rulebook:
    scenes, bits, version = made
    name = _about(code, sections.get("about")).name
    patterns = [read_pattern(one, value, bits) for one, value in scenes.items() if not one.startswith(_OVERRIDE)]
    return Rulebook(
        version=version,
        bits=bits,
        concepts=[],
        patterns=[replace(one, id=f"{code}.{one.id}", why=f"{one.why} ({name})") for one in patterns],
        overrides={
            one.removeprefix(_OVERRIDE): read_rule(value, bits)
            for one, value in scenes.items()
            if one.startswith(_OVERRIDE)
        },
    )


class _Index:
    """Entries while they are gathered; the same words of one language become one entry with all their tags."""

    def __init__(self, bits: dict[str, int]) -> None:
        self._bits = bits
        self.exact: dict[str, dict[tuple[int, tuple[str, ...]], Entry]] = {}
        self.pairs: dict[tuple[str, str], dict[tuple[int, tuple[str, ...]], Entry]] = {}
        self.stems: dict[str, dict[tuple[str, int, tuple[str, ...]], tuple[str, Entry]]] = {}
        self._made: dict[Any, Any] = {}

    def one(self, made: _Made) -> _Made:
        """Give what is equal and was made before: thousands of words mean what others mean, too."""
        return self._made.setdefault(made, made)  # type: ignore[no-any-return]

    def add(self, number: int, code: str, sections: dict[str, Section]) -> None:
        classes = sections.get("words")
        if not isinstance(classes, dict):
            raise LexiconError(f"{code}.yaml has no words")
        prefixes = [fold(one).translate(_LETTERS) for one in _words(sections.get("prefixes", ""))]
        for tag, value in classes.items():
            if tag not in self._bits:
                raise LexiconError(f"{code}.yaml: no scene has {tag}")
            for parts in (parts for entry in _words(value) for parts in _spellings(entry)):
                self._put(number, self._bits[tag], parts)
                if len(parts[0]) >= _STEM_CHARS_MIN:
                    for prefix in prefixes:
                        self._put(number, self._bits[tag], (prefix + parts[0], *parts[1:]))

    def _put(self, book: int, mask: int, parts: tuple[str, ...]) -> None:
        first, *others = parts
        rest = self.one(tuple(others))
        if first[-1] != "*":
            place = self.exact.setdefault(first, {})
            second = _second(rest)
            if second:
                place = self.pairs.setdefault((first, second), {})
            old = place.get((book, rest))
            place[book, rest] = self.one(Entry(book, mask | (old.mask if old else 0), rest))
            return
        if len(first) <= _STEM_CHARS_MIN:
            raise LexiconError(f"the stem {first} is too short to begin with")
        heads = self.stems.setdefault(first[:_STEM_CHARS_MIN], {})
        known = heads.get((first, book, rest))
        heads[first, book, rest] = (first, self.one(Entry(book, mask | (known[1].mask if known else 0), rest)))


def _words(value: Section) -> Iterator[str]:
    for entry in entries(value, "،"):
        yield from (part.strip() for part in entry.split(",") if part.strip())


def _spellings(entry: str) -> Iterable[tuple[str, ...]]:
    """Give an entry's spellings as folded parts: with and without what stands in brackets."""
    if "(" in entry:
        head, _, tail = entry.partition("(")
        inner, _, tail = tail.partition(")")
        return [*_spellings(head + tail), *_spellings(head + inner + tail)]
    parts: list[str] = []
    for word in entry.split():
        folded = fold(word.rstrip("*")).translate(_LETTERS).split()
        if not folded or "*" in word[:-1]:
            raise LexiconError(f"«{entry}» is no entry")
        parts += folded[:-1]
        parts.append(folded[-1] + ("*" if word.endswith("*") else ""))
    return [tuple(parts)]
