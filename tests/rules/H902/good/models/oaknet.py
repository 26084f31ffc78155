"""OakNet, as far as a rule reads it: the arguments of its constructor."""


class OakNet:
    def __init__(self, num_class: int, drop: float = 0.5, *, head: bool = True, **others: str):
        self.shape = (num_class, drop, head, others)
