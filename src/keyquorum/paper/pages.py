"""The pages of an escrow as PDF/A-2b: a file for each share, and the public ones that go with every share."""

from keyquorum.paper.canvas import Document
from keyquorum.paper.instructions import instruction_document
from keyquorum.paper.key_pages import key_document, manifest_document
from keyquorum.paper.share_page import form_pages, share_pages
from keyquorum.paper.sheet import Sheet

__all__ = [
    "Document", "Sheet", "form_pages", "instruction_document", "instruction_pages", "key_document", "key_pages",
    "manifest_document", "manifest_pages", "share_pages",
]  # fmt: skip


def key_pages(sheet: Sheet) -> bytes:
    """Give the PDF of the key's pages."""
    return key_document(sheet).pdf


def manifest_pages(sheet: Sheet) -> bytes:
    """Give the PDF of the manifest's pages."""
    return manifest_document(sheet).pdf


def instruction_pages(sheet: Sheet) -> bytes:
    """Give the PDF of the instruction pages."""
    return instruction_document(sheet).pdf
