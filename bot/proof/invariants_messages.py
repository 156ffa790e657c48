"""What is promised about messages (I2, I3, I11, I13): none is lost, none is dropped in silence, none waits unseen."""

from bot.proof.promise import CLOSED_BEFORE, SET_BACK, Promise

_HUMAN = "('text', 'press', 'media', 'location', 'contact', 'unreadable')"
_RESTART = "restart Panah; if it comes back, send the log to the developers: a person's message waits"

ABOUT_MESSAGES: tuple[Promise, ...] = (
    Promise(
        code="I11",
        name="inbox",
        broken="arrivals wait longer than a minute",
        mend=_RESTART,
        late=True,
        sql="SELECT id FROM inbox WHERE state = 'waiting' AND due_at < :late",
    ),
    Promise(
        code="I2",
        name="turns",
        broken="messages are done without their one turn",
        mend="read these conversations in the console and answer what was not answered",
        sql=f"""SELECT i.id FROM inbox i WHERE i.id > (SELECT coalesce(max(id), 0) - :newest FROM inbox)
        AND i.state = 'done' AND i.error IS NULL AND i.kind IN {_HUMAN}
        AND NOT EXISTS (SELECT 1 FROM turns t WHERE t.inbox_id = i.id)
        AND EXISTS (SELECT 1 FROM contacts c WHERE c.id = i.contact_id AND c.erased_at IS NULL)""",  # noqa: S608
    ),
    Promise(
        code="I2",
        name="states",
        broken="messages are neither waiting, done nor given up, or were given up although their turn was run",
        mend="restore the newest backup beside this one and compare; send the log to the developers",
        sql="""SELECT i.id FROM inbox i WHERE i.id > (SELECT coalesce(max(id), 0) - :newest FROM inbox)
        AND (i.state NOT IN ('waiting', 'done', 'quarantined') OR (i.state <> 'done'
        AND EXISTS (SELECT 1 FROM turns t WHERE t.inbox_id = i.id)))""",
    ),
    Promise(
        code="I3",
        name="given up",
        broken="messages were given up and no case tells a person",
        mend="these people wrote and nobody knows: find them in the console by their contact and call",
        sql=f"""SELECT i.id FROM inbox i WHERE i.id > (SELECT coalesce(max(id), 0) - :newest FROM inbox)
        AND i.state = 'quarantined' AND NOT EXISTS (SELECT 1 FROM cases k
        WHERE k.contact_id = i.contact_id AND (k.closed_at IS NULL OR k.closed_at >= i.done_at
        OR (i.id <= {SET_BACK.format("inbox")} AND {CLOSED_BEFORE})))
        AND EXISTS (SELECT 1 FROM contacts c WHERE c.id = i.contact_id AND c.erased_at IS NULL)""",  # noqa: S608
    ),
    Promise(
        code="I3",
        name="unsaid",
        broken="answers will not reach who wrote, and no case tells a person",
        mend="these people wrote and have neither answer nor person: find them in the console by their contact and call",
        sql=f"""SELECT o.id FROM outbox o JOIN inbox i ON i.contact_id = o.contact_id AND o.key LIKE i.id || '.%' AND i.kind IN {_HUMAN}
        JOIN contacts c ON c.id = o.contact_id
        WHERE o.id > (SELECT coalesce(max(id), 0) - :newest FROM outbox)
        AND o.kind = 'reply' AND o.state IN ('failed', 'expired', 'unknown')
        AND coalesce(c.left_at, c.erase_due_at, c.erased_at) IS NULL
        AND NOT EXISTS (SELECT 1 FROM cases k WHERE k.contact_id = o.contact_id
        AND (k.closed_at IS NULL OR k.closed_at >= o.created_at
        OR (i.id <= {SET_BACK.format("inbox")} AND {CLOSED_BEFORE})))
        AND NOT EXISTS (SELECT 1 FROM inbox w WHERE w.contact_id = o.contact_id AND (w.id > i.id AND w.kind IN {_HUMAN}
        OR w.state = 'waiting' AND w.kind = 'unsaid'))""",  # noqa: S608
    ),
    Promise(
        code="I13",
        name="outbox states",
        broken="outgoing messages are in no known state, or sent without a time",
        mend="send the log to the developers",
        sql="""SELECT o.id FROM outbox o WHERE o.id > (SELECT coalesce(max(id), 0) - :newest FROM outbox)
        AND (o.state NOT IN ('queued', 'sending', 'sent', 'failed', 'expired', 'unknown')
        OR (o.state = 'sent' AND o.sent_at IS NULL) OR (o.state = 'sending' AND o.lease_until IS NULL))""",
    ),
    Promise(
        code="I13",
        name="transcript",
        broken="texts stand in the transcript and never were in the outbox",
        mend="what the counsellor reads was not said: read these conversations and write again",
        sql="""SELECT m.id FROM messages m WHERE m.id > (SELECT coalesce(max(id), 0) - :newest FROM messages)
        AND m.outbox_key IS NOT NULL AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.key = m.outbox_key)""",
    ),
    Promise(
        code="I13",
        name="outbox",
        broken="messages ought to be out and nobody sends them",
        mend="look at the channel's token and network; `panah run` sends while it runs",
        late=True,
        sql="""SELECT o.id FROM outbox o WHERE o.state IN ('queued', 'sending') AND ((o.state = 'queued' AND o.due_at < :sending_late)
        OR (o.state = 'sending' AND coalesce(o.lease_until, 0) < :sending_late))
        AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.contact_id = o.contact_id AND p.id < o.id
        AND p.state IN ('queued', 'sending'))""",
    ),
    Promise(
        code="I11",
        name="timers",
        broken="deadlines of conversations are overdue by more than a minute",
        mend=_RESTART,
        late=True,
        sql="""SELECT id FROM sessions WHERE ended_at IS NULL AND silence_at < :late
        UNION SELECT id FROM sessions WHERE ended_at IS NULL AND not_taken_at < :late""",
    ),
    Promise(
        code="I11",
        name="promises",
        broken="rows of the due-table (overflow, words, follow-ups, retention) are overdue by more than a minute",
        mend=_RESTART,
        late=True,
        sql="SELECT id FROM due WHERE state = 'planned' AND kind <> 'erase' AND due_at < :late",
    ),
    Promise(
        code="I27",
        name="erasures",
        broken="people asked to be erased and are not",
        mend=_RESTART,
        late=True,
        sql="""SELECT d.contact_id FROM due d WHERE d.state = 'planned' AND d.kind = 'erase' AND d.due_at < :late
        AND NOT EXISTS (SELECT 1 FROM cases k WHERE k.contact_id = d.contact_id AND k.state <> 'closed')""",
    ),
)
