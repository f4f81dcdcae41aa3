"""Write docs/schemas anew: a JSON Schema (2020-12) of every kind of record, and of the envelope they all stand in.

    python -m tools.schemas

The schemas are made by the codecs that read the records, so they cannot say something else. A schema tells the shape;
the readers refuse more (see docs/auditor/records.md).
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from keyquorum.records.catalogue import KINDS
from keyquorum.records.envelope import envelope_schema

OUT = Path(__file__).parent.parent / "docs" / "schemas"


def schemas() -> Iterator[tuple[str, bytes]]:
    """Give the name and the content of each file."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Envelope of a record (DSSE v1)"}
    yield "envelope.json", _written(dialect | envelope_schema())
    for kind in KINDS:
        yield f"{kind.name}.v{kind.version}.json", _written(kind.schema())


def main() -> None:
    """Write the files, and remove those of kinds that are gone."""
    OUT.mkdir(parents=True, exist_ok=True)
    made = dict(schemas())
    for path in OUT.glob("*.json"):
        if path.name not in made:
            path.unlink()
    for name, content in made.items():
        (OUT / name).write_bytes(content)


def _written(schema: Mapping[str, object]) -> bytes:
    return json.dumps(schema, indent=2, ensure_ascii=False).encode() + b"\n"


if __name__ == "__main__":
    main()
