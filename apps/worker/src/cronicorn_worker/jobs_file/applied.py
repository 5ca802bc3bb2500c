"""What applying a jobs file did."""

from dataclasses import dataclass, field

_NAMES_SHOWN = 20


@dataclass(slots=True)
class Applied:
    """What applying a file did, as names: ``shop`` for a job, ``shop / health`` for an endpoint."""

    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    archived: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)

    @property
    def wrote(self) -> bool:
        """Say whether the store was changed at all."""
        return bool(self.created or self.changed or self.archived)

    def add(self, more: "Applied") -> None:
        """Take in what a further part of the file did."""
        self.created += more.created
        self.changed += more.changed
        self.archived += more.archived
        self.unchanged += more.unchanged

    def fields(self) -> dict[str, object]:
        """Tell it in numbers, and what was written by name as far as that is readable."""
        written = [
            *(f"+ {name}" for name in self.created),
            *(f"~ {name}" for name in self.changed),
            *(f"- {name}" for name in self.archived),
        ]
        more = ["…"] if len(written) > _NAMES_SHOWN else []
        names = ", ".join([*written[:_NAMES_SHOWN], *more])
        return {
            "created": len(self.created),
            "changed": len(self.changed),
            "archived": len(self.archived),
            "unchanged": len(self.unchanged),
            **({"names": names} if names else {}),
        }
