"""What the conditions of a flow may read: its answers, sums, vars and the facts, each with its domain."""

from collections.abc import Iterable, Mapping

from bot.engine.conditions import Domain, Named, fact_names
from bot.engine.loader_steps import OPEN_END
from bot.engine.model import (
    Ask,
    Band,
    Call,
    Choice,
    Date,
    Flow,
    Instrument,
    Multi,
    Number,
    Option,
    Place,
    Scale,
    Score,
    ScreenBand,
    Var,
)
from bot.engine.parts import AnswerSpec
from bot.engine.places import PROVINCES


def names_of_flow(flow: Flow, flows: Mapping[str, Flow], instruments: Mapping[str, Instrument]) -> dict[str, Named]:
    """Give every name a condition of this flow may use. `flows` gives callees' outcomes and answers."""
    names = fact_names()
    for key, keys in flow.takes.items():
        names[key] = Named("answers", Domain(kind="keys", keys=keys))
    for key, var in flow.vars.items():
        names[key] = Named("vars", domain_of_var(var))
    for step in flow.steps:
        match step:
            case Ask() if not step.screen or any(option.danger for option in step.options):
                names[step.id] = Named("answers", domain_of_ask(step.spec, step.options))
            case ScreenBand():
                names |= _bands(step.screen, step.bands, most_points(instruments.get(step.instrument)))
            case Score():
                names |= _bands(step.id, step.bands, sum(point.add for point in step.points))
            case Call():
                names |= _callee(step, flows.get(step.flow))
            case _:
                pass
    return names


def domain_of_ask(spec: AnswerSpec, options: tuple[Option, ...]) -> Domain:
    """Give what an answer of this type can be."""
    keys = tuple(option.key for option in options)
    has_skip = "skip" in keys
    match spec:
        case Choice():
            return Domain(kind="keys", keys=keys)
        case Multi():
            return Domain(kind="set", keys=tuple(key for key in keys if key != "skip"), has_skip=has_skip)
        case Scale() | Number():
            low = 0 if "none" in keys else spec.low
            return Domain(kind="number", low=low, high=spec.high, has_skip=has_skip)
        case Date():
            return Domain(kind="date", has_skip=has_skip)
        case Place(level="province"):
            return Domain(kind="keys", keys=(*PROVINCES, "other"), has_skip=has_skip)
        case _:
            return Domain(kind="keys", keys=("given",), has_skip=has_skip)


def domain_of_var(var: Var) -> Domain:
    """Give what a var can be."""
    return Domain(kind="keys", keys=var.keys) if var.keys else Domain(kind="number", low=0, high=var.most)


def most_points(instrument: Instrument | None) -> int:
    """Give the highest sum an instrument can reach."""
    if instrument is None:
        return OPEN_END
    return sum(max((option.points for option in item.options), default=0) for item in instrument.items)


def _bands(name: str, bands: Iterable[Band], most: int) -> dict[str, Named]:
    keys = tuple(band.key for band in bands)
    return {
        name: Named("answers", Domain(kind="keys", keys=keys)),
        f"{name}.points": Named("answers", Domain(kind="number", low=0, high=most)),
    }


def _callee(step: Call, callee: Flow | None) -> dict[str, Named]:
    if callee is None:
        return {step.id: Named("answers", Domain(kind="keys"))}
    outcomes = tuple(dict.fromkeys(found.outcome for found in callee.steps if hasattr(found, "outcome")))
    inner = {found.id: domain_of_ask(found.spec, found.options) for found in callee.steps if isinstance(found, Ask)}
    scored = {found.id: found.bands for found in callee.steps if isinstance(found, Score)}
    scored |= {found.screen: found.bands for found in callee.steps if isinstance(found, ScreenBand)}
    names = {step.id: Named("answers", Domain(kind="keys", keys=outcomes))}
    for given in callee.gives:
        if given in inner:
            names[f"{step.id}.{given}"] = Named("answers", inner[given])
        elif given in scored:
            bands = tuple(band.key for band in scored[given])
            names[f"{step.id}.{given}"] = Named("answers", Domain(kind="keys", keys=bands))
    return names
