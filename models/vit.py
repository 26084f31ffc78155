"""ViT: classification of pictures by a transformer that reads them patch by patch.

Source: Dosovitskiy et al., An Image is Worth 16x16 Words: Transformers for Image Recognition at
Scale, ICLR 2021, arXiv:2010.11929; `official/cv/vit` (vit_base_patch32, branches r1.5 to r1.10) and
`research/cv/vit_base` (vit_base, r1.3 to r1.10) of mindspore/models. The two have nothing in common
but the paper.
"""

from mindspore import Parameter, Tensor, nn, ops
from mindspore.common.initializer import TruncatedNormal, initializer

from ._arguments import require_counts, require_fractions
from ._checkpoint import Argument
from ._classifier import classifier_files, last_layer
from ._transformer import DropPath, attend, drop_rates

_WIDTH, _DEPTH, _HEADS, _HIDDEN = 768, 12, 12, 3072
"""Of ViT-Base: length of a token, blocks, heads of each attention and length inside of an MLP."""


class vit_base_patch32(nn.Cell):  # as the original calls it
    """ViT-Base of patches of 32×32 pixels.

    Its normalisations add 1e-7 to the variance, and its GELU is the approximation by a tanh.

    Args:
        num_classes: Classes; with 0 the output is the first token, `(N, 768)`.
        image_size: Height and width of an image in pixels, a multiple of 32.
        dropout: Share of tokens and of what blocks compute that training sets to zero.
        drop_path: Share of the samples that the last block does not change in training; it grows
            from 0 at the first block.

    Inputs:
        **x** - RGB images `(N, 3, image_size, image_size)`, float32: values of 0 to 255, less 255 ·
        (0.485, 0.456, 0.406), divided by 255 · (0.229, 0.224, 0.225).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too. The published networks never saw the
        last of their 1001 classes: index 0 is the tench, and index 1000 nothing.

    Raises:
        ValueError: An argument is outside its range.
    """

    checkpoint = classifier_files(
        "head.0",
        Argument("image_size", "pos_embedding", 1, {1 + n * n: 32 * n for n in range(1, 65)}),
        renames={"cls_token": "cls"},  # a cell around the original changes the name back to its own
    )

    def __init__(
        self,
        num_classes: int = 1001,
        image_size: int = 224,
        dropout: float = 0.1,
        drop_path: float = 0.1,
    ) -> None:
        patches = _patches(image_size, 32)
        dropout, drop_path = require_fractions(dropout=dropout, drop_path=drop_path)
        super().__init__()
        self.input_shapes = ((3, image_size, image_size),)
        self.cls = _learned(1)
        self.pos_embedding = _learned(1 + patches)
        self.stem = _Stem()
        self.body = _Body(dropout, drop_path)
        self.head = nn.SequentialCell(last_layer(_WIDTH, num_classes))
        self.norm = nn.LayerNorm((_WIDTH,), epsilon=1e-7)
        self.dropout = nn.Dropout(p=dropout)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        x = _with_first(self.cls, self.stem(x)) + self.pos_embedding
        x = self.body(self.dropout(x))
        return self.head(self.norm(x)[:, 0])


