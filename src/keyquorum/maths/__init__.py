"""Floor 1: numbers. Modular exponentiation, safe primes, polynomials, multi-exponentiation, proofs."""
