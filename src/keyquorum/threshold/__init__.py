"""Floor 2a: one file per threshold scheme behind one seam; the register of schemes."""
