"""The page in a browser: a picture is dropped, its neighbours are right, filters and marks work."""

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import served
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright
from served import Running

CHROMIUM = shutil.which("chromium")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

DROP = """([data, name]) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, {type: "image/png"}));
    const drop = document.getElementById("drop");
    for (const kind of ["dragenter", "dragover", "drop"]) {
        drop.dispatchEvent(new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: transfer}));
    }
}"""

PASTE = """([data, name]) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, {type: "image/png"}));
    document.dispatchEvent(new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true}));
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, server: Running) -> Iterator[Page]:
    """The page, which may ask nobody else, and must log nothing."""
    with browser.new_context() as context:
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(server.address)
        expect(page.locator("#sample-list li")).to_have_count(8)
        yield page
        assert said == []
        own = (server.address, "blob:", "data:")
        assert [url for url in asked if not url.startswith(own)] == []


def encoded(path: Path) -> list[str]:
    return [base64.b64encode(path.read_bytes()).decode(), path.name]


def paths(page: Page, first: str, count: int = 12) -> list[str]:
    """Paths of the results, as soon as there are so many and one of them is the first."""
    expect(page.locator("#list li")).to_have_count(count)
    expect(page.locator("#list li .path").first).to_have_text(first)
    return page.locator("#list li .path").all_inner_texts()


def expected(server: Running, number: int) -> list[str]:
    """Paths of the gallery by their distance to one of its pictures, nearest first."""
    rows = next(server.service.gallery.parts())
    [own] = [place for place, path in enumerate(rows.paths) if path == f"{number:02}.png"]
    distances = -rows.vectors @ rows.vectors[own]
    return [str(rows.paths[place]) for place in distances.argsort(kind="stable")]


@pytest.mark.parametrize("script", [DROP, PASTE], ids=["drop", "paste"])
def test_a_picture_that_is_given_finds_its_neighbours(
    page: Page, server: Running, script: str
) -> None:
    wanted = expected(server, 3)
    page.evaluate(script, encoded(server.pictures[3]))
    assert paths(page, wanted[0]) == wanted
    expect(page.locator("#asked")).to_have_text("Query: 03.png")
    shown = page.locator("#list li img").first
    expect(shown).to_have_js_property("complete", True)
    assert shown.evaluate("image => image.naturalWidth") == 5


def test_what_is_too_far_is_marked(page: Page, server: Running) -> None:
    page.set_input_files("#file", server.pictures[3])
    expect(page.locator("#list li")).to_have_count(12)
    far = page.locator("#list li.is-far")
    near = page.locator("#list li.is-match")
    assert far.count() + near.count() == 12
    assert far.count() > 0
    assert set(far.locator(".verdict").all_inner_texts()) == {"✕ no match"}
    status = page.locator("#status")
    if near.count():
        expect(status).to_contain_text(f"✓ {near.count()} of 12 pictures")
    else:
        expect(status).to_contain_text("No match: even the nearest is further than")


def test_results_are_filtered_by_camera_and_label(page: Page, server: Running) -> None:
    page.set_input_files("#file", server.pictures[3])
    expect(page.locator("#list li")).to_have_count(12)
    page.select_option("#camera", "2")
    expect(page.locator("#list li")).to_have_count(6)
    page.fill("#label", "1")
    page.keyboard.press("Tab")
    expect(page.locator("#list li")).to_have_count(2)
    assert set(page.locator("#list .who").all_inner_texts()) == {"label 1 · camera 2"}
    page.fill("#label", "77")
    page.keyboard.press("Tab")
    expect(page.locator("#status")).to_have_text("No picture fits the filter.")


def test_a_result_is_the_next_query_and_all_of_it_works_by_keyboard(
    page: Page, server: Running
) -> None:
    page.locator("#sample-list button").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#list li")).to_have_count(11)  # all but the sample itself
    first = page.locator("#list .use").first
    name = page.locator("#list .path").first.inner_text()
    first.focus()
    page.keyboard.press("Space")
    expect(page.locator("#asked")).to_have_text(f"Query: {name}")
    expect(page.locator("#results")).to_be_focused()
    wanted = [path for path in expected(server, int(name[:2])) if path != name]
    assert paths(page, wanted[0], 11) == wanted


def test_what_is_no_picture_is_said(page: Page, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    page.set_input_files("#file", tmp_path / "bad.png")
    expect(page.locator("#status")).to_contain_text("It cannot be read as a picture")
    (tmp_path / "notes.txt").write_text("notes", encoding="utf-8")
    page.set_input_files("#file", tmp_path / "notes.txt")
    expect(page.locator("#status")).to_contain_text("That is not a picture")


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1600)])
def test_axe_finds_nothing(browser: Browser, server: Running, scheme: str, width: int) -> None:
    with browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 800}
    ) as context:
        page = context.new_page()
        page.goto(server.address)
        expect(page.locator("#sample-list li")).to_have_count(8)
        begin = Axe().run(page)
        assert begin.violations_count == 0, begin.generate_report()
        page.set_input_files("#file", server.pictures[3])
        expect(page.locator("#list li")).to_have_count(12)
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_page_asks_for_the_token(browser: Browser, tmp_path: Path) -> None:
    service = served.make_service(tmp_path)
    with (
        served.running(service, tmp_path, token=served.TOKEN) as server,
        browser.new_context() as context,
    ):
        page = context.new_page()
        page.goto(server.address)
        expect(page.locator("#ask")).to_be_visible()
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        page.fill("#token", "wrong")
        page.keyboard.press("Enter")
        expect(page.locator("#ask-error")).to_contain_text("does not take this token")
        page.fill("#token", served.TOKEN)
        page.keyboard.press("Enter")
        expect(page.locator("#sample-list li")).to_have_count(8)
        page.set_input_files("#file", server.pictures[3])
        expect(page.locator("#list li")).to_have_count(12)
        shown = page.locator("#list li img").first
        expect(shown).to_have_js_property("complete", True)
        assert shown.evaluate("image => image.naturalWidth") == 5
        assert shown.get_attribute("src").startswith("blob:")
