"""Contact sheets hold the pictures, their order, and what is right and wrong."""

import base64
import io
import logging
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import sheets
from PIL import Image, ImageColor, ImageDraw
from sheets import GREEN, QUERY, RED, YELLOW

import mindspore_hub
from mindspore_hub.errors import DatasetError, FeaturesError
from mindspore_hub.gallery.features import Features
from mindspore_hub.tasks.pictures.sheet import RIGHT, SIDE, WRONG
from mindspore_hub.tasks.retrieval import sheet_png
from mindspore_hub.tasks.retrieval.sheet import plan
from mindspore_hub.tasks.retrieval.sheet_png import _draw_reason, _legible, _wrapped

CHROMIUM = shutil.which("chromium")


def near(image: Image.Image, color: str | tuple[int, int, int]) -> int:
    """How many pixels have nearly this colour; JPEG changes it a little."""
    wanted = ImageColor.getrgb(color) if isinstance(color, str) else color
    away = np.abs(np.asarray(image.convert("RGB")).astype(int) - wanted).max(axis=2)
    return int(np.count_nonzero(away <= 6))


class Page(HTMLParser):
    """What a page holds: tags with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page_of(file: Path) -> Page:
    return Page(file.read_text(encoding="utf-8"))


def test_a_page_shows_queries_and_their_neighbours_in_order(tmp_path: Path) -> None:
    sheets.matches(tmp_path).save_sheet(tmp_path / "sheet.html")
    page = page_of(tmp_path / "sheet.html")
    assert [image["alt"] for image in page.named("img")] == [
        f"Query {QUERY}",
        "Rank 1, right: gallery/right.png",
        "Rank 2, wrong: gallery/wrong.png",
        "Rank 3, wrong: gallery/wide.png",
        "Query queries/b.png",
        "Rank 1, right: gallery/wrong.png",
        "Rank 2, wrong: gallery/right.png",
        "Rank 3, wrong: gallery/wide.png",
    ]
    assert [item.get("class") for item in page.named("li")] == ["right", "wrong", "wrong"] * 2
    assert QUERY in page.text
    assert "Features of who/1.0/card" in page.text
    assert "for 2 of 2 queries" in page.text
    assert (page.text.count("✓"), page.text.count("✗")) == (3, 5)
    assert "-0.9950" in page.text


def test_a_page_embeds_pictures_of_one_size_that_keep_their_shape(tmp_path: Path) -> None:
    sheets.matches(tmp_path).save_sheet(tmp_path / "sheet.html")
    images = page_of(tmp_path / "sheet.html").named("img")[:4]
    found = []
    for image in images:
        kind, _, data = str(image["src"]).partition(",")
        assert kind == "data:image/jpeg;base64"
        picture = Image.open(io.BytesIO(base64.b64decode(data)))
        assert picture.size == (int(str(image["width"])), int(str(image["height"])))
        found.append((picture.size, near(picture, RED) > 0))
    tall, wide = (SIDE // 2, SIDE), (SIDE, SIDE // 2)
    assert found == [(tall, True), (tall, True), (tall, False), (wide, False)]


def test_a_page_runs_no_script_and_asks_nobody(tmp_path: Path) -> None:
    sheets.matches(tmp_path).save_sheet(tmp_path / "sheet.html")
    page = page_of(tmp_path / "sheet.html")
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    policies = [meta for meta in page.named("meta") if "http-equiv" in meta]
    assert "default-src 'none'" in str(policies[0]["content"])
    text = (tmp_path / "sheet.html").read_text(encoding="utf-8")
    assert "http:" not in text
    assert "https:" not in text
    assert "url(" not in text


@pytest.mark.parametrize("ending", ["png", "html"])
def test_a_sheet_is_the_same_each_time(ending: str, tmp_path: Path) -> None:
    found = sheets.matches(tmp_path)
    files = [tmp_path / f"{name}.{ending}" for name in "ab"]
    for file in files:
        found.save_sheet(file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_png_shows_pictures_frames_and_signs(tmp_path: Path) -> None:
    sheets.matches(tmp_path).save_sheet(tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        image.load()
    area = SIDE * SIDE // 2
    assert near(image, RED) == 4 * area
    assert near(image, GREEN) == 2 * area
    assert near(image, YELLOW) == 2 * area
    frame = 2 * 4 * (2 * (SIDE + 18) - 8)
    assert near(image, RIGHT) > frame
    assert near(image, WRONG) > 2 * frame
    first_row = image.crop((0, 0, image.width, image.height - SIDE - 90))
    assert near(first_row, RED) == 2 * area
    query, nearest = first_row.crop((0, 0, 210, 1000)), first_row.crop((210, 0, 410, 1000))
    assert (near(query, RED), near(nearest, RED)) == (area, area)


def test_without_labels_nothing_is_marked(tmp_path: Path) -> None:
    query, gallery = sheets.sides(tmp_path)
    unknown = Features(gallery.vectors, paths=gallery.paths, about=gallery.about)
    found = mindspore_hub.match(query, unknown)
    for ending in ("html", "png"):
        found.save_sheet(tmp_path / f"sheet.{ending}")
    page = page_of(tmp_path / "sheet.html")
    assert [image["alt"] for image in page.named("img")][1] == "Rank 1: gallery/right.png"
    assert not {"✓", "✗"} & set(page.text)
    with Image.open(tmp_path / "sheet.png") as image:
        assert near(image, RIGHT) == near(image, WRONG) == 0


@pytest.mark.parametrize("ending", ["png", "html"])
def test_pictures_that_cannot_be_read_are_grey_fields_and_named(
    ending: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = sheets.matches(tmp_path)
    (tmp_path / "gallery/wrong.png").write_bytes(b"not a picture")
    (tmp_path / "gallery/wide.png").unlink()
    found.save_sheet(tmp_path / f"sheet.{ending}")
    [warning] = [entry for entry in caplog.records if entry.levelno == logging.WARNING]
    assert warning.getMessage() == (
        f"{tmp_path}/sheet.{ending}: 2 pictures cannot be read, and grey fields stand for them: "
        "gallery/wrong.png, gallery/wide.png"
    )
    if ending == "html":
        page = page_of(tmp_path / "sheet.html")
        fields = [field["aria-label"] for field in page.named("div") if field.get("role") == "img"]
        assert fields[0] == "Rank 2, wrong: gallery/wrong.png, which cannot be read"
        assert len(fields) == 4
        return
    with Image.open(tmp_path / "sheet.png") as image:
        assert near(image, GREEN) == near(image, YELLOW) == 0
        assert near(image, RED) == 4 * SIDE * SIDE // 2


@pytest.mark.parametrize("ending", ["png", "html"])
def test_small_pictures_are_not_blown_up(ending: str, tmp_path: Path) -> None:
    found = sheets.matches(tmp_path)
    sheets.picture(tmp_path / "gallery/wrong.png", GREEN, (24, 48))
    sheets.picture(tmp_path / "gallery/wide.png", YELLOW, (SIDE, 3))
    found.save_sheet(tmp_path / f"sheet.{ending}")
    if ending == "html":
        images = page_of(tmp_path / "sheet.html").named("img")
        sizes = {str(image["alt"]): (image["width"], image["height"]) for image in images}
        assert sizes["Rank 2, wrong: gallery/wrong.png"] == ("24", "48")
        assert sizes["Rank 3, wrong: gallery/wide.png"] == (str(SIDE), "3")
        return
    with Image.open(tmp_path / "sheet.png") as image:
        assert near(image, GREEN) == 2 * 24 * 48
        assert near(image, YELLOW) == 2 * 3 * SIDE


def unreadable(folder: Path) -> dict[str, str]:
    """Pictures of the gallery that cannot be shown, and what is said about them."""
    folder.mkdir(exist_ok=True)
    sheets.picture(folder / "cut.jpg", RED)
    (folder / "cut.jpg").write_bytes((folder / "cut.jpg").read_bytes()[:-200])
    Image.new("F", (9, 9)).save(folder / "deep.tif")
    os.mkfifo(folder / "pipe.png")
    (folder / "text.png").write_text("<b>no picture</b>")
    return {
        "cut.jpg": "not read: image file is truncated",
        "deep.tif": "not read: has the mode F, but the network takes pictures of one to four",
        "none.png": "not read: No such file or directory",
        "pipe.png": "not read: it is a named pipe, not a regular file",
        "text.png": "not read: it is in none of the formats that are read, such as JPEG",
    }


def test_a_grey_field_says_why(tmp_path: Path) -> None:
    said = unreadable(tmp_path / "all")
    sheets.picture(tmp_path / "all/a.png", RED)
    found = mindspore_hub.match(sheets.features(tmp_path / "all", ["a.png", *said]))
    for ending in ("html", "png"):
        found.save_sheet(tmp_path / f"sheet.{ending}", queries=1)
    text = page_of(tmp_path / "sheet.html").text
    for reason in said.values():
        assert reason in text
    with Image.open(tmp_path / "sheet.png") as image:
        fields = near(image, "#c4c4c4")
    blank = len(said) * (SIDE + 10) ** 2
    assert 0.7 * blank < fields < 0.98 * blank  # grey, but for what is written on it


def test_a_reason_stays_within_its_field() -> None:
    font, long = _legible("", 12)[1], "not read: " + 30 * "why " + 90 * "x"
    lines = _wrapped(long, font, 150)
    assert "".join(lines).replace(" ", "") == long.replace(" ", "")
    assert max(map(font.getlength, lines)) <= 150
    image = Image.new("RGB", (300, 300), "#ffffff")
    _draw_reason(ImageDraw.Draw(image), 9 * long, (60, 60), (160, 160))
    ImageDraw.Draw(image).rectangle((60, 60, 219, 219), "#ffffff")
    assert image.getcolors() == [(90000, (255, 255, 255))]


@pytest.fixture
def _no_fonts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A system whose fonts lie in `fonts`, where none is to begin with."""
    monkeypatch.setattr(sheet_png, "_FOLDERS", (str(tmp_path / "fonts"),))
    yield from fresh_fonts()


