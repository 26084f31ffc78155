"""Rules that run when they are selected by their whole code, or ALL."""
