"""Cards are checked, mended and reported on."""
