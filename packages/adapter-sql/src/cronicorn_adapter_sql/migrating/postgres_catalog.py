# ruff: noqa: S608  constants only
"""The catalog of a PostgreSQL schema, in the server's own words."""

import re
from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, text

_HERE: Final = "current_schema()::regnamespace"
_RELATIONS: Final = rf"""
    SELECT oid, relname, relkind, relpersistence, relrowsecurity, reloptions, relispartition
    FROM pg_class
    WHERE relnamespace = {_HERE}
      AND NOT (relispartition AND relname ~ '^(runs|run_bodies)_[0-9]{{8}}$')
      AND NOT EXISTS (
        SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e'
      )
"""
"""What is there, but for the partitions of days, and what an extension brought."""

_PARTS: Final = f"""
WITH here AS MATERIALIZED ({_RELATIONS})
SELECT relname, CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'view' ELSE 'table' END, relname,
  concat_ws(
    ', ',
    CASE relkind
      WHEN 'p' THEN 'partitioned by ' || pg_get_partkeydef(oid)
      WHEN 'v' THEN pg_get_viewdef(oid)
      WHEN 'm' THEN pg_get_viewdef(oid)
      ELSE 'ordinary'
    END,
    CASE WHEN relispartition THEN (
      SELECT pg_get_expr(relpartbound, pg_class.oid) FROM pg_class WHERE pg_class.oid = here.oid
    ) END,
    CASE relpersistence WHEN 'u' THEN 'unlogged' END,
    CASE WHEN relrowsecurity THEN 'with row security' END,
    nullif(array_to_string(ARRAY(SELECT unnest(reloptions) ORDER BY 1), ', '), '')
  )
  FROM here WHERE relkind IN ('r', 'p', 'v', 'm', 'f')
UNION ALL
SELECT relname, 'column', attname,
  concat_ws(
    ' ',
    format_type(atttypid, atttypmod),
    CASE WHEN attcollation <> typcollation THEN 'collate ' || attcollation::regcollation::text END,
    CASE WHEN attnotnull THEN 'not null' END,
    'default ' || pg_get_expr(adbin, adrelid),
    CASE WHEN attidentity <> '' THEN 'identity ' || attidentity::text END,
    CASE WHEN attgenerated <> '' THEN 'generated ' || attgenerated::text END
  )
  FROM here JOIN pg_attribute ON attrelid = here.oid JOIN pg_type ON pg_type.oid = atttypid
  LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
  WHERE relkind IN ('r', 'p') AND NOT relispartition AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT relname,
  CASE contype
    WHEN 'c' THEN 'check' WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique constraint'
    WHEN 'f' THEN 'foreign key' ELSE 'constraint'
  END,
  conname,
  pg_get_constraintdef(pg_constraint.oid)
    || CASE WHEN EXISTS (
      SELECT FROM pg_trigger WHERE tgconstraint = pg_constraint.oid AND tgenabled = 'D'
    ) THEN ' (switched off)' ELSE '' END
  FROM here JOIN pg_constraint ON conrelid = here.oid
  WHERE contype <> 'n' AND NOT (relispartition AND coninhcount > 0) AND conparentid = 0
    AND conname !~ '^without_[0-9]{8}$'  -- assumed while days are made beside a large default
UNION ALL
SELECT relname, 'index', indexrelid::regclass::text,
  pg_get_indexdef(indexrelid) || CASE WHEN indisvalid THEN '' ELSE ' (not valid)' END
  FROM here JOIN pg_index ON indrelid = here.oid
  WHERE NOT EXISTS (
      SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x')
    )
    AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = indexrelid)
UNION ALL
SELECT relname, 'trigger', tgname,
  pg_get_triggerdef(pg_trigger.oid)
    || CASE tgenabled WHEN 'O' THEN '' ELSE ' (enabled: ' || tgenabled::text || ')' END
  FROM here JOIN pg_trigger ON tgrelid = here.oid
  WHERE NOT tgisinternal AND tgparentid = 0
UNION ALL
SELECT relname, 'rule', rulename, pg_get_ruledef(pg_rewrite.oid)
  FROM here JOIN pg_rewrite ON ev_class = here.oid WHERE rulename <> '_RETURN'
UNION ALL
SELECT relname, 'policy', polname,
  concat_ws(' ', polcmd::text, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
  FROM here JOIN pg_policy ON polrelid = here.oid
UNION ALL
SELECT relname, 'sequence', relname,
  concat_ws(' ', seqtypid::regtype, 'by', seqincrement, 'from', seqmin, 'to', seqmax,
    CASE WHEN seqcycle THEN 'and again' END)
  FROM here JOIN pg_sequence ON seqrelid = here.oid
UNION ALL
SELECT proname, 'function', proname || '(' || pg_get_function_identity_arguments(oid) || ')',
  CASE prokind WHEN 'a' THEN 'aggregate' ELSE pg_get_functiondef(oid) END
  FROM pg_proc
  WHERE pronamespace = {_HERE}
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
"""


_CAST_ONE_BY_ONE: Final = re.compile(r"\(('(?:[^']|'')*'::character varying)\)::text")
_CAST_TOGETHER: Final = re.compile(r"\((ARRAY\[[^\[\]]*\])\)::text\[\]")


def read_postgres_catalog(connection: Connection) -> Iterator[tuple[str, str, str, str]]:
    """Give table, kind, name and definition of each part, without the name of the schema."""
    (schema,) = connection.execute(text("SELECT quote_ident(current_schema())")).scalars()
    for table, kind, name, definition in connection.execute(text(_PARTS)):
        if definition is None:
            continue  # it was there when we began to read, and is gone
        words = " ".join(definition.replace(f"{schema}.", "").split())
        yield table, kind, name.removeprefix(f"{schema}."), _as_if_never_dumped(words)


def _as_if_never_dumped(words: str) -> str:
    """
    Leave out casts that change nothing, which the server writes otherwise after a restore.

    It tells ``kind IN ('a', 'b')`` with a cast of the whole array to text; read back, as from a
    dump, this becomes a cast of each value.
    """
    return _CAST_TOGETHER.sub(r"\1", _CAST_ONE_BY_ONE.sub(r"\1", words))
