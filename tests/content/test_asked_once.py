"""What the package's scripts ask for in common is asked once in a talk."""

from bot.engine.model import Ask


def test_her_province_has_one_name_in_every_script_and_anothers_province_none(bundle):
    asks = [(flow.id, step) for flow in bundle.flows.values() for step in flow.steps if isinstance(step, Ask)]
    hers = [(flow, step.once) for flow, step in asks if "کدام استان هستید" in " ".join(step.texts.text)]

    assert len(hers) >= 4
    assert [] == [flow for flow, once in hers if once != "province"]
    assert [] == [flow for flow, step in asks if "آن شخص" in " ".join(step.texts.text) and step.once == "province"]
