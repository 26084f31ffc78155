"""From pictures of any kind to the inputs of a network, as its card says it."""
