"""What came before a request, for whoever judges it: looked up in an archive; and what is made of it is added there.

An archive is the judge's own. Nothing is taken from it but what it shows: the ids of requests seen, and the response
before, which one of the keys at hand has verifiably signed.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from keyquorum.archive.answers import previous_response, seen_ids
from keyquorum.archive.store import Archive, adding
from keyquorum.cli import world
from keyquorum.dnssec.model import Dnskey, ZoneRequest
from keyquorum.quorum.task import Basis, Task


def judged_by(archive: Path | None, basis: Basis, task: Task) -> Basis:
    """Give ``basis`` with what ``archive`` (None: there is none) knows of what came before ``task``."""
    if archive is None:
        return basis
    zones = list(islice(task.zones(), 2))
    alone = zones[0] if len(zones) == 1 else None
    return looked_up(archive, basis, alone, [ksk.key for ksk in task.ksks()], task.source.sha256)


def looked_up(archive: Path, basis: Basis, request: ZoneRequest | None, keys: Sequence[Dnskey], source: bytes) -> Basis:
    """Give ``basis`` with the ids in ``archive``, and the response before ``request`` that one of ``keys`` signed.

    ``request`` is None for a source of several zones. A previous response that ``basis`` has already stays. ``source``
    is the SHA-256 of the source at hand. Raises RefusedError where two responses could be the one before.
    """
    opened = Archive.open(archive)
    seen = seen_ids(opened.entries)
    for name, digest in (basis.seen or {}).items():
        # Of two sources under one id, the one that is not this source tells.
        if seen.get(name, source) == source:
            seen[name] = digest
    basis = replace(basis, seen=seen)
    if basis.previous is not None or request is None:
        return basis
    begins = min(bundle.inception for bundle in request.bundles)
    found = previous_response(opened.entries, opened.file, request.zone, keys, begins)
    if found is None:
        return basis
    return replace(basis, previous=found.response, previous_digest=found.sha256)


def keep(archive: Path | None, *files: Path) -> dict[str, str]:
    """Add ``files``, and those in directories among them, to ``archive``; give what to tell people of it.

    Nothing where there is none.
    """
    if archive is None:
        return {}
    with adding(archive) as adder:
        for path in files:
            for file in sorted(path.iterdir()) if path.is_dir() else [path]:
                with world.opened(file, "file") as stream, world.naming(file):
                    adder.add(stream, file.name, world.now())
        head = adder.head
    return {"archive": f"{archive} (added to)", "its head": head.hex()}
