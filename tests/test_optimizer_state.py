"""What every optimizer of the installed MindSpore writes into a file is told from the network."""

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import checkpoints
import mindspore
import numpy as np
import pytest
from mindspore import nn
from mindspore.experimental import optim

from mindspore_hub.errors import CheckpointError
from mindspore_hub.networks.assign import assign
from mindspore_hub.networks.examine import examine
from mindspore_hub.networks.weights import facts_of, optimizer_state, read_weights
from mindspore_hub.tensors import map_file

pytestmark = pytest.mark.slow

try:
    from mindspore.mint import optim as mint
except ImportError:  # MindSpore below 2.5
    mint = optim

WRAPPERS = {"OptTFTWrapper"}
"""What is not an optimizer of its own, and runs on Ascend only."""


class Net(nn.Cell):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Dense(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.b = nn.Dense(4, 2)

    def construct(self, x: Any) -> Any:
        return self.b(self.norm(self.a(x))).sum()


OWN = {name for name, _ in Net().parameters_and_names()}
INPUTS = mindspore.Tensor(np.ones((2, 3), np.float32))


def optimizers() -> Iterator[Any]:
    """Every class of an optimizer, once for each module that shows it."""
    for module in dict.fromkeys([nn, optim, mint]):
        base = nn.Optimizer if module is nn else optim.Optimizer
        for name, found in inspect.getmembers(module, inspect.isclass):
            if issubclass(found, base) and found is not base and name not in WRAPPERS:
                yield pytest.param(found, id=f"{module.__name__.removeprefix('mindspore.')}.{name}")


def schedule() -> nn.Cell:
    return nn.PolynomialDecayLR(0.1, 0.01, 10, 0.5)


OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    *({name: True} for name in ("use_nesterov", "use_locking", "use_lazy", "use_offload")),
    *({name: True} for name in ("use_amsgrad", "amsgrad", "centered", "maximize", "compression")),
    {"loss_scale": 2.0},
    {"weight_decay": 0.1},
    {"weight_decay": schedule},
    {"learning_rate": [0.1, 0.05]},
    {"learning_rate": schedule},
    {"beta1": 0.5},
    {"relative_step": False, "learning_rate": 0.1},
    {"momentum": 0.5},
    {"momentum": 0.5, "nesterov": True},
    {"momentum": 0.5, "centered": True},
)
"""Options of optimizers; each is tried with each, and not all take all."""

GROUPS: tuple[dict[str, Any], ...] = ({"lr": 0.01}, {"lr": [0.1, 0.2]}, {"lr": schedule}, {})
REQUIRED: tuple[dict[str, Any], ...] = (
    *({}, {"learning_rate": 0.1}, {"lr": 0.1}),
    {"learning_rate": 0.1, "momentum": 0.9},
)


def made(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value() if value is schedule else value for name, value in options.items()}


def build(found: Any, parameters: Any, options: dict[str, Any]) -> Any:
    """An optimizer with these options; None if it does not take them."""
    if found is nn.LARS:
        parameters = nn.Momentum(parameters, 0.1, 0.9)
    for required in REQUIRED:
        try:
            return found(parameters, **{**required, **made(options)})
        except (TypeError, ValueError, KeyError):
            continue
        except RuntimeError as error:  # such as FusedAdamW
            pytest.skip(f"this machine cannot make it: {str(error).splitlines()[0]}")
    return None


def in_groups(parameters: list[Any], options: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"params": parameters[:2], **made(options)}, {"params": parameters[2:]}]


def set_ups(found: Any) -> Iterator[tuple[nn.Cell, Any]]:
    """A network and an optimizer for each of the options, and for parameters in groups."""
    for options in OPTIONS:
        network = Net()
        yield network, build(found, network.trainable_params(), options)
    for options in GROUPS if found is not nn.LARS else ():
        network = Net()
        groups = in_groups(network.trainable_params(), options)
        yield network, build(found, groups, {})


def trained(network: nn.Cell, optimizer: Any) -> tuple[Any, Callable[[], Any]]:
    """What a training saves, and a step of it."""
    if isinstance(optimizer, nn.Optimizer):
        training = nn.TrainOneStepCell(network, optimizer)
        return training, lambda: training(INPUTS)
    gradients = mindspore.value_and_grad(network, None, optimizer.parameters)
    held = {item.name: item for item in [*network.get_parameters(), *optimizer.get_parameters()]}
    entries = [{"name": name, "data": data} for name, data in held.items()]
    return entries, lambda: optimizer(gradients(INPUTS)[1])


@pytest.mark.parametrize("found", [*optimizers()])
def test_what_an_optimizer_leaves_in_a_file_is_told_from_the_network(
    found: Any, tmp_path: Path
) -> None:
    built = 0
    for network, optimizer in set_ups(found):
        if optimizer is None:
            continue
        entries, step = trained(network, optimizer)
        if not built and not found.__module__.startswith("mindspore.mint"):  # ends a process on CPU
            with suppress(RuntimeError):  # some have no kernel for a CPU
                step()
        built += 1
        path = tmp_path / "a.ckpt"
        mindspore.save_checkpoint(entries, str(path))
        facts = examine(path)
        assert {tensor.name for tensor in facts.of_role("parameter")} == OWN
        with path.open("rb") as file:
            assert read_weights(map_file(file), facts_of(Net)).keys() == OWN
    assert built, f"{found} is new: say in OPTIONS or REQUIRED how it is made"


