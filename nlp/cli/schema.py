"""``netralitas schema``: print the record's JSON Schema."""

import json

from nlp.record import record_schema


def schema() -> None:
    """Print the JSON Schema of a record."""
    print(json.dumps(record_schema(), indent=2, ensure_ascii=False))
