"""The lexicon compiled: word forms to tag masks, phrases, concepts and patterns, and the version they make together.

Data lives in bot/flows/lexicon/*.yaml; this module turns it into tables once, for a Screener to use for ever.
"""

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path

from bot.core.finglish import persian_skeleton
from bot.core.text import fold, squash
from bot.triage.forms import Forms
from bot.triage.languages import Languages, files_of, load_languages
from bot.triage.lexfile import LexiconError, Section, read_sections
from bot.triage.morphology import Form, noun_forms, verb_forms
from bot.triage.rulebook import Rulebook, entries, listed, pattern_tags, read_pattern, read_rule
from bot.triage.rules import Rule, tags_of

LEXICON_DIR = Path(__file__).parent.parent / "flows" / "lexicon"
#: Words of ordinary life that the corpus taught (`panah model train`): nobody's slip for another word.
EVERYDAY_FILE = "everyday.txt"
_FILES = ("verbs", "nouns", "words", "defuse", "concepts", "patterns", "overrides", "examples")
_EXAMPLE_CHARS_MIN = 7
#: A shorter everyday word is too often a piece of another one.
_EVERYDAY_CHARS_MIN = 3
#: How a phrase goes on after its second word, and what the whole means.
End = tuple[tuple[str, ...], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon(Rulebook):
    """All tables of one lexicon version. Treat as immutable.

    `phrases` goes by the first word, then by the second. `common` are the forms that a slip may have been meant to
    be, `everyday` the words of ordinary life, often used ones first. Both are read once or twice and kept deflated.
    """

    forms: Forms
    phrases: dict[str, dict[str, tuple[End, ...]]]
    defuse: list[tuple[int, frozenset[str], frozenset[str]]]
    common: bytes
    everyday: bytes
    examples: dict[int, str]
    languages: Languages = field(default_factory=Languages)
    bones: dict[str, list[str]] = field(default_factory=dict)
    ranks: dict[str, int] = field(default_factory=dict)

    def by_bones(self, skeleton: str) -> list[str]:
        """Give the common forms with this consonant skeleton, often used ones first; the index is made when asked."""
        if not self.bones:
            self.ranks.update((form, at) for at, form in enumerate(lines_of(self.everyday)) if form in self.forms)
            for form in sorted({*lines_of(self.common), *self.ranks}, key=lambda form: (self.rank(form), form)):
                self.bones.setdefault(persian_skeleton(form), []).append(form)
        return self.bones.get(skeleton, [])

    def rank(self, form: str) -> int:
        """Say how many words ordinary life uses more often than this one, once `by_bones` was asked; many for others."""
        return self.ranks.get(form, len(self.ranks))


def lines_of(deflated: bytes) -> Iterator[str]:
    """Give the words that were deflated one a line, one by one: a list of them would leave holes of megabytes."""
    return map(str.rstrip, StringIO(zlib.decompress(deflated).decode()))


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
    others = [file.read_bytes() for file in files_of(folder)]
    digest = hashlib.sha256(
        b"\0".join([*(file.read_bytes() for file in files.values()), everyday, *others])
    ).hexdigest()
    lexicon = _compile(sections, everyday.decode(), digest[:12])
    return replace(lexicon, languages=load_languages(folder, lexicon.version))


def _compile(sections: dict[str, dict[str, Section]], everyday: str, version: str) -> Lexicon:
    bits = _allot_bits(sections)
    vocabulary = _Vocabulary(bits)
    for form in map(str.rstrip, StringIO(everyday)):
        if len(form) >= _EVERYDAY_CHARS_MIN:
            vocabulary.forms.add(form, 0)
    for tag, value in sections["verbs"].items():
        for stems in entries(value, " "):
            vocabulary.add(verb_forms(tag, stems))
    for tag, value in sections["nouns"].items():
        for noun in entries(value, "،"):
            vocabulary.add_noun(tag, noun)
    for tag, value in sections["words"].items():
        for word in entries(value, "،"):
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
        concepts=[_concept(name, value, bits) for name, value in sections["concepts"].items() if name in bits],
        patterns=[read_pattern(name, value, bits) for name, value in sections["patterns"].items()],
        overrides={name: read_rule(value, bits) for name, value in sections["overrides"].items()},
        common=zlib.compress(vocabulary.common.getvalue().encode()),
        everyday=zlib.compress(everyday.encode()),
        examples=_example_index(one for value in sections["examples"].values() for one in listed(value)),
    )


def _concept(name: str, value: Section, bits: dict[str, int]) -> tuple[int, int, Rule]:
    rule = read_rule(value, bits)
    return rule.any_of, bits[name], rule


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
        for alternative in listed(value):
            names.update(dict.fromkeys(tags_of(alternative)))
    for name, value in sections["patterns"].items():
        names.update(dict.fromkeys(pattern_tags(name, value)))
    return {name: 1 << at for at, name in enumerate(names)}


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
    before, after = (frozenset(map(fold, entries(value.get(side, ""), "،"))) for side in ("before", "after"))
    return mask, before, after


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
