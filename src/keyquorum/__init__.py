"""keyquorum: one DNSSEC key, kept for decades, by several people, on no vendor's terms."""

__version__ = "0.1.0"
