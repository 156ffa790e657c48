"""What only PostgreSQL gets beside the tables: the functions that our SQL texts use, and a row a contact to queue at."""

#: SQLite's scalar min and max: null when one side is null, which LEAST and GREATEST are not.
_SCALAR = (
    "CREATE FUNCTION {name}({type}, {type}) RETURNS {type} LANGUAGE sql IMMUTABLE PARALLEL SAFE AS"
    " 'SELECT CASE WHEN $1 IS NULL OR $2 IS NULL THEN NULL WHEN $1 {sign} $2 THEN $1 ELSE $2 END'"
)

#: Run once, behind the tables, by the first revision.
DDL = (
    *(
        _SCALAR.format(name=name, sign=sign, type=kind)
        for name, sign in (("min", "<="), ("max", ">="))
        for kind in ("bigint", "text")
    ),
    "CREATE FUNCTION instr(text, text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT strpos($1, $2)'",
    (
        "CREATE FUNCTION json_extract(text, text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS"
        " $$SELECT CAST($1 AS json) #>> string_to_array(substr($2, 3), '.')$$"
    ),
    # Whoever works on a contact raises her row here first and holds it until the commit: one turn at a time, and
    # whoever remembers her sees by the number whether somebody else worked on her meanwhile.
    "CREATE TABLE lanes (contact_id text PRIMARY KEY, changes bigint NOT NULL) WITH (fillfactor = 50)",
)