class _Stem(nn.Cell):
    """Images to tokens, from patches whose values go by channel, row and column."""

    def __init__(self) -> None:
        super().__init__()
        self.patch_to_embedding = _NamedDense(3 * 32 * 32, _WIDTH)

    def construct(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        x = x.reshape((n, c, h // 32, 32, w // 32, 32)).transpose(0, 2, 4, 1, 3, 5)
        return self.patch_to_embedding(x.reshape((n, h * w // 1024, c * 1024)))


class _NamedDense(nn.Cell):
    """A layer in a cell of its own, for the sake of its name."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.dense = nn.Dense(inputs, outputs)

    def construct(self, x: Tensor) -> Tensor:
        return self.dense(x)


class _Body(nn.Cell):
    """Blocks of an attention and an MLP."""

    def __init__(self, dropout: float, drop_path: float) -> None:
        super().__init__()
        self.layers = nn.SequentialCell(
            [
                nn.SequentialCell(
                    _Residual(_Attention(dropout), rate), _Residual(_FeedForward(dropout), rate)
                )
                for rate in drop_rates(drop_path, _DEPTH)
            ]
        )

    def construct(self, x: Tensor) -> Tensor:
        return self.layers(x)


class _Residual(nn.Cell):
    """Adds to tokens what a cell computes of their normalisation."""

    def __init__(self, computed: nn.Cell, drop_path: float) -> None:
        super().__init__()
        self.cell = nn.SequentialCell(nn.LayerNorm((_WIDTH,), epsilon=1e-7), computed)
        self.drop_path = DropPath(drop_path)

    def construct(self, x: Tensor) -> Tensor:
        return x + self.drop_path(self.cell(x))


class _Attention(nn.Cell):
    """Attention of tokens to each other."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.to_q = nn.Dense(_WIDTH, _WIDTH)
        self.to_k = nn.Dense(_WIDTH, _WIDTH)
        self.to_v = nn.Dense(_WIDTH, _WIDTH)
        self.to_out = nn.Dense(_WIDTH, _WIDTH)
        self.dropout = nn.Dropout(p=dropout)

    def construct(self, x: Tensor) -> Tensor:
        return self.dropout(self.to_out(attend(self.to_q(x), self.to_k(x), self.to_v(x), _HEADS)))


class _FeedForward(nn.Cell):
    """Two layers with a GELU between them, for each token by itself."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.ff1 = _NamedDense(_WIDTH, _HIDDEN)
        self.gelu = nn.GELU(approximate=True)
        self.ff2 = _NamedDense(_HIDDEN, _WIDTH)
        self.dropout = nn.Dropout(p=dropout)

    def construct(self, x: Tensor) -> Tensor:
        return self.dropout(self.ff2(self.dropout(self.gelu(self.ff1(x)))))


class vit_base(nn.Cell):  # as the original calls it
    """ViT-Base that was trained on large sets of pictures, and then on CIFAR-10.

    Its normalisations add 1e-6 to the variance, and its GELU is the approximation by a tanh.

    Args:
        num_classes: Classes; with 0 the output is the first token, `(N, 768)`.
        patch_size: Height and width of a patch in pixels.
        image_size: Height and width of an image in pixels, a multiple of `patch_size`.

    Inputs:
        **x** - RGB images `(N, 3, image_size, image_size)`, float32, those of CIFAR-10 enlarged to
        that size: values of 0 to 255 divided by 255, less (0.4914, 0.4822, 0.4465), divided by
        (0.2023, 0.1994, 0.2010).

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: An argument is outside its range.
    """

    checkpoint = classifier_files(
        "head", Argument("patch_size", "transformer.embeddings.patch_embeddings.weight", 2)
    )

    def __init__(self, num_classes: int = 10, patch_size: int = 16, image_size: int = 224) -> None:
        patches = _patches(image_size, patch_size)
        super().__init__()
        self.input_shapes = ((3, image_size, image_size),)
        self.transformer = _Transformer(patch_size, patches)
        self.head = last_layer(_WIDTH, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        return self.head(self.transformer(x)[:, 0])


class _Transformer(nn.Cell):
    """Images to tokens, the first of which stands for all."""

    def __init__(self, patch_size: int, patches: int) -> None:
        super().__init__()
        self.embeddings = _Embeddings(patch_size, patches)
        self.encoder = _Encoder()

    def construct(self, x: Tensor) -> Tensor:
        return self.encoder(self.embeddings(x))


class _Embeddings(nn.Cell):
    """Images to tokens before the first block."""

    def __init__(self, patch_size: int, patches: int) -> None:
        super().__init__()
        self.position_embeddings = _learned(1 + patches)
        self.cls_token = _learned(1)
        self.patch_embeddings = nn.Conv2d(
            3, _WIDTH, patch_size, patch_size, pad_mode="valid", has_bias=True
        )

    def construct(self, x: Tensor) -> Tensor:
        tokens = self.patch_embeddings(x).flatten(start_dim=2).transpose(0, 2, 1)
        return _with_first(self.cls_token, tokens) + self.position_embeddings


class _Encoder(nn.Cell):
    """Blocks of tokens, and their normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.SequentialCell([_Block() for _ in range(_DEPTH)])
        self.encoder_norm = nn.LayerNorm((_WIDTH,), epsilon=1e-6)

    def construct(self, x: Tensor) -> Tensor:
        return self.encoder_norm(self.layer(x))


class _Block(nn.Cell):
    """Adds an attention and an MLP of normalised tokens to them."""

    def __init__(self) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm((_WIDTH,), epsilon=1e-6)
        self.ffn_norm = nn.LayerNorm((_WIDTH,), epsilon=1e-6)
        self.ffn = _Mlp()
        self.attn = _PlainAttention()

    def construct(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.attention_norm(x))
        return x + self.ffn(self.ffn_norm(x))


class _Mlp(nn.Cell):
    """Two layers with a GELU between them, for each token by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Dense(_WIDTH, _HIDDEN)
        self.gelu = nn.GELU(approximate=True)
        self.fc2 = nn.Dense(_HIDDEN, _WIDTH)

    def construct(self, x: Tensor) -> Tensor:
        return self.fc2(self.gelu(self.fc1(x)))


class _PlainAttention(nn.Cell):
    """Attention of tokens to each other, without dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Dense(_WIDTH, _WIDTH)
        self.key = nn.Dense(_WIDTH, _WIDTH)
        self.value = nn.Dense(_WIDTH, _WIDTH)
        self.out = nn.Dense(_WIDTH, _WIDTH)

    def construct(self, x: Tensor) -> Tensor:
        return self.out(attend(self.query(x), self.key(x), self.value(x), _HEADS))


def _patches(image_size: int, patch_size: int) -> int:
    """How many patches an image has; a ValueError if they do not fill it."""
    image_size, patch_size = require_counts(image_size=image_size, patch_size=patch_size)
    if image_size % patch_size:
        msg = f"image_size must be a multiple of {patch_size}, got {image_size}"
        raise ValueError(msg)
    return (image_size // patch_size) ** 2


def _learned(tokens: int) -> Parameter:
    """Tokens that are the same for every picture."""
    return Parameter(initializer(TruncatedNormal(0.02), (1, tokens, _WIDTH)))


def _with_first(first: Tensor, tokens: Tensor) -> Tensor:
    """Tokens of pictures `(N, L, C)` behind one that is the same for all: `(N, 1 + L, C)`."""
    return ops.concat((ops.broadcast_to(first, (tokens.shape[0], 1, _WIDTH)), tokens), 1)
