"""What keeps rows of the audit as they are: triggers that refuse every change, and every deletion but that by age.

They stop mistakes and a thief of one SQL statement. Who owns the file can drop them; the chain (bot.store.audit) is
what tells of that.
"""

_MAY_GO = "coalesce((SELECT CAST(value AS {number}) FROM meta WHERE key = 'audit.may_go'), 0)"

SQLITE = (
    (
        "CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN"
        " SELECT RAISE(ABORT, 'a row of the audit is never changed'); END"
    ),
    (
        f"CREATE TRIGGER audit_kept BEFORE DELETE ON audit WHEN OLD.id > {_MAY_GO.format(number='INTEGER')} BEGIN"
        " SELECT RAISE(ABORT, 'a row of the audit goes by age only'); END"
    ),
)
POSTGRESQL = (
    (
        "CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF TG_OP = 'DELETE' THEN IF OLD.id <= {_MAY_GO.format(number='bigint')} THEN RETURN OLD; END IF; END IF;"
        " RAISE EXCEPTION 'a row of the audit is never changed, and goes by age only'; END $$"
    ),
    ("CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuses()"),
    ("CREATE TRIGGER audit_not_emptied BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses()"),
)

#: By SQLAlchemy's name of the dialect.
AUDIT_DDL = {"sqlite": SQLITE, "postgresql": POSTGRESQL}