def fresh_fonts() -> Iterator[None]:
    for cached in (sheet_png._legible, sheet_png._system_fonts, sheet_png._has):
        cached.cache_clear()
    yield
    for cached in (sheet_png._legible, sheet_png._system_fonts, sheet_png._has):
        cached.cache_clear()


ODD_NAMES = ["Ёлка.png", "ναι", "Łódź ǅ", "\ue000.png", "北.png", "a\nb", "\udcff", "a\u202eb"]


@pytest.mark.usefixtures("_no_fonts")
@pytest.mark.parametrize("name", ODD_NAMES)
def test_without_a_font_that_has_them_characters_are_shown_by_their_codes(name: str) -> None:
    codes = name.encode("unicode_escape").decode()
    assert _legible(name, 12) == (codes, sheet_png._font(12))


@pytest.mark.usefixtures("_no_fonts")
@pytest.mark.parametrize("name", ODD_NAMES)
def test_names_are_drawn_in_a_font_of_the_system_that_has_them(name: str, tmp_path: Path) -> None:
    font = Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf")
    (tmp_path / "fonts/truetype").mkdir(parents=True)
    (tmp_path / "fonts/truetype/LiberationSans-Regular.ttf").write_bytes(b"no font")
    shutil.copy(font, tmp_path / "fonts/truetype")
    shown, used = _legible(name, 12)
    if name in ODD_NAMES[:3]:
        assert (shown, Path(used.path).name) == (name, "DejaVuSans.ttf")
    else:  # private, in no font that is there, or not to be printed
        assert shown == name.encode("unicode_escape").decode()
    sheets.picture(tmp_path / "a.png", RED)
    sheets.picture(tmp_path / f"{name}.png", RED)
    found = mindspore_hub.match(sheets.features(tmp_path, ["a.png", f"{name}.png"]))
    found.save_sheet(tmp_path / "sheet.png")


