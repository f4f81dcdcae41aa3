"""Floor 3: deal, accept, request, sign, combine, verify: the work flow over records."""
