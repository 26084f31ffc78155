"""Messages of the Open Inference Protocol, version 2, over HTTP, with its extension for binary tensors.

A model takes one input, `pictures` (BYTES, one element for each picture: its file, base64 in JSON and as it
is in a binary tensor), and gives `features` (FP32) and, where it is asked for, `errors` (BYTES): with that
output, a picture that cannot be read has a text there and a row of zeros; without it, the request fails.

Source: the protocol's specification, https://github.com/kserve/open-inference-protocol, `inference_rest.md`,
and its binary tensor data extension.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub._foreign import read_object
from mindspore_hub.errors import RequestError

HEADER_LENGTH = "inference-header-content-length"
"""Header with the bytes of the JSON, which binary tensors follow."""

INPUT, FEATURES, ERRORS = "pictures", "features", "errors"

_LENGTH = struct.Struct("<I")
"""What goes before each element of a binary tensor of BYTES."""


@dataclass(frozen=True)
class Request:
    """What is to be inferred.

    Attributes:
        pictures: Files of pictures, as they were sent.
        outputs: Wanted outputs in their order; whether each is to be a binary tensor.
        id: What the client calls the request.
    """

    pictures: list[bytes]
    outputs: dict[str, bool]
    id: str | None = None


def read_request(body: bytes, header_length: str | None, *, most: int) -> Request:
    """Read the body of an inference of at most so many pictures.

    Raises:
        RequestError: It is not what the protocol says, or asks for what the model does not have.
    """
    head, rest = _split(body, header_length)
    document = read_json(head)
    outputs = _outputs(document)
    identifier = document.get("id")
    if not isinstance(identifier, str | None):
        msg = f"id must be a string, but is {_shown(identifier)}."
        raise RequestError(msg)
    pictures = _pictures(document, memoryview(rest), most)
    return Request(pictures, outputs, identifier)


def read_json(body: bytes) -> dict[str, Any]:
    """Parse the JSON object that a body is to be; a RequestError if it is not one."""
    try:
        return read_object(body)
    except ValueError as error:
        msg = f"The body must be a JSON object in UTF-8, but is not: {error}."
        raise RequestError(msg) from error


def write_response(
    request: Request, model: str, version: str, features: npt.NDArray[np.float32], errors: list[str]
) -> tuple[bytes, dict[str, str]]:
    """Write the answer to an inference: its body and the headers that belong to it."""
    outputs: list[dict[str, Any]] = []
    tensors: list[bytes] = []
    for name, binary in request.outputs.items():
        shape, kind = ([len(errors)], "BYTES") if name == ERRORS else ([*features.shape], "FP32")
        output: dict[str, Any] = {"name": name, "datatype": kind, "shape": shape}
        if binary:
            tensor = _binary(errors) if name == ERRORS else features.astype("<f4").tobytes()
            output["parameters"] = {"binary_data_size": len(tensor)}
            tensors.append(tensor)
        else:
            output["data"] = errors if name == ERRORS else features.ravel().tolist()
        outputs.append(output)
    document: dict[str, Any] = {"model_name": model, "model_version": version, "outputs": outputs}
    if request.id is not None:
        document["id"] = request.id
    head = json.dumps(document).encode()
    if not tensors:
        return head, {"content-type": "application/json"}
    headers = {"content-type": "application/octet-stream", HEADER_LENGTH: str(len(head))}
    return b"".join([head, *tensors]), headers


def metadata(model: str, version: str, platform: str, width: int) -> dict[str, Any]:
    """What the protocol says of a model."""
    return {
        "name": model,
        "versions": [version],
        "platform": platform,
        "inputs": [{"name": INPUT, "datatype": "BYTES", "shape": [-1]}],
        "outputs": [
            {"name": FEATURES, "datatype": "FP32", "shape": [-1, width]},
            {"name": ERRORS, "datatype": "BYTES", "shape": [-1]},
        ],
    }


def decode_base64(text: object, what: str) -> bytes:
    """The bytes that a text of JSON stands for; `what` names it in the RequestError."""
    if not isinstance(text, str):
        msg = f"{what} must be a string, the base64 of a picture's file, but is {_shown(text)}."
        raise RequestError(msg)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        msg = f"{what} must be the base64 of a picture's file, but is not: {error}."
        raise RequestError(msg) from error


def _split(body: bytes, header_length: str | None) -> tuple[bytes, bytes]:
    if header_length is None:
        return body, b""
    if not (header_length.isascii() and header_length.isdigit() and len(header_length) < 20):
        msg = f"{HEADER_LENGTH} must be a whole number of bytes, but is {_shown(header_length)}."
        raise RequestError(msg)
    length = int(header_length)
    if length > len(body):
        msg = f"{HEADER_LENGTH} is {length}, but the body has {len(body)} bytes only."
        raise RequestError(msg)
    return body[:length], body[length:]


def _outputs(document: Mapping[str, Any]) -> dict[str, bool]:
    """Wanted outputs; without a list, the features, as binary tensors where the request says so."""
    default = _flag(_parameters(document, "the request"), "binary_data_output")
    wanted = document.get("outputs")
    if wanted is None or wanted == []:
        return {FEATURES: default}
    found: dict[str, bool] = {}
    for name, output in _named(wanted, "outputs"):
        if name not in (FEATURES, ERRORS) or name in found:
            msg = f"outputs must be {FEATURES} and {ERRORS}, once each, but hold {_shown(name)}."
            raise RequestError(msg)
        parameters = _parameters(output, f"the output {name}")
        found[name] = _flag(parameters, "binary_data", default=default)
        if "classification" in parameters:
            msg = f"The output {name} is not a class; leave out its parameter classification."
            raise RequestError(msg)
    return found


def _pictures(document: Mapping[str, Any], rest: memoryview, most: int) -> list[bytes]:
    inputs = list(_named(document.get("inputs"), "inputs"))
    if [name for name, _ in inputs] != [INPUT]:
        names = _shown([name for name, _ in inputs])
        msg = f"inputs must hold {INPUT!r} once and nothing else, but hold {names}."
        raise RequestError(msg)
    [(_, given)] = inputs
    if given.get("datatype") != "BYTES":
        msg = f"The datatype of {INPUT} must be BYTES, but is {_shown(given.get('datatype'))}."
        raise RequestError(msg)
    count = _count(given.get("shape"))
    if count > most:
        msg = f"{count} pictures were sent, but a request may hold {most}; send several requests."
        raise RequestError(msg)
    size = _parameters(given, f"the input {INPUT}").get("binary_data_size")
    if size is None:
        found = [decode_base64(item, f"Picture {n}") for n, item in enumerate(_data(given))]
        size = 0
    elif type(size) is not int or not 0 <= size <= len(rest) or "data" in given:
        msg = (
            f"binary_data_size of {INPUT} must be the bytes of its tensor, in place of data, but is "
            f"{_shown(size)}; {len(rest)} bytes follow the JSON."
        )
        raise RequestError(msg)
    else:
        found = list(_elements(rest[:size]))
    if size != len(rest):
        msg = f"{len(rest)} bytes follow the JSON, but {size} belong to an input."
        raise RequestError(msg)
    if len(found) != count:
        msg = f"The shape of {INPUT} says {count} pictures, but there are {len(found)}."
        raise RequestError(msg)
    return found


def _named(items: object, what: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Objects of a list, each after its name."""
    if not isinstance(items, list):
        msg = f"{what} must be a list of objects, but is {_shown(items)}."
        raise RequestError(msg)
    for item in items:
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            msg = f"{what} must be objects with a name, but one is {_shown(item)}."
            raise RequestError(msg)
        yield item["name"], item


