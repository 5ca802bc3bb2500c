"""
The JSON Schema of the jobs file, for editors; made of the same models that read the file.

``python -m cronicorn_worker.jobs_file.json_schema`` writes it anew.
"""

import json
from pathlib import Path

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from cronicorn_worker.jobs_file.schema import JobsFile

SCHEMA_FILE = Path(__file__).parent.parent / "jobs-file.schema.json"


class _Plain(GenerateJsonSchema):
    """Leaves out what says nothing to who writes a file: titles, nulls and internal defaults."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002  not ours to name
        """Give no member a title: its name is one."""
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Describe the value alone; a member that is not wanted is left out."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Leave the default to the description, where it stands as people write it."""
        return self.generate_inner(schema["schema"])


def schema_text() -> str:
    """Return the JSON Schema as the file holds it."""
    schema = JobsFile.model_json_schema(schema_generator=_Plain)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Cronicorn jobs file",
    }
    return json.dumps({**head, **schema, "title": head["title"]}, indent=2) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
