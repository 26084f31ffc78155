"""Rules that run when they are selected by their code, a prefix of it, or EXTENDED."""
