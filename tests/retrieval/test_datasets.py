"""Readers understand the published layouts, and say what is missing and where to ask for it."""

import pickle
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from mindspore_hub.errors import DatasetError, UnknownNameError
from mindspore_hub.tasks.retrieval import datasets
from mindspore_hub.tasks.retrieval.datasets import dataset, facepairs

POINTS = ",".join(["10", "20.5", "0.9"] * 36)


def touch(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()


def write(root: Path, path: str, *lines: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def draw_regdb(root: Path) -> None:
    write(root, "idx/test_visible_1.txt", "Visible/9/b.bmp 1", "Visible/3/a.bmp 0")
    write(root, "idx/test_thermal_1.txt", "Thermal/3/c.bmp 0")
    touch(root, "Visible/9/b.bmp", "Visible/3/a.bmp", "Thermal/3/c.bmp")


def draw_sysu(root: Path) -> None:
    write(root, "exp/test_id.txt", "12, 7,", "", "99")
    touch(root, "cam3/0007/0002.jpg", "cam3/0007/0001.jpg", "cam3/0007/.hidden.jpg")
    touch(root, "cam6/0012/0001.jpg", "cam6/0007/0001.jpg", "cam3/0030/0001.jpg")
    touch(root, "cam3/0099/0001.jpg")
    touch(
        root, *(f"cam{c}/{i:04}/{n:04}.jpg" for c in (1, 2, 4) for i in (7, 12) for n in range(5))
    )
    touch(root, "cam5/0012/0001.jpg")


def draw_vehiclenet(root: Path) -> None:
    write(root, "VeRi/name_query.txt", "0002_c002_00030600_0.jpg 2 2")
    write(
        root, "VeRi/name_test.txt", "0002_c015_00030605_1.jpg 2 15", "0009_c001_00000001_0.jpg -1 1"
    )
    touch(root, "VeRi/image_query/0002_c002_00030600_0.jpg")
    touch(root, "VeRi/image_test/0002_c015_00030605_1.jpg")
    touch(root, "VeRi/image_test/0009_c001_00000001_0.jpg")


def draw_veri(root: Path) -> None:
    write(
        root,
        "veri/label_train.csv",
        *(f"x_c001.jpg,1,{c},{t},{POINTS}" for c, t in ((9, 4), (2, 4), (2, 1))),
    )
    write(root, "veri/label_query.csv", f"0002_c012_1_0.jpg,2,4,3,{POINTS}")
    write(root, "veri/label_test.csv", f"0002_k.jpg,2,4,3,{POINTS}")
    touch(root, "veri/image_query/0002_c012_1_0.jpg", "veri/image_test/0002_k.jpg")


def draw_sop(root: Path) -> None:
    header = "image_id class_id super_class_id path"
    write(
        root,
        "Ebay_test.txt",
        header,
        "59552 11319 1 bicycle_final/1.JPG",
        "59553 11320 1 chair_final/2.JPG",
    )
    touch(root, "bicycle_final/1.JPG", "chair_final/2.JPG")


def draw_persons(root: Path) -> None:
    touch(root, "query/0002_c1s1_000451_03.jpg")
    touch(root, "bounding_box_test/0002_c2s1_000301_01.jpg", "bounding_box_test/0000_c3s1_1.jpg")
    touch(root, "bounding_box_test/-1_c4s1_000401_03.jpg", "bounding_box_test/Thumbs.db")


def draw_msmt17(root: Path) -> None:
    write(root, "MSMT17_V1/list_query.txt", "0000/0000_000_01_0303morning_0008_0.jpg 7")
    write(root, "MSMT17_V1/list_gallery.txt", "0000/0000_001_15_0303morning_0009_1.jpg 7")
    touch(root, "MSMT17_V1/test/0000/0000_000_01_0303morning_0008_0.jpg")
    touch(root, "MSMT17_V1/test/0000/0000_001_15_0303morning_0009_1.jpg")


def draw_facepairs(root: Path) -> None:
    write(root, "lfw/pairs.txt", "10\t300", "A B\t1\t2", "A B\t2\tC\t1", "x/1.png x/2.png 1")
    touch(root, "lfw/A B/A B_0001.jpg", "lfw/A B/A B_0002.jpg", "lfw/C/C_0001.jpg")
    touch(root, "lfw/x/1.png", "lfw/x/2.png")


def draw_faceranks(root: Path) -> None:
    write(root, "lists/jk_list.txt", "a.jpg 3")
    write(root, "lists/zj_list.txt", "b/c.jpg 3", "d.jpg 4")
    write(root, "lists/dis_list.txt", "e.jpg 0")
    touch(root, "test_dataset/a.jpg", "test_dataset/b/c.jpg", "test_dataset/d.jpg")
    touch(root, "dis_dataset/e.jpg")


def draw_facerates(root: Path) -> None:
    touch(root, "A/A_0001.jpg", "A/A_0002.jpg", "B/B_X_0001.b.jpg", "C/A_0003.jpg")


DRAW: dict[str, Callable[[Path], None]] = {
    "regdb": draw_regdb,
    "sysu": draw_sysu,
    "vehiclenet": draw_vehiclenet,
    "veri": draw_veri,
    "sop": draw_sop,
    "market1501": draw_persons,
    "dukemtmcreid": draw_persons,
    "msmt17": draw_msmt17,
    "facepairs": draw_facepairs,
    "faceranks": draw_faceranks,
    "facerates": draw_facerates,
}


def test_every_reader_is_found_by_the_name_of_its_module() -> None:
    assert datasets.names() == sorted(DRAW)


def test_regdb_is_read_in_both_directions(tmp_path: Path) -> None:
    draw_regdb(tmp_path)
    forth = dataset("regdb", tmp_path)
    assert [(item.path, item.label) for item in forth.queries()] == [
        ("Visible/9/b.bmp", 1),
        ("Visible/3/a.bmp", 0),
    ]
    assert [item.path for item in forth.gallery()] == ["Thermal/3/c.bmp"]
    back = dataset("regdb", tmp_path, direction="infrared-to-visible")
    assert (back.queries(), back.gallery()) == (forth.gallery(), forth.queries())


def test_each_trial_of_regdb_has_its_list(tmp_path: Path) -> None:
    draw_regdb(tmp_path)
    with pytest.raises(DatasetError, match=r"test_visible_10\.txt is missing"):
        dataset("regdb", tmp_path, trial=10).queries()


def test_sysu_lists_test_identities_by_camera_without_hidden_files(tmp_path: Path) -> None:
    draw_sysu(tmp_path)
    queries = dataset("sysu", tmp_path).queries()
    assert [(item.path, item.label, item.camera) for item in queries] == [
        ("cam3/0007/0001.jpg", 7, 3),
        ("cam3/0007/0002.jpg", 7, 3),
        ("cam6/0007/0001.jpg", 7, 6),
        ("cam6/0012/0001.jpg", 12, 6),
        ("cam3/0099/0001.jpg", 99, 3),
    ]
    assert len(dataset("sysu", tmp_path).gallery()) == 3 * 2 * 5 + 1
    indoor = dataset("sysu", tmp_path, search="indoor").gallery()
    assert {item.camera for item in indoor} == {1, 2}


@pytest.mark.parametrize(
    "text", ["7\n12\n99", "7,12\n99\n", "7 12 99", "99\r\n12,7\r\n", "7,\n12,\n99,"]
)
def test_every_number_of_every_line_of_the_sysu_list_counts(text: str, tmp_path: Path) -> None:
    draw_sysu(tmp_path)
    (tmp_path / "exp/test_id.txt").write_bytes(text.encode())
    assert {item.label for item in dataset("sysu", tmp_path).queries()} == {7, 12, 99}


@pytest.mark.parametrize("listed", ["7,12,30,31", "31\n7", "31"])
@pytest.mark.parametrize(
    "there", ["cam1/31", "cam1/0031", "cam1/0031/.hidden.jpg", "cam9/0031/a.jpg"]
)
def test_an_identity_of_the_sysu_list_without_pictures_is_named(
    listed: str, there: str, tmp_path: Path
) -> None:
    draw_sysu(tmp_path)
    write(tmp_path, "exp/test_id.txt", listed)
    touch(tmp_path, there if "." in there else f"{there}/deeper/0001.jpg")
    for read in (dataset("sysu", tmp_path).queries, dataset("sysu", tmp_path, seed=0).gallery):
        with pytest.raises(
            DatasetError, match=r"Identity 31 .* no picture .*cam\*/0031 was looked"
        ):
            read()


def test_an_identity_that_some_camera_saw_is_enough(tmp_path: Path) -> None:
    draw_sysu(tmp_path)
    touch(tmp_path, "cam5/0031/0001.jpg")
    write(tmp_path, "exp/test_id.txt", "7", "31")
    assert {item.label for item in dataset("sysu", tmp_path).queries()} == {7}
    assert {i.label for i in dataset("sysu", tmp_path, search="indoor").gallery()} == {7}


def test_sysu_gives_the_gallery_of_a_seed(tmp_path: Path) -> None:
    draw_sysu(tmp_path)
    generator = random.Random(0)
    expected = []
    for label in ("0007", "0012"):
        for camera in (1, 2, 4, 5):
            files = sorted((tmp_path / f"cam{camera}" / label).glob("*.jpg"))
            if files:
                expected.append(generator.choice(files).relative_to(tmp_path).as_posix())
    found = dataset("sysu", tmp_path, seed=0).gallery()
    assert [item.path for item in found] == expected


def test_vehiclenet_reads_label_and_camera(tmp_path: Path) -> None:
    draw_vehiclenet(tmp_path)
    reader = dataset("vehiclenet", tmp_path)
    [query] = reader.queries()
    assert (query.path, query.label, query.camera) == (
        "VeRi/image_query/0002_c002_00030600_0.jpg",
        2,
        2,
    )
    assert [(item.label, item.camera) for item in reader.gallery()] == [(2, 15), (-1, 1)]


@pytest.mark.parametrize("part", ["query", "test"])
@pytest.mark.parametrize(
    ("row", "named", "column"),
    [
        ("0002_c002_00030600_0.jpg 2 9", 2, 9),
        ("0002_c015_00030605_1.jpg 15 2", 15, 2),
        ("0002_c015_00030605_1.jpg 2 -1", 15, -1),
        ("0002_c7.jpg 2 8", 7, 8),
        ("c007_2.jpg 2 700", 7, 700),
        ("0002_C015_1.jpg 15 2", 15, 2),
        ("more/c007_2.jpg 2 3", 7, 3),
        ("0002_c1s5_000451_03.jpg 2 5", 1, 5),
        ("0002-c015-1.jpg 2 1", 15, 1),
    ],
)
def test_vehiclenet_refuses_cameras_that_contradict_the_names(
    part: str, row: str, named: int, column: int, tmp_path: Path
) -> None:
    draw_vehiclenet(tmp_path)
    write(tmp_path, f"VeRi/name_{part}.txt", "0002_c002_1.jpg 2 2", row)
    reader = dataset("vehiclenet", tmp_path)
    with pytest.raises(DatasetError) as error:
        reader.queries() if part == "query" else reader.gallery()
    name = row.partition(" ")[0]
    wrong = f"{name} is of camera {named} by its name, but of camera {column} by its column"
    assert f"name_{part}.txt, entry 2: {wrong}" in str(error.value)


def test_vehiclenet_takes_the_column_where_the_name_has_no_camera(tmp_path: Path) -> None:
    draw_vehiclenet(tmp_path)
    rows = ["a.jpg 2 9", "black_car_3.jpg 3 015", "x_cam4.jpg 4 7", "0005_car002_1.jpg 5 3"]
    rows.append("a3c15f.jpg 6 8")
    write(tmp_path, "VeRi/name_query.txt", *rows)
    touch(tmp_path, *(f"VeRi/image_query/{row.split()[0]}" for row in rows))
    assert [item.camera for item in dataset("vehiclenet", tmp_path).queries()] == [9, 15, 7, 3, 8]


def test_veri_has_attributes_and_key_points(tmp_path: Path) -> None:
    draw_veri(tmp_path)
    reader = dataset("veri", tmp_path)
    [query] = reader.queries()
    assert (query.label, query.camera, query.color, query.type) == (2, 12, 4, 3)
    assert query.keypoints == (10, 20.5, 0.9) * 36
    assert [item.camera for item in reader.gallery()] == [-1]
    assert reader.protocol_options() == {"colors": (2, 9), "types": (1, 4)}


@pytest.mark.parametrize("name", ["car_c012.jpg", "0002_c0121.jpg"])
def test_veri_refuses_a_name_whose_first_c_has_no_camera(name: str, tmp_path: Path) -> None:
    draw_veri(tmp_path)
    write(tmp_path, "veri/label_query.csv", f"{name},2,4,3,{POINTS}")
    with pytest.raises(DatasetError, match=r"label_query\.csv, entry 1: expected"):
        dataset("veri", tmp_path).queries()


def test_sop_reads_the_published_list_or_a_derived_one(tmp_path: Path) -> None:
    draw_sop(tmp_path)
    reader = dataset("sop", tmp_path)
    published = [(item.path, item.label) for item in reader.queries()]
    assert published == [("bicycle_final/1.JPG", 11319), ("chair_final/2.JPG", 11320)]
    assert reader.gallery() is None
    write(tmp_path, "test_half.txt", "chair_final/2.JPG 5")
    assert [(item.path, item.label) for item in reader.queries()] == [("chair_final/2.JPG", 5)]
    assert len(dataset("sop", tmp_path, part="all").queries()) == 2


def test_half_of_sop_is_its_first_30003_images(tmp_path: Path) -> None:
    lines = [f"{number} {number // 6} 1 a/{number}" for number in range(30010)]
    write(tmp_path, "Ebay_test.txt", "image_id class_id super_class_id path", *lines)
    with pytest.raises(DatasetError, match="30003 of 30003 listed images are missing"):
        dataset("sop", tmp_path).queries()
    with pytest.raises(DatasetError, match="30010 of 30010 listed images are missing"):
        dataset("sop", tmp_path, part="all").queries()


@pytest.mark.parametrize("name", sorted(DRAW))
def test_an_empty_folder_is_refused_with_the_address_of_the_authors(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(
        DatasetError, match=r"is missing\..*expected to hold.*ask its authors for it: \w"
    ):
        dataset(name, tmp_path).queries()
    with pytest.raises(DatasetError, match="is missing"):
        dataset(name, tmp_path / "absent").queries()


@pytest.mark.parametrize("name", ["regdb", "vehiclenet", "veri", "sop", "msmt17", "facepairs"])
def test_listed_images_that_are_missing_are_counted(name: str, tmp_path: Path) -> None:
    DRAW[name](tmp_path)
    queries = dataset(name, tmp_path).queries()
    (tmp_path / queries[0].path).unlink()
    with pytest.raises(DatasetError) as error:
        dataset(name, tmp_path).queries()
    assert f"1 of {len(queries)} listed images" in str(error.value)
    assert queries[0].path in str(error.value)


def test_sysu_without_images_of_a_search_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "exp/test_id.txt", "1,2")
    with pytest.raises(DatasetError, match="cam3 is missing"):
        dataset("sysu", tmp_path).queries()


@pytest.mark.parametrize(
    ("name", "path", "text"),
    [
        ("regdb", "idx/test_visible_1.txt", b"Visible/9/b.bmp one"),
        ("regdb", "idx/test_visible_1.txt", b"7"),
        ("regdb", "idx/test_visible_1.txt", b"\n\n"),
        ("regdb", "idx/test_visible_1.txt", b"\xff\xfe\x00"),
        ("sysu", "exp/test_id.txt", b"seven"),
        ("vehiclenet", "VeRi/name_query.txt", b"a.jpg 2 nine"),
        ("vehiclenet", "VeRi/name_query.txt", b"0002_c002_00030600_0.jpg"),
        ("veri", "veri/label_query.csv", b"0002_c012_1_0.jpg,2,4,3,1,2,3"),
        ("sop", "Ebay_test.txt", b"1 2 path.jpg"),
    ],
)
def test_a_list_of_another_form_is_refused_with_its_path(
    name: str, path: str, text: bytes, tmp_path: Path
) -> None:
    DRAW[name](tmp_path)
    (tmp_path / path).write_bytes(text)
    with pytest.raises(DatasetError) as error:
        dataset(name, tmp_path).queries()
    assert str(tmp_path / path) in str(error.value)


@pytest.mark.parametrize("number", ["1_0", "99999999999999999999", "\N{ARABIC-INDIC DIGIT THREE}"])
@pytest.mark.parametrize(
    ("name", "path", "line"),
    [
        ("regdb", "idx/test_visible_1.txt", "Visible/3/a.bmp {}"),
        ("sysu", "exp/test_id.txt", "7,{}"),
        ("vehiclenet", "VeRi/name_query.txt", "0002_c002_00030600_0.jpg {} 2"),
        ("vehiclenet", "VeRi/name_query.txt", "a.jpg 2 {}"),
        ("veri", "veri/label_query.csv", f"0002_c012_1_0.jpg,2,{{}},3,{POINTS}"),
        ("sop", "Ebay_test.txt", "1 {} 1 bicycle_final/1.JPG"),
    ],
)
def test_what_python_alone_takes_for_a_number_is_none(
    name: str, path: str, line: str, number: str, tmp_path: Path
) -> None:
    DRAW[name](tmp_path)
    write(tmp_path, path, line.format(number))
    with pytest.raises(DatasetError, match=rf"{Path(path).name}, entry 1: expected"):
        dataset(name, tmp_path).queries()


@pytest.mark.parametrize("number", ["nan", "inf", "1e999"])
def test_key_points_of_veri_are_finite(number: str, tmp_path: Path) -> None:
    draw_veri(tmp_path)
    write(tmp_path, "veri/label_query.csv", f"0002_c012_1_0.jpg,2,4,3,{number}{POINTS[2:]}")
    with pytest.raises(DatasetError, match=r"label_query\.csv, entry 1: expected"):
        dataset("veri", tmp_path).queries()


@pytest.mark.parametrize(
    ("name", "path", "header"),
    [
        ("regdb", "idx/test_visible_1.txt", "path label"),
        ("regdb", "idx/test_visible_1.txt", "# image id"),
        ("vehiclenet", "VeRi/name_query.txt", "file label camera"),
        ("veri", "veri/label_query.csv", "imageName,vehicleID,colorID,typeID,left_front_wheel_x"),
        ("sop", "test_half.txt", "path class_id"),
        ("sysu", "exp/test_id.txt", "identity"),
    ],
)
def test_a_header_line_is_called_so(name: str, path: str, header: str, tmp_path: Path) -> None:
    DRAW[name](tmp_path)
    before = (tmp_path / path).read_text() if (tmp_path / path).is_file() else ""
    write(tmp_path, path, header, before)
    with pytest.raises(DatasetError, match=r", entry 1: .* but found a header line, .*; remove it"):
        dataset(name, tmp_path).queries()


def test_names_and_options_that_mean_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'regdb'"):
        dataset("regbd", tmp_path)
    with pytest.raises(DatasetError, match="has no option 'split'; it has search, seed"):
        dataset("sysu", tmp_path, split="test")
    with pytest.raises(DatasetError, match="has no option 'x'; it has none"):
        dataset("vehiclenet", tmp_path, x=1)
    for name, options in (
        ("regdb", {"direction": "v2i"}),
        ("regdb", {"trial": 0}),
        ("sysu", {"search": "outdoor"}),
        ("sop", {"part": "quarter"}),
    ):
        with pytest.raises(DatasetError, match=f"{next(iter(options))} must be one of"):
            dataset(name, tmp_path, **options)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("market1501", ""),
        ("market1501", "market1501/Market-1501-v15.09.15"),
        ("market1501", "market1501"),
        ("dukemtmcreid", "dukemtmc-reid/DukeMTMC-reID"),
    ],
)
def test_persons_are_read_by_the_names_of_files(name: str, folder: str, tmp_path: Path) -> None:
    draw_persons(tmp_path / folder)
    reader = dataset(name, tmp_path)
    base = f"{folder}/" if folder else ""
    assert [(item.path, item.label, item.camera) for item in reader.queries()] == [
        (f"{base}query/0002_c1s1_000451_03.jpg", 2, 1)
    ]
    assert [(item.path, item.label, item.camera) for item in reader.gallery()] == [
        (f"{base}bounding_box_test/0000_c3s1_1.jpg", 0, 3),
        (f"{base}bounding_box_test/0002_c2s1_000301_01.jpg", 2, 2),
    ]


