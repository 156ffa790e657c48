"""The questionnaires for trained staff (`flows/staff`), read when somebody first opens one, and scored by the engine.

They are no part of a published version: no script can ask them, so they are read from the flows' own folder.
"""

from pathlib import Path
from threading import Lock

from bot.core.screening import strongest
from bot.core.staff_form import FormItem, FormResult, StaffForm
from bot.engine.library import Instrument, Item
from bot.engine.model import DANGER_TIER
from bot.engine.scoring import score_answers


class StaffFormsOf:
    """The questionnaires of a folder of flows."""

    def __init__(self, *flows_dirs: Path) -> None:
        """Take the questionnaires of the first folder of flows that has any."""
        folders = [folder / "staff" for folder in flows_dirs]
        self._folder = next((folder for folder in folders if folder.is_dir()), folders[-1])
        self._read: dict[str, Instrument] | None = None
        self._reading = Lock()

    def names(self) -> tuple[str, ...]:
        """Give what questionnaires there are, without reading one."""
        return tuple(sorted(path.stem for path in self._folder.glob("*.yaml")))

    def all(self) -> tuple[StaffForm, ...]:
        """Give every questionnaire, by name; one that cannot be read is none."""
        return tuple(map(_form, self._instruments().values()))

    def score(self, name: str, answers: dict[str, str]) -> FormResult:
        """Score answers by item.

        Raises:
            KeyError: there is no such questionnaire.
        """
        instrument = self._instruments()[name]
        scored = score_answers(instrument, answers)
        dangers = [option.danger for _, option in scored.chosen]
        dangers += [scored.band.danger] if scored.band else []
        return FormResult(
            band=scored.band.key if scored.band else "unknown",
            points=scored.points,
            tier=strongest(DANGER_TIER[danger] for danger in dangers if danger is not None),
            items=tuple((_words(item), option.label, option.points) for item, option in scored.chosen),
            missing=scored.missing,
        )

    def _instruments(self) -> dict[str, Instrument]:
        with self._reading:
            if self._read is None:
                from bot.engine.loader import load_instruments  # noqa: PLC0415 - brings YAML; days pass without

                self._read = load_instruments(self._folder)
            return self._read


def _form(instrument: Instrument) -> StaffForm:
    items = tuple(
        FormItem(
            id=item.id,
            text=_words(item),
            options=tuple((option.key, option.label) for option in item.options),
            only_if=item.condition is not None,
        )
        for item in instrument.items
    )
    return StaffForm(
        id=instrument.id, title=instrument.title, version=instrument.version, source=instrument.source, items=items
    )


def _words(item: Item) -> str:
    return " ".join(item.texts.text)