@pytest.mark.parametrize(
    "scale",
    [
        lambda: nn.DynamicLossScaleUpdateCell(1024, 2, 1),
        lambda: nn.FixedLossScaleUpdateCell(1024),
        lambda: mindspore.Tensor([1024.0], mindspore.float32),
    ],
)
def test_what_loss_scaling_leaves_in_a_file_is_told_from_the_network(
    scale: Callable[[], Any], tmp_path: Path
) -> None:
    network = Net()
    optimizer = nn.Momentum(network.trainable_params(), 0.1, 0.9)
    training = nn.TrainOneStepWithLossScaleCell(network, optimizer, scale())
    with suppress(RuntimeError):  # overflow is looked for by what a CPU has not
        training(INPUTS)
    mindspore.save_checkpoint(training, str(tmp_path / "a.ckpt"))
    names = {tensor.name for tensor in examine(tmp_path / "a.ckpt").of_role("parameter")}
    assert names == OWN


SLOTS = (
    *("adam_m", "adam_v", "lamb_m", "lamb_v", "vhat", "mean_square", "moment", "mean_grad"),
    *("accum_update", "exp_avg", "exp_avg_sq", "max_exp_avg_sq", "state_step", "momentum_buf"),
    *("momentum_buffer", "exp_inf", "prev", "step_size", "linear", "ax"),
)


@pytest.mark.parametrize("slot", SLOTS)
def test_a_slot_is_told_by_its_parameter(slot: str) -> None:
    names = {"net.a.weight", f"{slot}.net.a.weight", f"{slot}.weight", f"{slot}.a.weight", slot}
    expected = {f"{slot}.net.a.weight"} | {name for name in names if name == "state_step"}
    assert optimizer_state(names) == expected


class Training(nn.Cell):
    """A training cell as people write their own: it renames the parameters of what it holds."""

    def __init__(self, network: nn.Cell, optimizer: Any) -> None:
        super().__init__()
        self.network = network
        self.optimizer = optimizer


class Around(nn.Cell):
    def __init__(self, network: nn.Cell) -> None:
        super().__init__()
        self.net = network


@pytest.mark.parametrize("found", [nn.Adam, nn.Momentum, nn.AdamWeightDecay, nn.RMSProp, nn.ASGD])
@pytest.mark.parametrize(
    "cell",
    [Training, lambda network, optimizer: Around(nn.TrainOneStepCell(network, optimizer))],
)
def test_state_is_told_under_the_names_of_training_cells(found: Any, cell: Any) -> None:
    network = Net()
    optimizer = build(found, network.trainable_params(), {})
    names = [parameter.name for parameter in cell(network, optimizer).get_parameters()]
    left = set(names) - optimizer_state(names)
    assert len(left) == len(OWN)
    assert {re.sub(r"((net|network|optimizer)\.)+", "", name) for name in left} == OWN


@pytest.mark.parametrize(
    "names",
    [
        {"layer.weight", "layer.linear.weight"},  # without a counter there is no optimizer
        {"layer.weight", "layer.step", "layer.momentum"},
        {"net.linear.weight", "net.scale_sense"},
    ],
)
def test_parameters_in_cells_that_are_called_like_state_are_none(names: set[str]) -> None:
    assert not optimizer_state(names)


class Branches(nn.Cell):
    """A network whose own parameters are called as optimizers call theirs."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Dense(3, 3)
        self.moment = nn.SequentialCell()
        self.moment.layer = nn.Dense(3, 3)
        self.stat = nn.Dense(3, 2)
        self.step_size = nn.Dense(3, 2)
        self.momentum = mindspore.Parameter(mindspore.Tensor(0.5), name="momentum")

    def construct(self, x: Any) -> Any:
        return self.stat(self.moment.layer(self.layer(x)))


def test_a_network_keeps_its_own_parameters_that_are_called_like_state(tmp_path: Path) -> None:
    source, target = Branches(), Branches()
    held = {
        name: np.asarray(value.asnumpy() + 1, np.float32)
        for name, value in source.parameters_and_names()
    }
    state = {f"moments.{name}": np.zeros(1, np.float32) for name in held}
    path = checkpoints.save(tmp_path / "a.ckpt", {**held, **state, "step": np.array(7, np.int32)})
    with path.open("rb") as file:
        assign(target, read_weights(map_file(file), facts_of(Branches)), facts_of(Branches))
    for name, value in target.parameters_and_names():
        np.testing.assert_array_equal(value.asnumpy(), held[name])


def test_state_stands_in_for_no_parameter_that_a_file_lacks(tmp_path: Path) -> None:
    held = {name: value.asnumpy() for name, value in Net().parameters_and_names()}
    state = {f"adam_m.{name}": value for name, value in held.items()}
    del held["a.bias"]
    path = checkpoints.save(tmp_path / "a.ckpt", {**held, **state})
    with (
        path.open("rb") as file,
        pytest.raises(CheckpointError, match=r"a\.bias float32 \(4,\)(.|\n)*adam_m\.a\.bias"),
    ):
        assign(Net(), read_weights(map_file(file), facts_of(Net)), facts_of(Net))
