"""An escrow's files as its ceremony leaves them, and its pages, without the ceremony."""

from pathlib import Path

from keyquorum.escrow.making import Made
from keyquorum.paper.pages import Sheet, key_pages, manifest_pages, share_pages


def put_on_paper(made: Made, directory: Path, *, prefix: str = "") -> None:
    """Write escrow.json, key.cms, the pages as PDF, and each share's words as text."""
    sheet = Sheet(made.manifest, made.cms)
    (directory / f"{prefix}escrow.json").write_bytes(made.manifest.envelope + b"\n")
    (directory / f"{prefix}key.cms").write_bytes(made.cms)
    (directory / f"{prefix}key.pdf").write_bytes(key_pages(sheet))
    (directory / f"{prefix}manifest.pdf").write_bytes(manifest_pages(sheet))
    for number, share in enumerate(made.shares, 1):
        (directory / f"{prefix}share-{number}.pdf").write_bytes(share_pages(sheet, number, share.text))
        (directory / f"{prefix}share-{number}.txt").write_text(share.text + "\n")
