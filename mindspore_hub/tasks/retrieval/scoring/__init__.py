"""From features to ranks of the true matches, and to metrics; what protocols are made of.

`ranking` has blocks of distances, `rerank` others in their place; `ranking` and `recall` rank, `metrics`
counts.
"""
