"""From a link and a digest to a verified file."""
