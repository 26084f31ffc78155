"""From features to the nearest gallery images of queries, and to contact sheets of them."""
