"""From pictures to features: which ones, what the network makes of them, and what is there already."""
