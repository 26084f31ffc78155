"""From a data set in its published layout, or from saved features, to numbers beside the claims."""

import dataclasses
import hashlib
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import checkpoints
import numpy as np
import pytest
import reid_reference as reference
import sample
import synthetic
from click.testing import CliRunner
from commands import run
from matplotlib.figure import Figure
from mindspore import Tensor, nn
from server import FileServer

import mindspore_hub
from mindspore_hub.commands.main import mshub
from mindspore_hub.errors import DatasetError, FeaturesError, PictureError, UnknownNameError
from mindspore_hub.gallery.features import Features, load
from mindspore_hub.hub.card import read_card, stated
from mindspore_hub.hub.hub import Hub
from mindspore_hub.tasks.pictures.fields import as_preprocessing
from mindspore_hub.tasks.report import Claim, Report
from mindspore_hub.tasks.retrieval.datasets import dataset, protocol
from mindspore_hub.tasks.retrieval.evaluation import Selection
from mindspore_hub.tasks.retrieval.metrics import Result
from mindspore_hub.tasks.retrieval.report import _cmc_figure

pytestmark = pytest.mark.slow

CARDS = {
    "mvd_infraredtovisible_regdb": {"queries": 8, "gallery": 8, "images": 16},
    "ddag_indoorsearch_sysumm01": {"queries": 12, "gallery": 6, "images": 18},
    "vehiclenet_vehiclenetdataset": {"queries": 3, "gallery": 9, "images": 12},
    "resnet50_triplet_sop": {"queries": 12, "images": 12},
    "multitasknet_veri": {"queries": 2, "gallery": 4, "images": 6},
}
"""A card of each network, and how much of the synthetic data its protocol looks at."""

SMALLEST = "resnet50_triplet_sop"
"""The card that is measured unless all are: the metrics of each protocol are tested elsewhere."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileServer]:
    """A server of checkpoints."""
    with FileServer(tmp_path_factory.mktemp("served")) as made:
        yield made


@pytest.fixture(scope="module")
def published(server: FileServer, tmp_path_factory: pytest.TempPathFactory):
    """Write a checkpoint of random weights under the published names, and a card that links it."""
    folder = tmp_path_factory.mktemp("cards")

    def publish(name: str) -> Path:
        card = Hub.of().resolve(name)
        file = server.folder / f"{name}.ckpt"
        tensors = checkpoints.tensors_of(card)
        sha256 = checkpoints.write(file, tensors, value=checkpoints.random_value)
        copy = Path(shutil.copy(card.path, folder))
        return checkpoints.publish(copy, f"{server.url}/{name}.ckpt", sha256)

    return publish


@pytest.fixture
def data(tmp_path: Path):
    """Draw the data set of a card."""

    def draw(card: Path) -> Path:
        root = tmp_path / "data"
        synthetic.SETS[read_card(card, card.stem).asset.mapping("task")["protocol"]["name"]](root)
        return root

    return draw


@pytest.mark.parametrize("name", CARDS if sample.ALL else [SMALLEST])
def test_a_published_network_is_measured_end_to_end(
    name: str, published, data, tmp_path: Path
) -> None:
    card = published(name)
    root, facts = data(card), read_card(card, card.stem)
    # Re-ranking with 100 neighbours needs more images than are drawn here.
    few = ["--option", "k1=4", "--option", "k2=2"] if "vehiclenet" in name else []
    files = {key: tmp_path / value for key, value in (("report", "r.json"), ("plot", "cmc.png"))}
    saved = tmp_path / "features.npz"
    options = [
        f"--{key}={path}" for key, path in files.items() if key != "plot" or "sop" not in name
    ]
    data_of_card = ["--data", str(root), f"--save-features={saved}", "--batch-size=4"]
    # In this process, which has MindSpore already.
    done = CliRunner().invoke(mshub, ["eval", str(card), *data_of_card, *options, *few])
    assert done.exit_code == 0, done.output
    report = json.loads(files["report"].read_text())
    expected = dict(CARDS[name])
    assert report["about"]["data"]["images"] == expected.pop("images")
    assert {key: report["counts"][key] for key in expected} == expected
    assert_claims(report, facts, compared=not few)
    assert_repeatable(report, facts, root, saved)
    assert_printed(done.stdout, report)
    if "sop" not in name:
        assert files["plot"].read_bytes().startswith(b"\x89PNG")
    refused = run("eval", "--features", str(saved), options[0], str(card), *few)
    assert refused.returncode == 2
    assert refused.stderr.endswith(f"Error: {files['report']} exists; --force replaces it.\n")
    again = run("eval", "--features", str(saved), "--format=json", str(card), *few)
    assert again.returncode == 0, again.stderr
    scored = json.loads(again.stdout)
    assert (scored["metrics"], scored["claims"]) == (report["metrics"], report["claims"])


def assert_claims(report: dict, facts, *, compared: bool) -> None:
    """Every published metric stands beside what was measured, if the protocol is the published."""
    stated = facts.text("evaluation").split(" | ") if compared else []
    assert [claim["published"] for claim in report["claims"]] == stated
    for claim in report["claims"]:
        assert claim["measured"] == pytest.approx(100 * report["metrics"][claim["metric"]])
        assert claim["difference"] == pytest.approx(claim["measured"] - claim["claimed"])


def assert_repeatable(report: dict, facts, root: Path, saved: Path) -> None:
    """The report says which weights, which images, how, and with what."""
    features = report["about"]
    assert (features["sha256"], report["weights"]) == (facts.asset.sha256, "published")
    assert (
        features["protocol"]["name"]
        == facts.asset.mapping("task")["protocol"]["name"]
        == report["protocol"]
    )
    assert features["preprocessing"]["size"] == facts.asset.mapping("preprocessing")["size"]
    assert {"mindspore", "numpy", "python", "mindspore-hub"} <= features["versions"].keys()
    assert report["versions"].keys() == features["versions"].keys()
    digests = [
        hashlib.sha256((root / path).read_bytes()).digest() for path in load(saved).paths.tolist()
    ]
    assert features["data"]["images_sha256"] == hashlib.sha256(b"".join(digests)).hexdigest()


def assert_printed(table: str, report: dict) -> None:
    """The table has a line per metric, with its value in per cent."""
    lines = {line.split()[0]: line.split()[1:] for line in table.splitlines()[3:]}
    assert lines.keys() == report["metrics"].keys()
    for name, share in report["metrics"].items():
        assert lines[name][0] == f"{100 * share:.2f}"
    for claim in report["claims"]:
        assert float(lines[claim["metric"]][1]) == claim["claimed"]
        assert float(lines[claim["metric"]][2]) == pytest.approx(claim["difference"], abs=0.006)


@pytest.fixture(scope="module")
def double(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features of 6 queries and 9 gallery images in two trials."""
    generator = np.random.default_rng(0)
    roles = np.zeros((15, 2), int)
    roles[:6], roles[6:] = 1, 2
    roles[[0, 6], 1] = 0
    features = Features(
        generator.standard_normal((15, 8), np.float32),
        generator.integers(0, 3, 15),
        roles=roles,
        about={"card": "mindspore/1.9/mvd_infraredtovisible_regdb"},
    )
    path = tmp_path_factory.mktemp("features") / "features.npz"
    features.save(path)
    return path


