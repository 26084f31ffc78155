"""The one table of keys: which ones cards have, what stands behind each, and who needs it.

Whatever lists keys reads this table: the reader, the rules, the JSON Schema, `mshub card new` and
`mshub publish`. A new key is one entry here.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable
from enum import Enum
from functools import cache
from typing import NamedTuple

from mindspore_hub.hub.vocabulary import listed, proposal


class Need(Enum):
    """Whether a card has a key."""

    REQUIRED = "every card or asset has it"
    OPTIONAL = "a card or asset may have it"
    LEGACY = "older cards have it at the top level, and no loader reads it"


class Form(Enum):
    """What stands behind a key."""

    VALUE = "one value"
    BOOLEAN = "True or False"
    LIST = "a list"
    MAPPING = "a mapping"


class Key(NamedTuple):
    """A key of a card or of its asset.

    Attributes:
        name: Its name.
        help: What it says, in one sentence; empty for a key that nobody writes any more.
        need: Whether a card has it.
        form: What its value is.
        text: Regular expression that all of the text matches, if it is one value that not any text
            can be; `<word>` stands for a word of `words`. Python and JSON Schema (ECMA-262) read
            it alike.
        words: Name of the vocabulary of its words.
        number: Whether a YAML reader may have a number in place of the text.
        in_asset: It belongs to an asset, not to the top level.
        default: What a fresh card says without being told.
        same_as: Key whose value a fresh card repeats without being told.
        needed: `mshub publish` asks for it, where the file's name and other cards do not say it.
        measured: How `mshub publish` knows it, if not from who publishes.
        chinese: Names in the Chinese card template, with blanks between them.
    """

    name: str
    help: str = ""
    need: Need = Need.OPTIONAL
    form: Form = Form.VALUE
    text: str = ""
    words: str = ""
    number: bool = False
    in_asset: bool = False
    default: str = ""
    same_as: str = ""
    needed: bool = False
    measured: str = ""
    chinese: str = ""

    @property
    def pattern(self) -> str:
        """Regular expression that all of the text matches; empty where it may be any."""
        return self.text.replace("<word>", _any_word(self.words)) if self.words else self.text

    @property
    def is_structured(self) -> bool:
        """Whether its value is a list or a mapping."""
        return self.form in {Form.LIST, Form.MAPPING}


_VERSION = r"[0-9]+\.[0-9]+(?:\.[0-9]+)?"

_RESERVED = "|".join([*keyword.kwlist, "true", "false", "TRUE", "FALSE"])
_MODEL_NAME = rf"(?!(?:{_RESERVED})$)[\s\S]*\S[\s\S]*"

_WORDS_OF_YAML = "true|false|yes|no|on|off|null|y|n"

_NUMBER = r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"

_LEAP_YEAR = r"(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_31_DAYS = r"(?:0?[13578]|1[02])\1(?:0?[1-9]|[12][0-9]|3[01])"
_30_DAYS = r"(?:0?[469]|11)\1(?:0?[1-9]|[12][0-9]|30)"
_28_DAYS = r"0?2\1(?:0?[1-9]|1[0-9]|2[0-8])"
_DATE = (
    rf"\s*(?!0000)(?=[0-9]{{4}}([-/.]))(?:[0-9]{{4}}\1(?:{_31_DAYS}|{_30_DAYS}|{_28_DAYS})"
    rf"|{_LEAP_YEAR}[-/.]0?2\1(?:29))\s*"
)
"""A day of the calendar, year first, with the same mark between its parts."""

_PART = r"[^/\s]+"
_REPO_LINK = rf"https://{_PART}/{_PART}/{_PART}(?:/(?:tree|blob)/{_PART}(?:/\S*[^/\s])?)?/?"

_LINK_PART = r'[^/ \t<>"]'
_FILE_LINK = (
    rf"https://(?!.*://){_LINK_PART}+/(?:{_LINK_PART}*/)*"
    rf'\.*[^./ \t<>"]+\.+[^./ \t<>"]{_LINK_PART}*'
)

_ITEMS = r"[\s/,|;]*<word>(?:\s*[/,|;][\s/,|;]*<word>)*[\s/,|;]*"
"""Words of a vocabulary with marks between them."""

_IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]*"


def _bracketed(link: str) -> str:
    """A link with or without the angle brackets that Markdown puts around it."""
    return rf"(?:{link}|<{link}>)"


_BOOLEAN, _LIST, _MAPPING = Form.BOOLEAN, Form.LIST, Form.MAPPING
_REQUIRED, _LEGACY = Need.REQUIRED, Need.LEGACY
_OFF_THE_FILE = "it is read off the file"
_AS_MODEL = "give it as --model, or as the argument `model`"
_AS_NETWORK = "give the file of a new network as --network"
_AS_NETWORK_ARG = "give each as --network-arg NAME=VALUE, or as the argument `network_args`"
_AS_FAMILY = "add it to the card, see CONTRIBUTING.md"
_FIRST_CARD = "the first card of a model is its default one"

# fmt: off
KEYS = (
    Key("model-name", "Name of the network, which `load` takes.", _REQUIRED, text=_MODEL_NAME,
        number=True, measured=_AS_MODEL, chinese="模型名称"),
    Key("backbone-name", "Backbone; the model by default.", _REQUIRED, same_as="model-name",
        chinese="骨干网络"),
    Key("network",
        "Where the class of the network is, if not under the model-name: `resnet.resnet50`.",
        text=rf"{_IDENTIFIER}\.{_IDENTIFIER}", measured=_AS_NETWORK),
    Key("family", "Networks that it belongs to; `mshub generate` writes the body by their text.",
        text=rf"(?!(?:{_WORDS_OF_YAML})$)[a-z][a-z0-9_-]*", measured=_AS_FAMILY),
    Key("module-type", "Domain, with a task if there is one: cv, cv-classification.", _REQUIRED,
        text=r"\s*<word>\s*(?:-[\s\S]*)?", words="domains", needed=True, chinese="模块类型"),
    Key("fine-tunable", "Whether it can be trained further: True or False.", _REQUIRED, _BOOLEAN,
        default="True", chinese="可微调"),
    Key("input-shape", "Shape of a sample, `[3, 288, 144]`, or one such list per input.",
        form=_LIST, chinese="输入形状"),
    Key("input",
        "Shape and type of each input, if one is not float32: `[{shape: [128], dtype: int32}]`.",
        form=_LIST, measured="add it to the card"),
    Key("output-shape", "Shape of each output for a sample: `[[2048], [40]]`.", form=_LIST,
        measured=_OFF_THE_FILE),
    Key("model-version", "Version of the model; the release by default.", _REQUIRED, text=_VERSION,
        number=True, same_as="mindspore-version", chinese="模型版本"),
    Key("train-dataset", "Data set that it was trained on.", needed=True, chinese="训练数据集"),
    Key("evaluation", "Published metrics: `top1acc75.6 | top5acc92.1`.", needed=True, chinese="评估"),
    Key("accuracy", "Published accuracy, a number; `evaluation` says more.", text=_NUMBER,
        number=True, chinese="准确率 精度"),
    Key("author", "Who trained it.", _REQUIRED, default="TODO", needed=True, chinese="作者"),
    Key("update-time", "Day of publication, YYYY-MM-DD; today by default.", _REQUIRED, text=_DATE,
        chinese="更新时间"),
    Key("repo-link", "Where the code of the network is.", _REQUIRED, text=_bracketed(_REPO_LINK),
        needed=True, chinese="代码仓链接"),
    Key("user-id", "Who publishes it; the author by default.", _REQUIRED, same_as="author",
        chinese="用户ID"),
    Key("used-for", "What it is for: inference, transfer-learning, extract-feature, with slashes.",
        _REQUIRED, text=_ITEMS, words="used-for", default="inference", chinese="用途"),
    Key("infer-backend", "Devices that it computes on: ascend, gpu, cpu, with slashes.",
        text=_ITEMS, words="backends", chinese="推理后端"),
    Key("train-backend", "Devices that it was trained on: ascend, gpu, cpu, with slashes.",
        text=_ITEMS, words="backends", chinese="训练后端"),
    Key("mindspore-version", "Release of MindSpore, `2.7`; that of the folder by default.",
        _REQUIRED, text=_VERSION, number=True, needed=True, chinese="MindSpore版本"),
    Key("featured-image", "Address of a picture of it.", chinese="特征图片"),
    Key("allow-cache-ckpt", "Whether upstream's loader keeps the checkpoint: True or False.",
        form=_BOOLEAN, chinese="可缓存检查点"),
    Key("asset", "The published files.", form=_LIST, measured=_OFF_THE_FILE, chinese="资源"),
    Key("file-format", "Format of the file; ckpt by default.", _REQUIRED, text="<word>",
        words="file-formats", in_asset=True, default="ckpt", measured=_OFF_THE_FILE,
        chinese="文件格式"),
    Key("asset-link", "Address of the file.", _REQUIRED, text=_bracketed(_FILE_LINK), in_asset=True,
        chinese="资源链接"),
    Key("asset-sha256", "The sha256 of the file, 64 digits.", _REQUIRED, text="[0-9a-f]{64}",
        in_asset=True, measured=_OFF_THE_FILE, chinese="资源SHA256 资源SHA256校验码"),
    Key("asset-size", "Size of the file: `329 MB`.",
        text=r"(?=.*[1-9])(?:0|[1-9][0-9]*)(?:\.[0-9]+)? MB", in_asset=True,
        measured=_OFF_THE_FILE),
    Key("network-args", "Constructor arguments that the file fits: `{num_class: 206}`.",
        form=_MAPPING, in_asset=True, measured=_AS_NETWORK_ARG),
    Key("preprocessing", "How pictures are prepared; `mshub card rule H909` shows all fields.",
        form=_MAPPING, in_asset=True),
    Key("task", "What the outputs are for, or the name of it; `mshub card rule H910` shows all tasks.",
        form=_MAPPING, in_asset=True),
    Key("license", "Licence of code and weights.", _REQUIRED, default="Apache2.0", needed=True,
        chinese="许可证"),
    Key("summary", "What it is for, in one line.", _REQUIRED, chinese="摘要"),
    Key("default", "Whether the bare model-name means this card: True or False.", form=_BOOLEAN,
        measured=_FIRST_CARD),
    Key("asset-link", need=_LEGACY, text=_bracketed(_FILE_LINK)),
    Key("asset-sha256", need=_LEGACY, text="[0-9a-f]{64}"),
    Key("file-format", need=_LEGACY, text="<word>", words="file-formats"),
    Key("mindspore-lite", need=_LEGACY, form=_BOOLEAN),
)
# fmt: on
"""Every key, in the order of a fresh card."""


def names(*needs: Need, in_asset: bool = False) -> tuple[str, ...]:
    """Names of the keys of the top level, or of an asset, with one of these needs."""
    return tuple(key.name for key in KEYS if key.need in needs and key.in_asset is in_asset)


REQUIRED = names(Need.REQUIRED)
"""Keys that every card has."""

OPTIONAL = names(Need.OPTIONAL)
"""Keys that a card may have."""

LEGACY = names(Need.LEGACY)
"""Keys at the top level of older cards that no loader reads."""

REQUIRED_IN_ASSET = names(Need.REQUIRED, in_asset=True)
"""Keys that every asset has."""

TOP = frozenset((*REQUIRED, *OPTIONAL, *LEGACY))
"""Keys of the top level."""

ASSET = frozenset(names(*Need, in_asset=True))
"""Keys of an asset."""

CHINESE = {name: key.name for key in KEYS for name in key.chinese.split()}
"""The key that each key of the Chinese card template translates."""

_BY_NAME = {key.name: key for key in reversed(KEYS)}


def key_of(name: str) -> Key:
    """The key of that name; one whose value may be any text, where it is not known."""
    return _BY_NAME.get(name) or Key(name)


def fits(name: str, text: str) -> bool:
    """Whether the text of a value is one that its key takes."""
    return _compiled(name).fullmatch(text) is not None


def in_any_case(word: str) -> str:
    """A pattern for a word; JSON Schema has no flag for that."""
    return "".join(
        f"[{letter.lower()}{letter.upper()}]" if letter.isalpha() else re.escape(letter)
        for letter in word
    ).replace(r"\-", "-")


def is_class_name(text: str) -> bool:
    """Whether a class can be called so, as the network of a model is."""
    same = unicodedata.normalize("NFKC", text) == text  # Python reads another name otherwise
    return same and text.isidentifier() and not keyword.iskeyword(text)


def are_known(keys: Iterable[str], known: frozenset[str] = TOP) -> bool:
    """Whether cards have all these keys."""
    return known.issuperset(keys)


def meant_key(key: str, known: frozenset[str] = TOP) -> str | None:
    """The known key of which this is another spelling: other joints, capitals, a plural or none."""
    return _bare_keys(known).get(_bare(key))


def nearest_key(key: str, known: frozenset[str] = TOP) -> str | None:
    """The known key that is surely meant by this one, if any is."""
    return proposal(key, sorted(known))


@cache
def _bare_keys(known: frozenset[str]) -> dict[str, str]:
    return {_bare(key): key for key in sorted(known)}


def _bare(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "").replace(" ", "").removesuffix("s")


@cache
def _compiled(name: str) -> re.Pattern[str]:
    return re.compile(key_of(name).pattern or r"[\s\S]*")


@cache
def _any_word(vocabulary: str) -> str:
    """One word of a vocabulary, in any case."""
    return f"(?:{'|'.join(in_any_case(word) for word in listed(vocabulary))})"