def test_queries_are_spread_over_all(tmp_path: Path) -> None:
    names = [f"{number}.png" for number in range(10)]
    for name in names:
        sheets.picture(tmp_path / name, RED)
    found = mindspore_hub.match(sheets.features(tmp_path, names), k=2)
    made = plan(found, images=None, gallery_images=None, queries=3)
    assert [row[0].name for row in made.rows] == ["0.png", "3.png", "6.png"]
    assert "Queries: 3 of 10, evenly spread; nearest: 2 of the other 9" in made.facts
    assert len(plan(found, images=None, gallery_images=None, queries=99).rows) == 10


def test_folders_may_be_given_where_pictures_were_moved(tmp_path: Path) -> None:
    query, gallery = sheets.sides(tmp_path / "old")
    for side in ("queries", "gallery"):
        (tmp_path / "new" / side).mkdir(parents=True)
        (tmp_path / "old" / side).rename(tmp_path / "new" / side / side)
    found = mindspore_hub.match(query, gallery)
    with pytest.raises(DatasetError, match="None of the pictures of the queries") as caught:
        found.save_sheet(tmp_path / "sheet.html")
    assert "`--images DIR`" in str(caught.value)
    new = tmp_path / "new"
    with pytest.raises(DatasetError, match="`--gallery-images DIR`"):
        found.save_sheet(tmp_path / "sheet.html", images=new / "queries")
    found.save_sheet(
        tmp_path / "sheet.html", images=new / "queries", gallery_images=new / "gallery"
    )
    assert len(page_of(tmp_path / "sheet.html").named("img")) == 8


def test_a_folder_that_nobody_knows_is_asked_for(tmp_path: Path) -> None:
    unknown = mindspore_hub.match(sheets.features(None, ["a.png", "b.png"]))
    with pytest.raises(DatasetError, match=r"do not say in which folder .* `--images DIR`"):
        unknown.save_sheet(tmp_path / "sheet.png")
    with pytest.raises(DatasetError, match="nowhere, which is not a folder"):
        unknown.save_sheet(tmp_path / "sheet.png", images=tmp_path / "nowhere")


