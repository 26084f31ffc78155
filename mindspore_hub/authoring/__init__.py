"""What a hub is made with: new cards, entry points, publications and bundles."""
