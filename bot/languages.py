"""Which languages are on offer: chosen by the house (PANAH_LANGUAGES), refused where danger would not be understood.

A language needs its danger lexicon, and every text that is said in danger with the numbers in it; what else lacks a
translation is said in Persian. Which of them a person uses she alone chooses, never her name or province.
"""

from dataclasses import replace
from pathlib import Path

from bot.engine.model import Ask, Bundle, Flow
from bot.engine.spoken import spoken
from bot.engine.tongue import language_code
from bot.errors import CommandError
from bot.i18n import NAMES, PAGE, SOURCE, load_translations, reviewer_of
from bot.settings import Settings
from bot.triage.languages import SCENES, About, files_of, read_about
from bot.triage.lexicon import LEXICON_DIR

#: Contexts of the texts without which a language is refused: danger, the gentle questions, the wait, the numbers.
NEEDED = (
    "always.danger", "always.no_staff", "always.stay", "always.tell", "always.more", "always.heard",
    "always.soft_check", "always.media", "always.call_human", "always.late_danger", "always.still_queued",
    "danger_now.", "urgent.", "waiting.", "human.called", "numbers.urgent", "covert.connect", "covert.signal",
    "welcome.hello", "always.always.help",
)  # fmt: skip
_CHOOSING = "which_language"


def languages_of(settings: Settings, lexicon: Path = LEXICON_DIR) -> tuple[str, ...]:
    """Give the languages on offer, the source first.

    Raises:
        CommandError: one of them is not known here, or has no danger lexicon or no catalogue.
    """
    wanted = [name.strip() for name in settings.languages.split(",") if name.strip()]
    others = [name for name in dict.fromkeys(wanted) if name != SOURCE]
    lexicons, translations = lexicons_of(lexicon), load_translations()
    for name in others:
        if name not in NAMES:
            raise CommandError(f"PANAH_LANGUAGES: {name} is none of {', '.join(NAMES)}")
        if name not in lexicons:
            raise CommandError(f"PANAH_LANGUAGES: {name} has no danger lexicon, so danger would not be heard in it")
        if name not in translations:
            raise CommandError(f"PANAH_LANGUAGES: {name} has no catalogue in locales, so nothing could be said in it")
    return (SOURCE, *others)


def lexicons_of(lexicon: Path = LEXICON_DIR) -> dict[str, About]:
    """Give what the danger lexicons of other languages say of themselves, by language."""
    return {about.code: about for about in (read_about(path) for path in files_of(lexicon) if path.stem != SCENES)}


def require_texts(bundle: Bundle, languages: tuple[str, ...]) -> None:
    """See that everything that is said in danger can be said in every language on offer.

    Raises:
        CommandError: a text is missing; it names the first.
    """
    for language in languages:
        lacking = missing(bundle, language)
        if lacking:
            more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
            raise CommandError(f"PANAH_LANGUAGES: {language} cannot be offered, {lacking[0]}{more} has no translation")


def sayable(bundle: Bundle, languages: tuple[str, ...]) -> tuple[str, ...]:
    """Give those that can say all that is said in danger: a Persian text that was edited takes its translation away."""
    return tuple(language for language in languages if not missing(bundle, language))


def missing(bundle: Bundle, language: str, *, everything: bool = False) -> list[str]:
    """Give where a text has no translation: of those said in danger, or of all. Bare numbers need none."""
    if language == SOURCE:
        return []
    known = _catalogue(bundle, language)
    return [
        where
        for where, text, _ in spoken(bundle)
        if text not in known and any(map(str.isalpha, text)) and (everything or where.startswith(NEEDED))
    ]


def unreviewed(languages: tuple[str, ...]) -> list[str]:
    """Give one sentence for each language whose words nobody answers for yet."""
    lexicons = lexicons_of()
    return [
        f"{name}: unreviewed, no named speaker has looked at its {' and '.join(parts)}"
        for name in languages
        if name != SOURCE
        for parts in [
            [
                part
                for part, looked in (
                    ("danger lexicon", name in lexicons and lexicons[name].status == "reviewed"),
                    ("texts", bool(reviewer_of(name))),
                    ("page", bool(reviewer_of(name, catalogue=PAGE))),
                )
                if not looked
            ]
        ]
        if parts
    ]


def spoken_in(bundle: Bundle, languages: tuple[str, ...]) -> Bundle:
    """Give a bundle that speaks these languages and no other, and offers them where the language is asked for."""
    translations = {name: _catalogue(bundle, name) for name in languages if name != SOURCE}
    flows = dict(bundle.flows)
    if "always" in flows:
        flows["always"] = _offering(flows["always"], languages)
    return replace(bundle, translations=translations, languages=languages, flows=flows)


def _catalogue(bundle: Bundle, language: str) -> dict[str, str]:
    """Give a language as the version was published with it, or as it is today where that version had none."""
    return bundle.translations.get(language) or load_translations().get(language, {})


def _offering(always: Flow, languages: tuple[str, ...]) -> Flow:
    """Leave only these languages among the answers of the question for the language, in the house's order."""
    asked = always.step(_CHOOSING)
    if not isinstance(asked, Ask):
        return always
    by_language = {language_code(option.key): option for option in asked.options}
    options = tuple(by_language[name] for name in languages if name in by_language)
    listed = " ".join(f"{number} {option.label}" for number, option in enumerate(options, 1))
    texts = replace(asked.texts, discreet=(f"زبان؟ {listed}",)) if asked.texts.discreet else asked.texts
    changed = replace(asked, options=options, texts=texts)
    return replace(always, steps=tuple(changed if step.id == _CHOOSING else step for step in always.steps))
