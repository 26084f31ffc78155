"""Features that are kept: what they are, where they are kept, and the search for the nearest of them."""