@pytest.mark.parametrize("name", ["0002_c7s1_1.jpg", "2.jpg", "1-2_c1.jpg", "0002_c0.jpg"])
def test_a_person_whose_name_says_no_camera_is_refused(name: str, tmp_path: Path) -> None:
    touch(tmp_path, f"query/{name}")
    with pytest.raises(DatasetError, match=r"named after person and camera.*from 1 to 6"):
        dataset("market1501", tmp_path).queries()


def test_msmt17_has_the_camera_in_the_third_field(tmp_path: Path) -> None:
    draw_msmt17(tmp_path)
    reader = dataset("msmt17", tmp_path)
    both = [*reader.queries(), *reader.gallery()]
    assert [(item.label, item.camera) for item in both] == [(7, 1), (7, 15)]
    (tmp_path / "MSMT17_V1/test").rename(tmp_path / "MSMT17_V1/mask_test_v2")
    (tmp_path / "MSMT17_V1").rename(tmp_path / "MSMT17_V2")
    assert dataset("msmt17", tmp_path).queries()[0].path.startswith("MSMT17_V2/mask_test_v2/0000/")


def test_pairs_of_faces_share_a_label_if_they_show_one_person(tmp_path: Path) -> None:
    draw_facepairs(tmp_path)
    reader = dataset("facepairs", tmp_path)
    first, second = reader.queries(), reader.gallery()
    assert [item.path for item in first] == [
        "lfw/A B/A B_0001.jpg",
        "lfw/A B/A B_0002.jpg",
        "lfw/x/1.png",
    ]
    assert [item.path for item in second] == [
        "lfw/A B/A B_0002.jpg",
        "lfw/C/C_0001.jpg",
        "lfw/x/2.png",
    ]
    assert [a.label == b.label for a, b in zip(first, second, strict=True)] == [True, False, True]
    write(tmp_path, "lfw/pairs.txt", "x/1.png x/2.png 2")
    with pytest.raises(DatasetError, match=r"pairs\.txt, entry 1: expected"):
        reader.queries()