@pytest.fixture(scope="module")
def small(double: Path) -> Path:
    """The same, and the first trial only."""
    features = load(double)
    path = double.with_name("small.npz")
    dataclasses.replace(features, roles=features.roles[:, :1]).save(path)
    return path


def test_the_card_that_features_name_says_how_they_are_scored(double: Path) -> None:
    report = mindspore_hub.evaluate(features=double)
    features = load(double)
    plain = []
    for column in features.roles.T:
        query, gallery = features.vectors[column == 1], features.vectors[column == 2]
        labels = features.labels[column == 1], features.labels[column == 2]
        distances = -(query.astype(np.float64) @ gallery.T.astype(np.float64))
        removed = np.zeros(distances.shape, bool)
        plain.append(reference.rank(distances, *labels, removed).mean_average_precision())
    assert report.metrics["mAP"] == pytest.approx(np.mean(plain))
    assert report.result.counts["trials"] == 2
    assert report.claims == (), "published numbers are of one trial"


def test_features_of_no_card_need_a_protocol() -> None:
    features = Features(np.eye(4), [1, 1, 2, 2])
    with pytest.raises(FeaturesError, match=r"give protocol, one of .*regdb, sop"):
        mindspore_hub.evaluate(features=features)
    report = mindspore_hub.evaluate(features=features, protocol="sop")
    assert (report.card, report.claims, report.weights) == (None, (), None)
    assert set(report.metrics) == {"recall@1", "recall@2", "recall@5", "recall@10"}


@pytest.mark.parametrize("name", ["regdb", "sysu", "veri", "vehiclenet"])
def test_features_without_roles_are_told_from_queries_and_gallery(name: str) -> None:
    features = Features(np.eye(4), [1, 1, 2, 2], cameras=[1, 2, 1, 2])
    with pytest.raises(
        FeaturesError, match="the features have no roles, which say what is a query"
    ):
        mindspore_hub.evaluate(features=features, protocol=name)


