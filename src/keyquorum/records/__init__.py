"""Floor 2b: the signed documents that pass between people."""
