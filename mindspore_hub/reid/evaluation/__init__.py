"""From a data set to the published metrics, measured again."""
