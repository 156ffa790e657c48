"""What the screener found, as the engine's tests about danger are given it."""

from bot.core.screening import Evidence, Screening

BEATEN = Screening(
    tier="T1",
    kinds=("spouse_abuse",),
    label="danger",
    evidence=(Evidence(start=0, end=4, pattern="hit", why="همین حالا می‌زند"),),
)
WEAPON = Screening(tier="T1", kinds=("spouse_abuse", "threat_weapon"), label="danger")
THREAT = Screening(tier="T2", kinds=("family_violence",), label="danger")
TIRED = Screening(soft=True, kinds=("suicide",))
#: What the model alone held for possible, without a kind; and what a pattern did.
GUESSED = Screening(soft=True, evidence=(Evidence(start=0, end=4, pattern="model.ask", why="می‌ماند"),))
SIGNED = Screening(soft=True, evidence=(Evidence(start=0, end=4, pattern="tired", why="خستگی"),))
PAST = Screening(label="history", kinds=("spouse_abuse",))
WORDS = "شوهرم داره منو می‌زنه"
