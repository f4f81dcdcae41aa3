"""Floor 4: requests and responses seen so far, hash-chained: what was asked, what is out there, what came before."""