@pytest.mark.parametrize("options", [["--within=100"], ["--format=json"], []])
@pytest.mark.parametrize("name", ["regdb", "sysu", "veri", "vehiclenet"])
def test_measuring_nothing_is_no_success(name: str, options: list[str], tmp_path: Path) -> None:
    Features(
        np.eye(4),
        [91, 92, 1, 2],
        cameras=[6, 6, 1, 2],
        paths=list("abcd"),
        roles=[[1], [1], [2], [2]],
        about={"card": "mindspore/1.9/mvd_infraredtovisible_regdb"},
    ).save(tmp_path / "x.npz")
    few = ["--option=k1=2", "--option=k2=1"] if name == "vehiclenet" else []
    done = run("eval", f"--features={tmp_path / 'x.npz'}", f"--protocol={name}", *options, *few)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert "No query has a match that counts" in line
    assert "Labels of the queries are 91, 92, those of the gallery 1, 2" in line


def test_a_trial_that_measures_nothing_is_named(double: Path) -> None:
    features = load(double)
    labels = features.labels.copy()
    roles = np.where(np.arange(len(labels))[:, None] < 6, [[1, 0]], [[2, 2]])
    roles[14] = [0, 1]
    labels[14] = 77
    odd = dataclasses.replace(features, labels=labels, roles=roles)
    with pytest.raises(FeaturesError, match="Trial 1: No query has a match that counts"):
        mindspore_hub.evaluate(features=odd)


def test_nothing_is_claimed_for_other_options(small: Path) -> None:
    assert mindspore_hub.evaluate(features=small, options={"length": 20}).claims
    assert not mindspore_hub.evaluate(features=small, options={"length": 5}).claims


def test_integers_of_numpy_are_integers(small: Path) -> None:
    expected = mindspore_hub.evaluate(features=small, options={"length": 5})
    found = mindspore_hub.evaluate(
        features=small, options={"length": np.int64(5)}, trials=np.int64(1), batch_size=np.uint8(4)
    )
    assert found.to_json() == expected.to_json()
    assert protocol("sop", at=(np.int64(1),)) == protocol("sop", at=(1,))


def test_another_card_may_be_meant(small: Path) -> None:
    report = mindspore_hub.evaluate("MVD@regdb-visibletoinfrared", features=small)
    assert [claim.published for claim in report.claims] == ["rank1acc71", "mAP67"]
    with pytest.raises(UnknownNameError):
        mindspore_hub.evaluate("NoSuchModel", features=small)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"options": {"lenght": 3}}, FeaturesError, "no option 'lenght'; it and its data set have"),
        ({"options": {"length": "long"}}, FeaturesError, "length must be of the kind of 20"),
        ({"options": {"direction": "north"}}, FeaturesError, "direction cannot be given"),
        ({"trials": 2}, TypeError, "features are as they are"),
        ({"protocol": "regbd"}, UnknownNameError, "No protocol is called 'regbd'.*mean 'regdb'"),
        ({"protocol": "cuhk03"}, UnknownNameError, "^No protocol is called 'cuhk03'"),
        ({"protocol": "veri"}, FeaturesError, "lack 'cameras'"),
        ({"data": "somewhere"}, TypeError, "give one of these"),
    ],
)
def test_what_cannot_be_scored_is_refused(
    small: Path, arguments: dict, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        mindspore_hub.evaluate(features=small, **arguments)


def test_a_folder_without_the_data_set_says_where_to_ask_for_it(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"dm\.dongguk\.edu"):
        mindspore_hub.evaluate("MVD", tmp_path)
    done = run("eval", "MVD", "--data", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert "ask its authors" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": (0, 1)}, "seeds cannot be given: the data .* decides it"),
        ({"search": "outdoor"}, "search must be one of"),
        ({"length": True}, "length must be of the kind of 20"),
    ],
)
def test_what_cannot_be_followed_is_refused_before_the_network_is_loaded(
    options: dict, message: str, tmp_path: Path
) -> None:
    synthetic.sysu(tmp_path)
    with pytest.raises((FeaturesError, DatasetError), match=message):
        mindspore_hub.evaluate("DDAG@sysumm01-all", tmp_path, options=options)


def test_features_whose_notes_mean_nothing_are_scored_by_the_card(small: Path) -> None:
    features = load(small)
    for notes in ({"protocol": "regdb", "data": 3}, {"protocol": {"name": ["x"]}}):
        odd = dataclasses.replace(features, about={**features.about, **notes})
        assert mindspore_hub.evaluate(features=odd).result.protocol == "regdb"


