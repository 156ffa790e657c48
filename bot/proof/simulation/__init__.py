"""The deterministic simulation: one seed drives clock, network, disk, crashes, staff and citizens over the real code.

`run_seeds` is the door; docs/proof.md says what is driven, what is checked, and what is not.
"""

from bot.proof.simulation.part import run_simulation
from bot.proof.simulation.report import SimReport
from bot.proof.simulation.runner import run_seeds

__all__ = ["SimReport", "run_seeds", "run_simulation"]
