"""The cards of a hub: text with places, typed facts, names, keys and words."""
