"""The pages of an escrow as PDF/A-2b: a file for each share, and the public ones that go with every share."""

from keyquorum.paper.instructions import instruction_pages
from keyquorum.paper.key_pages import key_pages, manifest_pages
from keyquorum.paper.share_page import form_pages, share_pages
from keyquorum.paper.sheet import Sheet

__all__ = ["Sheet", "form_pages", "instruction_pages", "key_pages", "manifest_pages", "share_pages"]
