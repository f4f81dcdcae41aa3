"""Floor 4: keys in PKCS#11 tokens and HSMs: load, inspect, test, use, wipe."""
