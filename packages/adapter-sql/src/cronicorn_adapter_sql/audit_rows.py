"""Writes entries of the audit, for whoever does what they tell of."""

from typing import Final

from cronicorn_domain.model.audit import AuditEntry

from cronicorn_adapter_sql.bulk import insertion
from cronicorn_adapter_sql.mapping_jobs import Values
from cronicorn_adapter_sql.tables import audit_entries

NOTE: Final = insertion(audit_entries, audit_entries.c.keys())


def values_of_entry(entry: AuditEntry) -> Values:
    """Return the row of an entry."""
    return {
        "id": entry.id,
        "tenant": entry.tenant,
        "at": entry.at,
        "actor": entry.actor,
        "action": entry.action,
        "subject_kind": entry.subject.kind.value,
        "subject": entry.subject.id,
        "subject_name": entry.subject.name,
        "changes": [
            {"field": each.field, "before": each.before, "after": each.after}
            for each in entry.changes
        ],
    }
