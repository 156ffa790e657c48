"""The lexicon compiled: word forms to tag masks, phrases, concepts and patterns, and the version they make together.

Data lives in bot/flows/lexicon/*.yaml; this module turns it into tables once, for a Screener to use for ever.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import cast

from bot.core.finglish import persian_skeleton
from bot.core.screening import KINDS, TIERS, Tier
from bot.core.text import fold, squash
from bot.triage.forms import Forms
from bot.triage.lexfile import LexiconError, Section, read_sections
from bot.triage.morphology import Form, noun_forms, verb_forms
from bot.triage.rules import Rule, compile_rule, tags_of

LEXICON_DIR = Path(__file__).parent.parent / "flows" / "lexicon"
#: Words of ordinary life that the corpus taught (`panah model train`): nobody's slip for another word.
EVERYDAY_FILE = "everyday.txt"
_FILES = ("verbs", "nouns", "words", "defuse", "concepts", "patterns", "overrides", "examples")
_EXAMPLE_CHARS_MIN = 7
#: How a phrase goes on after its second word, and what the whole means.
End = tuple[tuple[str, ...], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What a match means: its tier (None asks softly), kinds, and why in Persian.

    `whole` patterns look at the whole text; `asks` says that an overridden match still asks one question.
    """

    id: str
    tier: Tier | None
    kinds: tuple[str, ...]
    why: str
    rule: Rule
    label: str = ""
    whole: bool = False
    asks: bool = False
    covert: bool = False
    firm: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """All tables of one lexicon version. Treat as immutable.

    `phrases` goes by the first word, then by the second. `common` are the forms that a slip may have been meant to
    be, one a line: as strings of their own they would weigh six times as much.
    """

    version: str
    bits: dict[str, int]
    forms: Forms
    phrases: dict[str, dict[str, tuple[End, ...]]]
    defuse: list[tuple[int, frozenset[str], frozenset[str]]]
    concepts: list[tuple[int, Rule]]
    patterns: list[Pattern]
    overrides: dict[str, Rule]
    common: str
    examples: dict[int, str]
    bones: dict[str, list[str]] = field(default_factory=dict)

    def by_bones(self, skeleton: str) -> list[str]:
        """Give the common forms with this consonant skeleton; the index is made at the first Latin word."""
        if not self.bones:
            for form in sorted(self.common.split()):
                self.bones.setdefault(persian_skeleton(form), []).append(form)
        return self.bones.get(skeleton, [])


def load_lexicon(path: Path | None = None) -> Lexicon:
    """Read and compile the lexicon of a directory (the shipped one by default). The caller keeps it.

    Raises:
        LexiconError: a file is missing or says something that cannot be compiled.
    """
    folder = path or LEXICON_DIR
    files = {name: folder / f"{name}.yaml" for name in _FILES}
    missing = [file.name for file in files.values() if not file.is_file()]
    if missing:
        raise LexiconError(f"the lexicon in {folder.name} lacks {', '.join(missing)}")
    sections = {name: read_sections(file) for name, file in files.items()}
    everyday = (folder / EVERYDAY_FILE).read_bytes() if (folder / EVERYDAY_FILE).is_file() else b""
    digest = hashlib.sha256(b"\0".join([*(file.read_bytes() for file in files.values()), everyday])).hexdigest()
    return _compile(sections, map(str.rstrip, StringIO(everyday.decode())), digest[:12])


def _compile(sections: dict[str, dict[str, Section]], everyday: Iterable[str], version: str) -> Lexicon:
    bits = _allot_bits(sections)
    vocabulary = _Vocabulary(bits)
    for form in everyday:
        vocabulary.forms.add(form, 0)
    for tag, value in sections["verbs"].items():
        for stems in _entries(value, " "):
            vocabulary.add(verb_forms(tag, stems))
    for tag, value in sections["nouns"].items():
        for noun in _entries(value, "،"):
            vocabulary.add_noun(tag, noun)
    for tag, value in sections["words"].items():
        for word in _entries(value, "،"):
            vocabulary.add_word(tag, word)
    known = vocabulary.tags | set(sections["concepts"])
    unknown = sorted(set(bits) - known)
    if unknown:
        raise LexiconError(f"no class or concept makes {', '.join(unknown)}")
    return Lexicon(
        version=version,
        bits=bits,
        forms=vocabulary.forms,
        phrases=vocabulary.phrases,
        defuse=[_defusing(tag, value, bits) for tag, value in sections["defuse"].items()],
        concepts=[(bits[name], _rule(value, bits)) for name, value in sections["concepts"].items() if name in bits],
        patterns=[_pattern(name, value, bits) for name, value in sections["patterns"].items()],
        overrides={name: _rule(value, bits) for name, value in sections["overrides"].items()},
        common=vocabulary.common.getvalue(),
        examples=_example_index(one for value in sections["examples"].values() for one in _listed(value)),
    )


