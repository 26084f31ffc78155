"""From a card to a network with its weights."""
