"""A client of the protocol that is not ours gets the features of `embed`, in both encodings."""

import base64
import json

import numpy as np
import pytest
import urllib3
from served import Running
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException


@pytest.fixture(scope="module")
def client(server: Running) -> InferenceServerClient:
    return InferenceServerClient(f"127.0.0.1:{server.port}")


def embedded(server: Running) -> np.ndarray:
    """Features of the pictures, as `embed` made them for the gallery."""
    part = next(server.service.gallery.parts())
    return part.vectors[np.argsort(part.paths)]


def given(server: Running, numbers: list[int], *, binary: bool) -> InferInput:
    contents = [server.pictures[number].read_bytes() for number in numbers]
    if not binary:
        contents = [base64.b64encode(content) for content in contents]
    made = InferInput("pictures", [len(numbers)], "BYTES")
    made.set_data_from_numpy(np.array(contents, np.object_), binary_data=binary)
    return made


def test_a_client_sees_server_and_model(server: Running, client: InferenceServerClient) -> None:
    name = server.service.name
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(name)
    assert client.is_model_ready(name, server.service.version)
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    metadata = client.get_model_metadata(name)
    assert metadata["inputs"] == [{"name": "pictures", "datatype": "BYTES", "shape": [-1]}]
    assert metadata["outputs"][0] == {"name": "features", "datatype": "FP32", "shape": [-1, 5]}


@pytest.mark.parametrize("sent", [True, False], ids=["binary", "json"])
@pytest.mark.parametrize("received", [True, False], ids=["binary", "json"])
def test_features_are_those_of_embed(
    server: Running, client: InferenceServerClient, sent: bool, received: bool
) -> None:
    numbers = [3, 0, 7]
    result = client.infer(
        server.service.name,
        [given(server, numbers, binary=sent)],
        outputs=[InferRequestedOutput("features", binary_data=received)],
        request_id="mine",
    )
    assert result.get_response()["id"] == "mine"
    np.testing.assert_allclose(
        result.as_numpy("features"), embedded(server)[numbers], rtol=0, atol=1e-6
    )


def test_without_outputs_a_client_gets_the_features(
    server: Running, client: InferenceServerClient
) -> None:
    result = client.infer(server.service.name, [given(server, [5], binary=True)])
    np.testing.assert_allclose(result.as_numpy("features"), embedded(server)[[5]], atol=1e-6)
    assert result.as_numpy("errors") is None


@pytest.mark.parametrize("binary", [True, False])
def test_a_bad_picture_fails_alone(
    server: Running, client: InferenceServerClient, binary: bool
) -> None:
    contents = [server.pictures[1].read_bytes(), b"no picture"]
    made = InferInput("pictures", [2], "BYTES")
    made.set_data_from_numpy(np.array(contents, np.object_))
    outputs = [InferRequestedOutput(name, binary_data=binary) for name in ("features", "errors")]
    result = client.infer(server.service.name, [made], outputs=outputs)
    features = result.as_numpy("features")
    np.testing.assert_allclose(features[0], embedded(server)[1], atol=1e-6)
    assert not features[1].any()
    first, second = (
        text.decode() if isinstance(text, bytes) else text for text in result.as_numpy("errors")
    )
    assert first == ""
    assert second.startswith("It cannot be read as a picture")
    with pytest.raises(InferenceServerException, match="Picture 1: It cannot be read as a picture"):
        client.infer(server.service.name, [made])


def test_data_may_be_nested_as_the_shape_is(server: Running) -> None:
    data = [[base64.b64encode(path.read_bytes()).decode()] for path in server.pictures[:2]]
    body = {"inputs": [{"name": "pictures", "datatype": "BYTES", "shape": [2, 1], "data": data}]}
    answer = urllib3.request(
        "POST", f"{server.address}/v2/models/{server.service.name}/infer", body=json.dumps(body)
    )
    [output] = answer.json()["outputs"]
    assert output["shape"] == [2, 5]
    np.testing.assert_allclose(output["data"], embedded(server)[:2].ravel(), atol=1e-6)