class _Vocabulary:
    """Forms and phrases while they are gathered; forms of classes that no rule mentions are known words with no tag."""

    def __init__(self, bits: dict[str, int]) -> None:
        self.bits = bits
        self.forms = Forms()
        self.phrases: dict[str, dict[str, tuple[End, ...]]] = {}
        self.tags: set[str] = set()
        self.common = StringIO()  # a list of strings, let go of later, would leave holes of megabytes
        self._masks: dict[tuple[str, ...], int] = {}
        self._ends: dict[tuple[End, ...], tuple[End, ...]] = {}
        self._words: dict[str, str] = {}

    def _mask(self, tags: tuple[str, ...]) -> int:
        mask = self._masks.get(tags)
        if mask is None:
            mask = 0
            for tag in tags:
                mask |= self.bits.get(tag, 0)
            self._masks[tags] = mask
            self.tags.update(tags)
        return mask

    def _tag(self, form: str, mask: int, *, common: bool) -> None:
        if self.forms.add(form, mask, common=common):
            print(form, file=self.common)

    def add(self, forms: Iterable[Form]) -> None:
        for form, tags, common in forms:
            mask = self._mask(tags)
            self._tag(form, mask, common=bool(common and mask))

    def add_noun(self, tag: str, noun: str) -> None:
        key = fold(noun.replace("\u200c", " "))
        joined = key.replace(" ", "")
        self.add(noun_forms(tag, joined))
        if " " in key:
            for form, tags, _ in noun_forms(tag, key):
                self._phrase(form, self._mask(tags))

    def add_word(self, tag: str, word: str) -> None:
        key = fold(word)
        mask = self._mask((tag,))
        if " " in key:
            self._phrase(key, mask)
            key = key.replace(" ", "")
        self._tag(key, mask, common=bool(mask))

    def _phrase(self, key: str, mask: int) -> None:
        first, *rest = (self._words.setdefault(word, word) for word in key.split())  # few words, many phrases
        if mask:
            second, *others = rest
            seconds = self.phrases.setdefault(first, {})
            ends = (*seconds.get(second, ()), (tuple(others), mask))
            seconds[second] = self._ends.setdefault(ends, ends)  # most phrases go on as many others do
            for word in (first, *rest):
                self._tag(word, 0, common=True)


def _allot_bits(sections: dict[str, dict[str, Section]]) -> dict[str, int]:
    """Give a bit to every tag that some rule mentions."""
    names: dict[str, None] = dict.fromkeys(("PRES", "JOIN"))
    for tag in sections["defuse"]:
        names[tag] = None
    for value in (*sections["concepts"].values(), *sections["overrides"].values()):
        for alternative in _listed(value):
            names.update(dict.fromkeys(tags_of(alternative)))
    for name, value in sections["patterns"].items():
        if not isinstance(value, dict):
            raise LexiconError(f"pattern {name} needs tier, kinds, why and when")
        for alternative in _listed(value.get("when", [])):
            names.update(dict.fromkeys(tags_of(alternative)))
    return {name: 1 << at for at, name in enumerate(names)}


def _listed(value: object) -> list[str]:
    if not isinstance(value, list):
        raise LexiconError("alternatives are a list of `- …` lines")
    return value


def _entries(value: Section, separator: str) -> Iterator[str]:
    for part in value if isinstance(value, list) else [value]:
        for entry in str(part).split(separator):
            if entry.strip():
                yield entry.strip()


def _rule(value: Section | None, bits: dict[str, int]) -> Rule:
    return compile_rule(_listed(value), bits.__getitem__)


def _defusing(tag: str, value: Section, bits: dict[str, int]) -> tuple[int, frozenset[str], frozenset[str]]:
    """Give the tag family's mask and the words that take its meaning away: standing before, standing after."""
    if not isinstance(value, dict):
        raise LexiconError(f"defuse {tag} needs before and after")
    mask = 0
    for name, bit in bits.items():
        if name == tag or (
            name.startswith(tag) and name[len(tag) : len(tag) + 1] in {"1", "2", "3", "N", "d", "p", "i", "s"}
        ):
            mask |= bit
    before, after = (frozenset(map(fold, _entries(value.get(side, ""), "،"))) for side in ("before", "after"))
    return mask, before, after


def _pattern(name: str, value: Section, bits: dict[str, int]) -> Pattern:
    if not isinstance(value, dict):
        raise LexiconError(f"pattern {name} needs tier, kinds, why and when")
    tier = str(value.get("tier", ""))
    kinds = tuple(str(value.get("kinds", "")).split())
    wrong = [kind for kind in kinds if kind not in KINDS]
    if wrong or tier not in {*TIERS, "ask"}:
        raise LexiconError(f"pattern {name}: unknown {' '.join(wrong) or 'tier'}")
    flags = str(value.get("flags", "")).split()
    return Pattern(
        id=name,
        tier=None if tier == "ask" else cast("Tier", tier),
        kinds=kinds,
        why=str(value.get("why", "")),
        rule=_rule(value.get("when"), bits),
        label=str(value.get("label", "")),
        whole="whole" in flags,
        asks=name[0] in "ABDFGHO",
        covert="covert" in flags,
        firm="firm" in flags,
    )


def _example_index(examples: Iterable[str]) -> dict[int, str]:
    """Index example cries, without spaces, by themselves and by each key with one letter left out; by their hashes.

    Whoever finds an example there compares it with what was written.
    """
    index: dict[int, str] = {}
    for example in examples:
        key = squash(example)
        if len(key) >= _EXAMPLE_CHARS_MIN:
            for at in range(len(key)):
                index.setdefault(hash(key[:at] + key[at + 1 :]), example)
            index[hash(key)] = example
    return index