@pytest.mark.parametrize("said", [5, ["pictures"], {"a": 1}, True])
def test_notes_of_another_kind_are_no_folder_and_any_kind_of_card_is_shown(
    said: object, tmp_path: Path
) -> None:
    features = sheets.features(tmp_path, ["a.png", "b.png"])
    sheets.picture(tmp_path / "a.png", RED)
    odd = replace(features, about={"card": said, "root": said})
    found = mindspore_hub.match(odd)
    with pytest.raises(DatasetError, match="do not say in which folder"):
        found.save_sheet(tmp_path / "sheet.html")
    found.save_sheet(tmp_path / "sheet.html", images=tmp_path)
    assert f"Features of {said}" in page_of(tmp_path / "sheet.html").text


def test_what_makes_no_sheet_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    found = sheets.matches(tmp_path)
    many = mindspore_hub.match(sheets.features(tmp_path, [f"{n}.png" for n in range(60)]), k=30)
    nameless = mindspore_hub.match(np.eye(3))
    cases = [
        (found, "sheet.gif", 20, "must end in .png or .html"),
        (found, "sheet.png", 0, "at least 1 query, but 0"),
        (many, "sheet.png", 40, "40 queries with 30 neighbours each are 1,240 pictures"),
        (nameless, "sheet.png", 20, "lack `paths`"),
    ]
    for matches, name, queries, message in cases:
        with pytest.raises(FeaturesError, match=message):
            matches.save_sheet(tmp_path / name, queries=queries)
    assert not list(tmp_path.glob("*sheet*"))


def test_names_that_no_font_or_encoding_has_are_shown_by_their_codes(tmp_path: Path) -> None:
    odd = "\udcff 名\nx.png"
    for name in (odd, "b.png"):
        sheets.picture(tmp_path / name, RED)
    found = mindspore_hub.match(sheets.features(tmp_path, [odd, "b.png"]))
    for ending in ("png", "html"):
        found.save_sheet(tmp_path / f"sheet.{ending}")
    page = page_of(tmp_path / "sheet.html")
    assert page.named("img")[0]["alt"] == "Query \\udcff 名\nx.png"
    with Image.open(tmp_path / "sheet.png") as image:
        assert near(image, RED) == 4 * SIDE * SIDE // 2


def test_pictures_of_extreme_shapes_fit(tmp_path: Path) -> None:
    for name, size in (("a.png", (2000, 1)), ("b.png", (1, 2000))):
        sheets.picture(tmp_path / name, RED, size)
    found = mindspore_hub.match(sheets.features(tmp_path, ["a.png", "b.png"]))
    found.save_sheet(tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.width < 6 * SIDE
        assert near(image, RED) == 4 * SIDE


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sheet")
    sheets.matches(folder).save_sheet(folder / "sheet.html")
    return folder / "sheet.html"


def chromium(folder: Path, *arguments: str) -> str:
    assert CHROMIUM is not None
    # Without these, it asks its maker's hosts at every start.
    still = ("background-networking", "component-update", "sync", "quic", "gpu")
    done = subprocess.run(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--no-first-run", "--hide-scrollbars"),
            *(f"--disable-{name}" for name in still),
            *(f"--user-data-dir={folder / 'profile'}", *arguments),
        ],
        check=True,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    return done.stdout


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
@pytest.mark.parametrize("width", [400, 1200])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_a_browser_shows_the_page_in_both_schemes(
    scheme: str, width: int, shown: Path, tmp_path: Path
) -> None:
    dark = ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    picture = tmp_path / "shown.png"
    size = f"--window-size={width},1800"
    chromium(tmp_path, *dark, size, f"--screenshot={picture}", shown.as_uri())
    with Image.open(picture) as image:
        image.load()
    assert image.width == width
    page = image.getpixel((2, 2))
    assert isinstance(page, tuple)
    assert max(page[:3]) < 40 if scheme == "dark" else min(page[:3]) > 240
    for color in (RED, GREEN, YELLOW, RIGHT, WRONG):
        assert near(image, color) > 1000


_PROBE = """<script>
addEventListener("load", () => {
  const images = [...document.images].filter((image) => image.naturalWidth > 0);
  document.title = `${images.length} ${document.documentElement.scrollWidth <= innerWidth}`;
});
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
@pytest.mark.parametrize("width", [400, 1200])
def test_a_browser_finds_every_picture_and_nothing_too_wide(
    width: int, shown: Path, tmp_path: Path
) -> None:
    text = shown.read_text(encoding="utf-8")
    # The page itself forbids scripts, which are how a test asks a browser.
    policy = next(line for line in text.splitlines() if "Content-Security-Policy" in line)
    copy = tmp_path / "copy.html"
    copy.write_text(text.replace(policy, _PROBE), encoding="utf-8")
    dump = chromium(tmp_path, f"--window-size={width},900", "--dump-dom", copy.as_uri())
    assert "<title>8 true</title>" in dump
