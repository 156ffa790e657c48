"""What bot.retention says to the tables. WHICH is a step of the walk, or everything of one contact."""

#: A case that still needs what was said AT: from some time before it opened until a day after its close.
_NEEDED = """EXISTS (SELECT 1 FROM cases k WHERE k.contact_id = TABLE.contact_id AND AT >= k.opened_at - :session
 AND (k.state <> 'closed' OR (AT <= k.closed_at + 86400000
 AND k.closed_at > :now - CASE WHEN k.tier IN ('T1', 'T2') THEN :urgent ELSE :talk END)))"""
_STEP = "id > :from AND id <= :to"
_HERS = "contact_id = :contact"


def _made(text: str, which: str, needed_at: str) -> str:
    table = needed_at.partition(".")[0]
    needed = _NEEDED.replace("TABLE", table).replace("AT ", f"{needed_at} ")
    return text.replace("WHICH", which).replace("NEEDED", needed)


_TURNS = (
    "UPDATE turns SET sealed_events = NULL WHERE WHICH AND at <= :now - :session AND sealed_events IS NOT NULL"
    " AND NOT NEEDED"
)
TURNS_GO = _made(_TURNS, _STEP, "turns.at")
HER_TURNS_GO = _made(_TURNS, _HERS, "turns.at")
_MESSAGES = "DELETE FROM messages WHERE WHICH AND at <= :now - :session AND NOT NEEDED"
MESSAGES_GO = _made(_MESSAGES, _STEP, "messages.at")
HER_MESSAGES_GO = _made(_MESSAGES, _HERS, "messages.at")
_SESSIONS = (
    "UPDATE sessions SET sealed_state = NULL, silence_at = NULL, not_taken_at = NULL,"
    " ended_at = coalesce(ended_at, updated_at) WHERE WHICH AND updated_at <= :now - :session"
    " AND sealed_state IS NOT NULL AND NOT NEEDED RETURNING id, contact_id"
)
SESSIONS_GO = _made(
    _SESSIONS, "id IN (SELECT t.session_id FROM turns t WHERE t.id > :from AND t.id <= :to)", "sessions.updated_at"
)
HER_SESSIONS_GO = _made(_SESSIONS, _HERS, "sessions.updated_at")
ASSESSMENTS_GO = "DELETE FROM assessments WHERE contact_id = ? AND session_id = ?"
HER_PROMISES_GO = "DELETE FROM due WHERE contact_id = :contact AND state <> 'planned'"
RAW_GOES = "UPDATE inbox SET sealed_raw = NULL, sealed_input = NULL WHERE id > :from AND id <= :to"
SENT_GOES = (
    "UPDATE outbox SET sealed_body = NULL, lease_until = NULL, state = CASE WHEN state IN ('queued', 'sending')"
    " THEN 'expired' ELSE state END WHERE id > :from AND id <= :to"
)
#: Of the history of a case that is long over: what explains its row, so that the row can still be checked.
EVENTS_GO = "DELETE FROM case_events WHERE case_id = ? AND kind NOT IN ('opened', 'lowered', 'closed')"
#: Few rows and short-lived ones, so these are looked for, not walked.
SIGN_INS_GO = "DELETE FROM staff_sessions WHERE token_hash IN (SELECT token_hash FROM staff_sessions WHERE expires_at <= ? LIMIT ?)"
DEVICES_GO = (
    "DELETE FROM staff_devices WHERE (token_hash, staff_id) IN"
    " (SELECT token_hash, staff_id FROM staff_devices WHERE expires_at <= ? LIMIT ?)"
)
CODES_GO = (
    "DELETE FROM staff_codes WHERE code_hash IN (SELECT code_hash FROM staff_codes WHERE expires_at <= ? LIMIT ?)"
)
#: Of these turns: who has no case that is not let go yet, no promise, nothing stored that waits for its turn (I3), and was not here for so long.
STRANGERS = (
    "SELECT DISTINCT c.id FROM turns t JOIN contacts c ON c.id = t.contact_id WHERE t.id > :from AND t.id <= :to"
    " AND c.erased_at IS NULL AND c.seen_at <= :now - :session"
    " AND NOT EXISTS (SELECT 1 FROM cases k WHERE k.contact_id = c.id AND (k.state <> 'closed' OR k.closed_at > :now - :case))"
    " AND NOT EXISTS (SELECT 1 FROM due d WHERE d.contact_id = c.id AND d.state = 'planned')"
    " AND NOT EXISTS (SELECT 1 FROM inbox i WHERE i.contact_id = c.id AND i.state = 'waiting')"
)
CASE = "SELECT state, closed_at, tier, contact_id FROM cases WHERE id = ?"
#: True for a contact who was not here for so long, of whom nothing waits, and whose every case is over and let go.
LAST_CASE = (
    "SELECT 1 FROM contacts c WHERE c.id = :contact AND c.seen_at <= :now - :session AND NOT EXISTS"
    " (SELECT 1 FROM cases k WHERE k.contact_id = c.id AND (k.state <> 'closed' OR k.closed_at > :now - :case))"
    " AND NOT EXISTS (SELECT 1 FROM inbox i WHERE i.contact_id = c.id AND i.state = 'waiting')"
)
SUMMARY_GOES = "UPDATE cases SET sealed_summary = NULL WHERE id = ?"
NOTES_GO = "UPDATE case_notes SET sealed_body = NULL WHERE case_id = ?"
MARK = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
