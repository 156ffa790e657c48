"""Is this installation well? Facts are gathered (facts), judged by pure functions (checks), put into words (words).

Each condition of I30 turns red within 30 seconds and says in Persian what it means and what to do. Nothing here knows
content: facts are ages, counts and codes.
"""

from bot.health.checks import Check, Facts, Report, judge
from bot.health.watch import HealthWatch

__all__ = ["Check", "Facts", "HealthWatch", "Report", "judge"]
