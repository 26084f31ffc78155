"""Which runtime is chosen, as a table, and what the processor is said to grant."""

from pathlib import Path

import pytest

from mindspore_hub.errors import HubError, MissingDependencyError, SettingsError
from mindspore_hub.runtimes.choice import WORTH, Situation, choose
from mindspore_hub.runtimes.processor import available_threads, computes_bf16, features

ALL = frozenset({"mindspore", "onnxruntime", "openvino"})
BF16 = frozenset({"avx2", "avx512_bf16"})


@pytest.mark.parametrize(
    ("asked", "situation", "runtime", "precision"),
    [
        (("auto", "f32"), Situation(ALL), "mindspore", "f32"),
        (("auto", "f32"), Situation(ALL, derived=True), "openvino", "f32"),
        (("auto", "f32"), Situation(ALL, BF16, derived=True), "openvino", "f32"),
        (("auto", "auto"), Situation(ALL, BF16, derived=True), "openvino", "bf16"),
        (("auto", "auto"), Situation(ALL, derived=True), "openvino", "f32"),
        (("auto", "auto"), Situation(ALL, BF16), "mindspore", "f32"),
        (("auto", "f32"), Situation(ALL - {"openvino"}, derived=True), "onnxruntime", "f32"),
        (("auto", "auto"), Situation(ALL - {"openvino"}, BF16, derived=True), "onnxruntime", "f32"),
        (("auto", "f32"), Situation(ALL, pictures=WORTH - 1), "mindspore", "f32"),
        (("auto", "f32"), Situation(ALL, pictures=WORTH), "openvino", "f32"),
        (("auto", "f32"), Situation({"mindspore"}, pictures=WORTH), "mindspore", "f32"),
        (("auto", "f32"), Situation({"onnxruntime"}), "onnxruntime", "f32"),
        (("auto", "bf16"), Situation(ALL, BF16), "openvino", "bf16"),
        (("auto", "f32"), Situation(ALL, given=True, pictures=WORTH), "mindspore", "f32"),
        (("auto", "auto"), Situation(ALL, BF16, given=True), "mindspore", "f32"),
        (("mindspore", "f32"), Situation(ALL, given=True), "mindspore", "f32"),
        (("mindspore", "auto"), Situation(ALL, BF16, derived=True), "mindspore", "f32"),
        (("onnxruntime", "f32"), Situation(ALL), "onnxruntime", "f32"),
        (("openvino", "auto"), Situation(ALL, BF16), "openvino", "bf16"),
        (("openvino", "bf16"), Situation(ALL, BF16), "openvino", "bf16"),
    ],
)
def test_what_is_asked_for_and_what_there_is_decide(
    asked: tuple[str, str], situation: Situation, runtime: str, precision: str
) -> None:
    choice = choose(*asked, situation)
    assert (choice.runtime, choice.precision) == (runtime, precision)
    assert choice.reason


@pytest.mark.parametrize(
    ("asked", "situation", "error", "said"),
    [
        (("tensorrt", "f32"), Situation(ALL), SettingsError, "'tensorrt'"),
        (("auto", "int8"), Situation(ALL), SettingsError, "'int8'"),
        (("auto", "bf16"), Situation(ALL), SettingsError, "AVX512_BF16"),
        (("mindspore", "bf16"), Situation(ALL, BF16), SettingsError, "openvino only"),
        (("openvino", "f32"), Situation(ALL, given=True), SettingsError, "given as an object"),
        (("auto", "bf16"), Situation(ALL, BF16, given=True), SettingsError, "given as an object"),
        (("openvino", "f32"), Situation({"mindspore"}), MissingDependencyError, "[openvino]"),
        (("onnxruntime", "f32"), Situation({"mindspore"}), MissingDependencyError, "[onnx]"),
        (("auto", "f32"), Situation(()), MissingDependencyError, "[mindspore]"),
        (("auto", "bf16"), Situation({"mindspore"}, BF16), MissingDependencyError, "[openvino]"),
    ],
)
def test_what_cannot_be_is_refused(
    asked: tuple[str, str], situation: Situation, error: type[HubError], said: str
) -> None:
    with pytest.raises(error) as raised:
        choose(*asked, situation)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({}, None),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu.max": "100000 100000\n"}, 1),
        ({"cpu.max": "20000 100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1),
        ({"cpu.max": "nonsense"}, None),
    ],
)
def test_threads_are_what_affinity_and_control_groups_grant(
    files: dict[str, str], limit: int | None, tmp_path: Path
) -> None:
    everything = available_threads(tmp_path / "nothing")
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert available_threads(tmp_path) == (limit or everything)


def test_features_of_the_processor_are_read(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nflags\t\t: fpu avx2 amx_bf16\n\nprocessor\t: 1\n")
    assert features(info) == {"fpu", "avx2", "amx_bf16"}
    assert computes_bf16(features(info))
    info.write_text("Features\t: fp asimd bf16\n")
    assert computes_bf16(features(info))
    assert not computes_bf16(features(tmp_path / "nothing"))
