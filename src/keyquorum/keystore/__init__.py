"""Floor 4: a holder's secrets at rest."""
