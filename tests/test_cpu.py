"""oneDNN is held to AVX2 where AVX-512 makes it slow, and only there."""

from __future__ import annotations

import importlib.metadata
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mindspore_hub.networks import framework

pytestmark = pytest.mark.slow

AVX512 = frozenset({"avx2", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"})


@pytest.mark.parametrize(
    ("version", "flags", "environment", "needed"),
    [
        ("2.10.0", AVX512, {}, True),
        ("2.9.0", AVX512, {}, True),
        ("2.10", AVX512, {}, True),
        ("2.10.0rc1", AVX512, {}, True),
        ("2.8.0", AVX512, {}, False),
        ("2.7.1", AVX512, {}, False),
        ("2.11.0", AVX512, {}, False),
        ("2.100.0", AVX512, {}, False),
        ("2.10.0", frozenset({"avx2"}), {}, False),
        ("2.10.0", AVX512 - {"avx512vl"}, {}, False),
        ("2.10.0", frozenset(), {}, False),
        ("2.10.0", AVX512, {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE"}, False),
        ("2.10.0", AVX512, {"ONEDNN_MAX_CPU_ISA": ""}, False),
    ],
)
def test_tuning_is_for_affected_versions_on_processors_with_avx512(
    version: str, flags: frozenset[str], environment: dict[str, str], *, needed: bool
) -> None:
    assert framework.needs_tuning(version, flags, environment) is needed


needs_avx512 = pytest.mark.skipif(
    not framework.needs_tuning(importlib.metadata.version("mindspore"), framework._cpu_flags(), {}),
    reason="the processor has no AVX-512, or this MindSpore does not need the tuning",
)


@needs_avx512
def test_tuning_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mindspore_hub")
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA")
    for _ in range(2):
        framework.tune_cpu("2.10.0")
    assert os.environ["ONEDNN_MAX_CPU_ISA"] == "AVX2"
    assert len(caplog.messages) == 1
    assert "MSHUB_CPU_TUNING=0" in caplog.text


def test_tuning_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    monkeypatch.setenv("MSHUB_CPU_TUNING", "0")
    framework.tune_cpu("2.10.0")
    assert "ONEDNN_MAX_CPU_ISA" not in os.environ


SCRIPT = """
import sys
import numpy as np
import mindspore
from mindspore_hub.networks.framework import require_mindspore

require_mindspore()
random = np.random.default_rng(0)
sample = mindspore.Tensor(random.standard_normal((1, 3, 32, 32), np.float32))
kernel = mindspore.Tensor(random.standard_normal((8, 3, 3, 3), np.float32))
for mode in (mindspore.PYNATIVE_MODE, mindspore.GRAPH_MODE):
    mindspore.set_context(mode=mode)
    output = mindspore.nn.Conv2d(3, 8, 3, weight_init=kernel)(sample)
    np.save(f"{sys.argv[1]}{mode}.npy", output.asnumpy())
    print(f"end of mode {mode}", flush=True)
"""


def run(files: Path, tuning: str) -> list[str]:
    """Convolve in both modes in a fresh process; return what oneDNN says of each."""
    environment = {**os.environ, "ONEDNN_VERBOSE": "1", "MSHUB_CPU_TUNING": tuning}
    del environment["ONEDNN_MAX_CPU_ISA"]
    command = [sys.executable, "-c", SCRIPT, str(files / tuning)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    *reports, rest = re.split(r"end of mode \d\n", done.stdout)
    assert "convolution" not in rest
    return ["\n".join(re.findall(".*convolution.*", report)) for report in reports]


@needs_avx512
def test_tuned_convolution_is_not_reference_code_and_gives_the_same(tmp_path: Path) -> None:
    reports = [run(tmp_path, tuning) for tuning in "01"]
    found = [["ref:any" in report for report in of_tuning] for of_tuning in reports]
    assert found == [[True, True], [False, False]]
    assert all(map(all, reports)), "oneDNN said what it does in both modes"
    for mode in (0, 1):
        plain, tuned = (np.load(tmp_path / f"{tuning}{mode}.npy") for tuning in "01")
        np.testing.assert_allclose(tuned, plain, rtol=1e-5, atol=1e-5)
