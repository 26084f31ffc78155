"""Re-identification: pictures to features to matches."""
