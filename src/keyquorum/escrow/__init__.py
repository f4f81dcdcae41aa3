"""Floor 3: a key into an envelope and shares, and back; nothing here touches a file, a printer or a token."""
