"""What is promised about cases (I6, I8, I9, I11) and about the record of who did what (I26)."""

from bot.proof.promise import CLOSED_BEFORE, Promise

_DEVELOPERS = "send the log to the developers; meanwhile look at these cases in the console"

ABOUT_CASES: tuple[Promise, ...] = (
    Promise(
        code="I6",
        name="one case",
        broken="people have more than one open case",
        mend="close the younger one as a duplicate",
        sql="""SELECT min(id) FROM cases WHERE state <> 'closed' GROUP BY contact_id HAVING count(*) > 1""",
    ),
    Promise(
        code="I6",
        name="case states",
        broken="cases are neither queued, claimed, waiting nor closed with an outcome",
        mend=_DEVELOPERS,
        sql="""SELECT id FROM cases WHERE state <> 'closed' AND state NOT IN ('queued', 'claimed', 'waiting')
        UNION SELECT id FROM cases WHERE rowid > (SELECT coalesce(max(rowid), 0) - :newest FROM cases)
        AND state = 'closed' AND (outcome IS NULL OR closed_at IS NULL)""",
    ),
    Promise(
        code="I6",
        name="escalations",
        broken="conversations stood at danger and no case was made of them",
        mend="these people need a counsellor now: open the conversation and write",
        sql=f"""SELECT s.id FROM sessions s WHERE s.ended_at IS NULL AND s.not_taken_at IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM cases k WHERE k.contact_id = s.contact_id
        AND (k.closed_at IS NULL OR k.closed_at >= s.started_at OR {CLOSED_BEFORE}))""",  # noqa: S608
    ),
    Promise(
        code="I8",
        name="closings",
        broken="cases are closed and nobody with a name closed them",
        mend="write to these people again: only a person may close a case",
        sql="""SELECT k.id FROM cases k WHERE k.rowid > (SELECT coalesce(max(rowid), 0) - :newest FROM cases)
        AND k.state = 'closed' AND NOT EXISTS (SELECT 1 FROM case_events e
        JOIN staff s ON s.id = e.actor WHERE e.case_id = k.id AND e.kind = 'closed')""",
    ),
    Promise(
        code="I8",
        name="tiers",
        broken="cases stand lower than their history allows",
        mend="claim these cases and read them: their danger fell by itself",
        sql="""SELECT e.case_id FROM case_events e JOIN cases k ON k.id = e.case_id
        WHERE e.id > (SELECT coalesce(max(id), 0) - :newest FROM case_events)
        AND json_extract(e.data, '$.tier') < k.tier AND NOT EXISTS (SELECT 1 FROM case_events f
        JOIN staff s ON s.id = f.actor WHERE f.case_id = e.case_id AND f.kind = 'lowered' AND f.id > e.id)""",
    ),
    Promise(
        code="I9",
        name="tokens",
        broken="claims did not get a higher token than the claim before",
        mend=_DEVELOPERS,
        sql="""SELECT e.case_id FROM case_events e JOIN cases k ON k.id = e.case_id
        WHERE e.id > (SELECT coalesce(max(id), 0) - :newest FROM case_events) AND e.kind IN ('claimed', 'reopened')
        AND (json_extract(e.data, '$.token') > k.token OR EXISTS (SELECT 1 FROM case_events p
        WHERE p.case_id = e.case_id AND p.id < e.id AND p.kind IN ('claimed', 'reopened')
        AND json_extract(p.data, '$.token') >= json_extract(e.data, '$.token')))""",
    ),
    Promise(
        code="I9",
        name="holders",
        broken="words were written to a contact by somebody who did not hold the case",
        mend="tell the supervisor: read these conversations",
        sql="""SELECT e.case_id FROM case_events e
        WHERE e.id > (SELECT coalesce(max(id), 0) - :newest FROM case_events) AND e.kind = 'wrote'
        AND e.actor <> coalesce((SELECT CASE WHEN p.kind IN ('claimed', 'reopened') THEN p.actor END
        FROM case_events p WHERE p.case_id = e.case_id AND p.id < e.id AND p.kind IN ('claimed', 'reopened',
        'released', 'lease_lost', 'handed_back', 'closed', 'transferred', 'due', 'woken')
        ORDER BY p.id DESC LIMIT 1), '')""",
    ),
    Promise(
        code="I11",
        name="holds",
        broken="open cases have a holder without a claim, or a claim without a holder",
        mend=_DEVELOPERS,
        sql="""SELECT id FROM cases WHERE state <> 'closed'
        AND (state = 'claimed') <> (holder IS NOT NULL AND lease_until IS NOT NULL)""",
    ),
    Promise(
        code="I11",
        name="claims",
        broken="claimed cases lost their holder's lease more than a minute ago",
        mend="restart Panah: the loop that gives cases back stands still",
        late=True,
        sql="SELECT id FROM cases WHERE state = 'claimed' AND coalesce(lease_until, 0) < :late",
    ),
    Promise(
        code="I11",
        name="resting cases",
        broken="waiting cases have no next action, or one that is overdue",
        mend="restart Panah: the loop that wakes cases stands still",
        late=True,
        sql="SELECT id FROM cases WHERE state = 'waiting' AND coalesce(next_action_at, 0) < :late",
    ),
    Promise(
        code="I26",
        name="audited acts",
        broken="acts of staff have no row in the audit",
        mend="somebody changed the audit: keep this database and its backups and tell the inspector",
        sql="""SELECT e.case_id FROM case_events e
        WHERE e.id > (SELECT coalesce(max(id), 0) - :newest FROM case_events)
        AND (e.kind IN ('claimed', 'handed_back', 'closed', 'reopened', 'transferred', 'lowered', 'wrote', 'noted',
        'referred', 'safe_contact_marked', 'seen', 'entrusted') OR (e.kind = 'released' AND e.data NOT LIKE '%"held_by"%'))
        AND e.at >= (SELECT min(at) FROM audit)
        AND NOT EXISTS (SELECT 1 FROM audit a WHERE a.target = 'case' AND a.target_id = e.case_id AND a.action = e.kind
        AND a.actor = e.actor AND a.at = e.at)""",
    ),
    Promise(
        code="I26",
        name="audited versions",
        broken="publications of scripts have no row in the audit",
        mend="somebody changed the audit: keep this database and its backups and tell the inspector",
        sql="""SELECT p.id FROM publications p
        WHERE p.id > (SELECT coalesce(max(id), 0) - :newest FROM publications)
        AND p.at >= (SELECT min(at) FROM audit)
        AND NOT EXISTS (SELECT 1 FROM audit a WHERE a.target = 'version' AND a.target_id = p.version
        AND a.action = p.action AND a.actor = p."by" AND a.at = p.at)""",
    ),
    Promise(
        code="I26",
        name="audit numbers",
        broken="numbers are missing in the audit",
        mend="rows of the audit were deleted: keep this database and its backups and tell the inspector",
        sql="""SELECT h.seq FROM audit_head h WHERE h.name = 'audit'
        AND (SELECT count(*) FROM audit WHERE seq > h.seq - :newest)
        <> min(h.seq - coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'audit.gone'), 0), :newest)""",
    ),
)