def _parameters(document: Mapping[str, Any], what: str) -> dict[str, Any]:
    parameters = document.get("parameters", {})
    if not isinstance(parameters, dict):
        msg = f"The parameters of {what} must be an object, but are {_shown(parameters)}."
        raise RequestError(msg)
    return parameters


def _flag(parameters: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    value = parameters.get(name, default)
    if not isinstance(value, bool):
        msg = f"{name} must be true or false, but is {_shown(value)}."
        raise RequestError(msg)
    return value


def _count(shape: object) -> int:
    """How many elements a shape `[N]` or `[N, 1]` means."""
    fits = isinstance(shape, list) and all(type(side) is int and side > 0 for side in shape)
    if not isinstance(shape, list) or not fits or not (1 <= len(shape) <= 2) or shape[1:] > [1]:
        msg = f"The shape of {INPUT} must be [N] or [N, 1] with N of at least 1, but is {_shown(shape)}."
        raise RequestError(msg)
    return math.prod(shape)


def _data(given: Mapping[str, Any]) -> list[Any]:
    """Elements of a tensor in JSON, which may be nested as its shape is."""
    data = given.get("data")
    if not isinstance(data, list):
        msg = f"{INPUT} must have data, a list, or binary_data_size; data is {_shown(data)}."
        raise RequestError(msg)
    if len(given["shape"]) == 2 and all(isinstance(row, list) for row in data):
        return [item for row in data for item in row]
    return data


def _elements(tensor: memoryview) -> Iterator[bytes]:
    """Elements of a binary tensor of BYTES: each after its length."""
    place = 0
    while place < len(tensor):
        begin = place + _LENGTH.size
        place = begin + _LENGTH.unpack(tensor[place:begin])[0] if begin <= len(tensor) else begin
        if place > len(tensor):
            msg = f"The binary tensor of {INPUT} ends within an element, after {len(tensor)} bytes."
            raise RequestError(msg)
        yield bytes(tensor[begin:place])


def _binary(texts: Sequence[str]) -> bytes:
    encoded = [text.encode() for text in texts]
    return b"".join(_LENGTH.pack(len(item)) + item for item in encoded)


def _shown(value: object) -> str:
    """A value of a client in a message, no longer than tells what it is."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
