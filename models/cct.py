"""CCT: classification of pictures by a transformer that reads the maps of two convolutions.

Source: Hassani et al., Escaping the Big Data Paradigm with Compact Transformers, 2021,
arXiv:2104.05704; `research/cv/cct` of mindspore/models, branches r1.3 to r1.10, where the file of the
network is the same.
"""

from mindspore import Parameter, Tensor, nn, ops
from mindspore.common.initializer import TruncatedNormal, initializer

from ._classifier import INPUT_SHAPE, classifier_files, last_layer
from ._transformer import attend

_WIDTH, _DEPTH, _HEADS, _HIDDEN = 384, 14, 6, 1152
"""Length of a token, blocks, heads of each attention and length inside of an MLP."""

_TOKENS = 14 * 14


class cct_14_7x2_224(nn.Cell):  # as the original calls it
    """CCT-14/7x2. Its GELU is the approximation by a tanh.

    Args:
        num_classes: Classes; with 0 the output is the weighted sum of the tokens, `(N, 384)`.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32: values of 0 to 255 divided by 255, less
        (0.485, 0.456, 0.406), divided by (0.229, 0.224, 0.225). No other size is possible. The
        original squashed pictures to 248×248 pixels before it cut out the middle.

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = classifier_files("classifier.fc", prefixes=("model.",))

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.tokenizer = _Tokenizer()
        self.classifier = _Classifier(num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        return self.classifier(self.tokenizer(x))


class _Tokenizer(nn.Cell):
    """Images to tokens `(N, 196, 384)`, one for each place of a map, row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_layers = nn.SequentialCell(
            [
                nn.SequentialCell(
                    nn.Conv2d(before, after, 7, 2, pad_mode="pad", padding=3),
                    nn.ReLU(),
                    nn.MaxPool2d(3, 2, pad_mode="same"),
                )
                for before, after in ((3, 64), (64, _WIDTH))
            ]
        )

    def construct(self, x: Tensor) -> Tensor:
        return self.conv_layers(x).flatten(start_dim=2).transpose(0, 2, 1)


class _Classifier(nn.Cell):
    """Tokens to logits; each token has a weight in the sum that they are told from."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.positional_emb = Parameter(initializer(TruncatedNormal(0.2), (1, _TOKENS, _WIDTH)))
        self.attention_pool = nn.Dense(_WIDTH, 1)
        self.blocks = nn.SequentialCell([_Block() for _ in range(_DEPTH)])
        self.norm = nn.LayerNorm((_WIDTH,), epsilon=1e-5)
        self.fc = last_layer(_WIDTH, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        x = self.norm(self.blocks(x + self.positional_emb))
        shares = ops.softmax(self.attention_pool(x), 1)
        return self.fc(ops.sum(shares * x, 1))


class _Block(nn.Cell):
    """Adds an attention of normalised tokens to them, normalises, and adds an MLP to that."""

    def __init__(self) -> None:
        super().__init__()
        self.pre_norm = nn.LayerNorm((_WIDTH,), epsilon=1e-5)
        self.self_attn = _Attention()
        self.fc1 = nn.Dense(_WIDTH, _HIDDEN)
        self.norm1 = nn.LayerNorm((_WIDTH,), epsilon=1e-5)
        self.fc2 = nn.Dense(_HIDDEN, _WIDTH)
        self.gelu = nn.GELU(approximate=True)

    def construct(self, x: Tensor) -> Tensor:
        x = self.norm1(x + self.self_attn(self.pre_norm(x)))
        return x + self.fc2(self.gelu(self.fc1(x)))


class _Attention(nn.Cell):
    """Attention of tokens to each other."""

    def __init__(self) -> None:
        super().__init__()
        self.q = nn.Dense(_WIDTH, _WIDTH, has_bias=False)
        self.k = nn.Dense(_WIDTH, _WIDTH, has_bias=False)
        self.v = nn.Dense(_WIDTH, _WIDTH, has_bias=False)
        self.proj = nn.Dense(_WIDTH, _WIDTH)

    def construct(self, x: Tensor) -> Tensor:
        return self.proj(attend(self.q(x), self.k(x), self.v(x), _HEADS))
