"""Floor 4: pages out to PDF, and back from pictures and typed words."""
