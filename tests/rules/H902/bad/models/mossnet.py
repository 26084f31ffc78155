"""No network: the class has another name than the card says."""


class Mossnet:
    def __init__(self, num_class=40):
        self.shape = (num_class,)