def test_data_sets_with_one_trial_have_no_two(tmp_path: Path) -> None:
    synthetic.sop(tmp_path)
    with pytest.raises(DatasetError, match="SOP has a single trial, but 2 are asked for"):
        mindspore_hub.evaluate("metric_learn", tmp_path, trials=2)


class Squares(nn.Cell):
    """Two features of pictures of 288 x 144 pixels, as DDAG has two: means of squares."""

    def construct(self, x: Tensor) -> tuple[Tensor, Tensor]:
        squares = x.reshape(-1, 3, 12, 24, 6, 24).mean(axis=(3, 5)).reshape(-1, 216)
        return squares, squares + 1


def test_trials_of_regdb_and_galleries_of_sysu_are_averaged(tmp_path: Path) -> None:
    synthetic.regdb(tmp_path / "regdb")
    synthetic.sysu(tmp_path / "sysu")
    network = Squares()
    for name, trials, option in (("regdb", (1, 2), "trial"), ("sysu", (0, 1, 2), "seed")):
        card = {"regdb": "DDAG", "sysu": "DDAG@sysumm01-all"}[name]
        saved = tmp_path / f"{name}.npz"
        report = mindspore_hub.evaluate(
            card, tmp_path / name, trials=len(trials), output=saved, network=network
        )
        assert report.result.counts["trials"] == len(trials)
        assert report.claims == (), "published numbers are of one trial"
        alone = [
            mindspore_hub.evaluate(
                card, tmp_path / name, options={option: trial}, network=network
            ).metrics
            for trial in trials
        ]
        for metric, value in report.metrics.items():
            assert value == pytest.approx(np.mean([found[metric] for found in alone]), abs=1e-6)
        assert mindspore_hub.evaluate(card, features=saved).metrics == report.metrics


def test_images_are_labelled_anew_in_every_trial_of_regdb(tmp_path: Path) -> None:
    synthetic.regdb(tmp_path)
    readers = dataset("regdb", tmp_path).trials(2)
    selection = Selection(
        readers, stated(Hub.of().resolve("DDAG"), "preprocessing", as_preprocessing)
    )
    known = {name: np.array(values) for name, values in selection.known().items()}
    paths = [sample.path for sample in selection.samples().samples]
    for trial, reader in enumerate(readers):
        rows = np.flatnonzero(known["roles"][:, trial] == 1)
        found = [(paths[row], int(known["labels"][row])) for row in rows]
        assert sorted(found) == sorted((item.path, item.label) for item in reader.queries())


def test_an_image_that_a_list_names_twice_is_a_query_twice(tmp_path: Path) -> None:
    synthetic.regdb(tmp_path)
    path = tmp_path / "idx" / "test_thermal_1.txt"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[0]]) + "\n")
    readers = dataset("regdb", tmp_path, direction="infrared-to-visible").trials(1)
    selection = Selection(
        readers, stated(Hub.of().resolve("DDAG"), "preprocessing", as_preprocessing)
    )
    assert np.count_nonzero(np.array(selection.known()["roles"]) == 1) == 9


def test_missing_heatmaps_are_noticed_before_the_network_is_loaded(tmp_path: Path) -> None:
    synthetic.veri(tmp_path)
    (tmp_path / "veri/heatmap_test/0004_c002_00000001_0/07.jpg").unlink()
    with pytest.raises(DatasetError, match=r"must hold 36 heatmaps, but 07\.jpg is missing"):
        mindspore_hub.evaluate("MultiTaskNet", tmp_path)


def test_one_trial_and_several_contradict_each_other(tmp_path: Path) -> None:
    with pytest.raises(FeaturesError, match="trial is of one trial, but 2 are asked for"):
        mindspore_hub.evaluate("MVD", tmp_path, trials=2, options={"trial": 5})


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        ({"protocol": {"name": "sysu", "seeds": 3.5}}, "seeds must be of the kind"),
        ({"protocol": {"name": "regdb", "length": "x"}}, "length must be of the kind"),
        (
            {"protocol": {"name": "sysu"}, "data": {"protocol_options": {"seeds": "x"}}},
            "seeds must be of the kind",
        ),
        ({"protocol": {"name": "regdb", "length": 0}}, "length must be at least 1"),
    ],
)
def test_features_with_notes_that_contradict_their_protocol_are_refused(
    small: Path, notes: dict, message: str
) -> None:
    features = load(small)
    odd = dataclasses.replace(features, about={**features.about, **notes})
    with pytest.raises(FeaturesError, match=message):
        mindspore_hub.evaluate(features=odd)


