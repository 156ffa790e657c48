"""The words of the page's own frame (buttons, notices, errors) in the language of the conversation that it shows.

Persian stands in the templates, in the script and in `bot.web.errors` and is the source, as in the scripts;
translations are in locales/<language>/LC_MESSAGES/page.po. What has none is said in Persian. Who may be shown which
language is not known here (bot.web.visit).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.i18n import PAGE, SOURCE, direction, load_translations


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One language of the frame. `words`: {Persian: translation}, empty for Persian."""

    language: str = SOURCE
    words: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, persian: str) -> str:
        """Say one of the frame's texts."""
        return self.words.get(persian, persian)

    @property
    def direction(self) -> str:
        """Which way it is written, as HTML says it."""
        return direction(self.language)

    def as_json(self) -> dict[str, Any]:
        """Give what the page's script reads."""
        return {"language": self.language, "direction": self.direction, "words": self.words}


class Frames:
    """The frames of the languages on offer, read once."""

    def __init__(self, offered: str) -> None:
        """`offered`: the setting `languages`; what stands there has been looked at by bot.languages."""
        wanted = {name.strip() for name in offered.split(",")} - {SOURCE}
        known = load_translations(catalogue=PAGE) if wanted else {}
        self._frames = {name: Frame(language=name, words=words) for name, words in known.items() if name in wanted}

    def of(self, language: str) -> Frame:
        """Give the frame of a language; the Persian one for whatever is not on offer."""
        return self._frames.get(language) or Frame()
