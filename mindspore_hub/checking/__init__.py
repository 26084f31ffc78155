"""Check cards, fix them, and report what is found."""
