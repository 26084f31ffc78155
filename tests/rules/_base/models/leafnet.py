"""LeafNet, as far as a rule reads it: the arguments of its constructor."""


class LeafNet:
    def __init__(self, num_class=40, *, width=64):
        self.shape = (num_class, width)
