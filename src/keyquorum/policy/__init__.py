"""Floor 2c: the named rules, over the models of dnssec."""
