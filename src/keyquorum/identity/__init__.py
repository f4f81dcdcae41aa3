"""Floor 2b: who signs and unseals, and how an id is read aloud."""