def test_a_broken_image_is_fatal_unless_it_may_be_skipped(tmp_path: Path) -> None:
    synthetic.regdb(tmp_path)
    (tmp_path / "Thermal/1/0.bmp").write_bytes(b"BM, but no picture")
    network = Squares()
    with pytest.raises(PictureError, match=r"Thermal/1/0\.bmp"):
        mindspore_hub.evaluate("DDAG", tmp_path, network=network)
    report = mindspore_hub.evaluate("DDAG", tmp_path, network=network, skip_bad=True)
    assert (report.result.counts["queries"], report.weights) == (7, None)
    assert list(report.about["skipped"]) == ["Thermal/1/0.bmp"]


def test_features_of_other_weights_are_told_from_those_of_the_card(
    small: Path, tmp_path: Path
) -> None:
    features = load(small)
    path = tmp_path / "other.npz"
    dataclasses.replace(features, about={**features.about, "sha256": "0" * 64}).save(path)
    assert "other weights" in run("eval", "--features", str(path)).stderr
    assert "other weights" not in run("eval", "--features", str(small)).stderr


def test_features_that_are_there_are_not_replaced(small: Path, tmp_path: Path) -> None:
    before = small.read_bytes()
    done = run("eval", "DDAG", f"--data={tmp_path}", f"--save-features={small}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "exists; score it with --features, or give another name" in done.stderr
    assert small.read_bytes() == before


def test_being_far_from_a_claim_can_be_a_failure(small: Path) -> None:
    assert run("eval", "--features", str(small), "--within=100").returncode == 0
    done = run("eval", "--features", str(small), "--within=0")
    assert done.returncode == 1
    assert "points from a claim, more than 0" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give NAME and --data DIR, or --features FILE"),
        (["--data=x"], "give NAME and --data DIR"),
        (["MVD", "--data=x", "--features=y"], "give NAME and --data DIR"),
        (["--features=y", "--trials=2"], "--skip-bad and --checkpoint are for --data"),
        (["--features=y", "--option", "search"], "--option takes KEY=VALUE"),
        (["--features=y", "--plot=cmc.gif"], "must end in one of .png, .svg, .pdf"),
        (["--features=absent.npz"], "absent.npz cannot be read as features"),
    ],
)
def test_a_wrong_call_says_what_is_right(arguments: list[str], message: str) -> None:
    done = run("eval", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


# Plots


def drawn(
    curve: tuple[float, ...], claims: tuple[Claim, ...] = (), card: str = "a/1.0/b"
) -> Figure:
    """The figure of a CMC curve, as it is laid out for a file."""
    result = Result("regdb", {}, {"mAP": 0.5}, {}, curve)
    figure = _cmc_figure(Report(card, result, claims, None, {}, {}), curve)
    figure.savefig(io.BytesIO(), format="png")
    return figure


CLAIMS = tuple(
    Claim(f"{metric}acc{value}", metric, value, None)
    for metric, value in (("rank1", 71.0), ("rank5", 80.0), ("rank10", 99.9), ("mAP", 66.0))
)


@pytest.mark.parametrize(
    ("level", "ranks", "claims"),
    [
        (0.0, 1, ()),
        (1.0, 1, CLAIMS),
        (0.004, 2, CLAIMS[:1]),
        (0.5, 3, CLAIMS),
        (0.0, 20, CLAIMS),
        (1.0, 20, ()),
    ],
)
def test_a_plot_counts_ranks_in_whole_numbers_from_0_percent_beside_its_legend(
    level: float, ranks: int, claims: tuple[Claim, ...]
) -> None:
    figure = drawn((level,) * ranks, claims)
    [axes] = figure.axes
    assert all(tick.is_integer() for tick in axes.get_xticks().tolist())
    low, high = axes.get_xlim()
    assert any(low <= tick <= high for tick in axes.get_xticks())
    assert axes.get_ylim()[0] == 0
    [legend] = figure.legends
    assert axes.get_legend() is None
    assert not legend.get_window_extent().overlaps(axes.get_window_extent())
    edges = figure.get_window_extent()
    assert edges.contains(*legend.get_window_extent().min)
    assert edges.contains(*legend.get_window_extent().max)


def test_a_name_is_no_formula_and_fits_above_the_plot() -> None:
    for card in ("a/1.0/$\\frac{$", "$x$", "somebody/1.0/" + 20 * "very_long_name_"):
        figure = drawn((0.5, 1.0), card=card)
        title = figure.axes[0].title
        assert title.get_text().replace("\n", "").startswith(card)
        extent, edges = title.get_window_extent(), figure.get_window_extent()
        assert (edges.x0 <= extent.x0, extent.x1 <= edges.x1) == (True, True)
