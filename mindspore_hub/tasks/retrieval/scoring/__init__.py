"""From distances to ranks of the true matches, and to metrics; what protocols are made of.

`distance` yields blocks, `rerank` others in their place; `ranking` and `recall` rank, `metrics` counts,
`draws` draws galleries, `pose` is for key points, `result` is what comes out.
"""
