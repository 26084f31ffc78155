"""From distances to ranks of the true matches, and to metrics; what protocols are made of."""