def test_packed_pairs_are_unpacked_and_code_in_them_never_runs(tmp_path: Path) -> None:
    packed = tmp_path / "lfw.bin"
    packed.write_bytes(pickle.dumps(([b"a", b"b", b"c", b"d"], [True, False]), protocol=2))
    facepairs.unpack(packed, tmp_path / "lfw")
    assert (
        tmp_path / "lfw/pairs.txt"
    ).read_text() == "00000.jpg 00001.jpg 1\n00002.jpg 00003.jpg 0\n"
    assert [item.path for item in dataset("facepairs", tmp_path).gallery()] == [
        "lfw/00001.jpg",
        "lfw/00003.jpg",
    ]
    with pytest.raises(DatasetError, match="lfw cannot be made: File exists"):
        facepairs.unpack(packed, tmp_path / "lfw")
    for held in (([b"a"], [True]), ([1, 2], [True]), ([b"a", b"b"], [Path()]), 7):
        packed.write_bytes(pickle.dumps(held))
        with pytest.raises(DatasetError, match=r"lfw\.bin"):
            facepairs.unpack(packed, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_faces_have_to_rank_before_those_of_the_third_list(tmp_path: Path) -> None:
    draw_faceranks(tmp_path)
    reader = dataset("faceranks", tmp_path)
    assert [(item.path, item.label) for item in reader.gallery()] == [
        ("test_dataset/b/c.jpg", 3),
        ("test_dataset/d.jpg", 4),
        ("dis_dataset/e.jpg", -1),
    ]
    write(tmp_path, "lists/jk_list.txt", "a.jpg 5")
    with pytest.raises(DatasetError, match=r"zj_list\.txt lacks the person 5"):
        reader.queries()


def test_a_face_is_of_the_person_before_the_number_of_its_file(tmp_path: Path) -> None:
    draw_facerates(tmp_path)
    found = {item.path: item.label for item in dataset("facerates", tmp_path).queries()}
    assert found == {"A/A_0001.jpg": 0, "A/A_0002.jpg": 0, "B/B_X_0001.b.jpg": 1, "C/A_0003.jpg": 0}
