"""Model cards: read them, check them, generate what follows from them."""
