"""The song map's page in a browser: found, clicked, walked, linked, on a desk and on a phone.

The map is made by hand: nine songs in three corners, of which each song's nearest and the words that it
shares with them can be told by looking.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from neuralist.model.similarity import Similarity
from neuralist.songmap import html_page, layout, song_words

pytestmark = pytest.mark.slow

HOSTILE = '</script><img src=x onerror="document.title=1">&amp; <b>Bold</b>'
LYRICS = {
    "Night": "moon star night",
    "Starlit": "moon star",
    "Moonrise": "moon sky",
    "Rails": "rail train",
    "Station": "rail train",
    "Crème Brûlée": "rail coal",
    HOSTILE: "dough oven",
    "Oven": "dough oven",
    "Salt": "dough salt",
}
# exp(-L1): Night to Starlit exp(-0.1), to Moonrise exp(-0.3), to Rails exp(-4).
CORNERS = [[0, 0], [0.1, 0], [0, 0.3], [4, 0], [4.1, 0], [4, 0.3], [0, 4], [0.1, 4], [0, 4.3]]


def songs() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "song_id": [f"s{number}" for number in range(9)],
            "artist": ["Ann", "Ann", "Ben", "Ben", "Zoë Ørn", "Zoë Ørn", HOSTILE, "Dee", None],
            "title": list(LYRICS),
            "year": pd.array([1960, 1970, 1980, 1990, 2000, 2010, 2015, 2015, None], dtype="Int64"),
            "genre": ["rock", "rock", "pop", "pop", "pop", "pop", HOSTILE, "other", "other"],
            "language": ["en", "en", "fr", "fr", "fr", "de", "?", "en", "en"],
            "lyrics": list(LYRICS.values()),
        }
    )


def write(table: pd.DataFrame, path: Path) -> str:
    embeddings = np.array(CORNERS, dtype=float)
    drawn = layout.songmap(table, embeddings, Similarity("manhattan"), 3)
    words, regions = song_words.weighted(table["lyrics"].tolist()), song_words.regions(embeddings)
    page = html_page.page(drawn, words, regions, "9 songs, by hand", "All made up.")
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if not program:
        pytest.skip(f"needs a browser: none of {', '.join(names)} is installed, and CHROMIUM names none")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(songs(), tmp_path_factory.mktemp("page") / "songmap.html")


def visit(browser: Browser, address: str, *, phone: bool = False) -> Iterator[Page]:
    """A page that asks the network for nothing and reports no error, or the test fails."""
    viewport = {"width": 360, "height": 740} if phone else {"width": 1280, "height": 720}
    context = browser.new_context(
        viewport=viewport, has_touch=phone, is_mobile=phone, reduced_motion="reduce"
    )
    page, asked, told = context.new_page(), [], []
    page.set_default_timeout(5000)
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.goto(address)
    yield page
    expect(page).to_have_title("Song map: 9 songs, by hand")
    context.close()
    assert (asked, told) == ([address.partition("#")[0]], [])


@pytest.fixture
def desk(browser: Browser, address: str) -> Iterator[Page]:
    yield from visit(browser, address)


@pytest.fixture
def phone(browser: Browser, address: str) -> Iterator[Page]:
    yield from visit(browser, address, phone=True)


def click(page: Page, title: str) -> None:
    """Click the dot of a song, wherever on the screen it is."""
    place = list(LYRICS).index(title)
    left, top = page.evaluate(f"toScreen(songs[{place}])")
    canvas = page.locator("#map").bounding_box()
    assert canvas is not None
    tap = page.touchscreen.tap if page.evaluate("navigator.maxTouchPoints") else page.mouse.click
    tap(canvas["x"] + left, canvas["y"] + top)


def neighbours(page: Page) -> list[list[str]]:
    """Of each neighbour in the panel: title, similarity, words in common."""
    return [
        [
            near.locator(".title").inner_text(),
            near.locator(".value").inner_text(),
            *near.locator("i").all_inner_texts(),
        ]
        for near in page.locator("#panel .near").all()
    ]


NEAR_NIGHT = [
    ["Starlit", "0.90", "star", "moon"],  # star is rarer than moon
    ["Moonrise", "0.74", "moon"],
    ["Rails", "0.018", "no rare word in common"],
]


def test_the_page_says_what_it_shows(desk: Page) -> None:
    expect(desk.locator("header")).to_contain_text("9 songs, by hand")
    expect(desk.locator("header")).to_contain_text("All made up.")
    assert desk.locator("#modes").inner_text().split() == ["Region", "Genre", "Year", "Language"]
    assert desk.locator(".entries .name").all_inner_texts() == ["moon, star", "rail, train", "dough, oven"]


def test_a_click_shows_the_nearest_songs_and_the_words_in_common(desk: Page) -> None:
    click(desk, "Night")
    expect(desk.locator("#panel h2")).to_have_text("Night")
    assert neighbours(desk) == NEAR_NIGHT


def test_a_click_on_the_empty_map_or_escape_closes_the_song(desk: Page) -> None:
    for close in (lambda: desk.mouse.click(800, 300), lambda: desk.keyboard.press("Escape")):
        click(desk, "Night")
        expect(desk.locator("#panel")).to_be_visible()
        close()
        expect(desk.locator("#panel")).to_be_hidden()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("creme br", ["Crème Brûlée"]),
        ("ZOE orn", ["Station", "Crème Brûlée"]),
        ("ann night", ["Night"]),
        ("ight", []),
        ("img", [HOSTILE]),
    ],
)
def test_search_ignores_accents_and_case_and_reads_titles_and_artists(
    desk: Page, query: str, found: list[str]
) -> None:
    desk.get_by_role("combobox").fill(query)
    assert desk.locator("#hits [role=option] span:first-child").all_inner_texts() == found


def test_a_song_is_found_and_opened_by_keys_alone(desk: Page) -> None:
    desk.keyboard.press("/")
    desk.keyboard.type("zoe")
    expect(desk.get_by_role("option", selected=True)).to_contain_text("Station")
    desk.keyboard.press("ArrowDown")
    desk.keyboard.press("Enter")
    expect(desk.locator("#panel h2")).to_have_text("Crème Brûlée")
    expect(desk.locator("#panel h2")).to_be_focused()
    expect(desk.locator("#hits")).to_be_hidden()
    left, top = desk.evaluate("toScreen(songs[state.song])")
    area = desk.evaluate("free()")
    assert (left, top) == pytest.approx((area["width"] / 2, area["height"] / 2), abs=1)


def test_arrow_keys_walk_the_map_and_enter_opens_a_song(desk: Page) -> None:
    click(desk, "Night")
    desk.keyboard.press("Escape")
    desk.mouse.move(5, 5)
    desk.locator("#map").focus()
    for key in ("0", "ArrowUp"):  # the first arrow takes the song nearest to the middle
        desk.keyboard.press(key)
    first = desk.evaluate("pointed")
    desk.keyboard.press("Enter")
    expect(desk.locator("#panel h2")).to_have_text(list(LYRICS)[first])


def test_walking_on_can_be_linked_and_walked_back(desk: Page) -> None:
    click(desk, "Night")
    desk.locator(".near", has_text="Moonrise").click()
    expect(desk.locator("#panel h2")).to_have_text("Moonrise")
    assert desk.url.endswith("#song=s2")
    desk.get_by_role("button", name="Back").click()
    expect(desk.locator("#panel h2")).to_have_text("Night")
    assert desk.url.endswith("#song=s0")


def test_a_link_opens_the_song_with_its_colours_and_filters(browser: Browser, address: str) -> None:
    for page in visit(browser, f"{address}#song=s0&colour=year&genre=pop&years=1985-2015"):
        assert neighbours(page) == NEAR_NIGHT
        expect(page.get_by_label("Year", exact=True)).to_be_checked()
        expect(page.locator("#count")).to_have_text("3 of 9 songs, 1985 to 2015")
        page.get_by_role("button", name="Show all").click()
        expect(page.locator("#count")).to_have_text("All 9 songs")
        assert page.url.endswith("#song=s0&colour=year")


def test_legend_entries_choose_what_is_shown(desk: Page) -> None:
    desk.get_by_label("Genre", exact=True).check(force=True)
    assert desk.locator(".entries .name").all_inner_texts() == ["pop", "rock", HOSTILE, "other"]
    desk.locator(".entries button", has_text="rock").click()
    expect(desk.locator("#count")).to_have_text("2 of 9 songs")
    desk.locator(".entries button", has_text="other").click()
    expect(desk.locator("#count")).to_have_text("4 of 9 songs")
    desk.locator(".entries button", has_text="rock").click()
    desk.locator(".entries button", has_text="other").click()
    expect(desk.locator("#count")).to_have_text("All 9 songs")


def test_the_language_of_the_open_song_chooses_what_is_shown(desk: Page) -> None:
    click(desk, "Night")
    same, another = (desk.get_by_role("button", name=f"{which} language") for which in ("Same", "Another"))
    same.click()
    expect(desk.locator("#count")).to_have_text("4 of 9 songs")
    assert desk.url.endswith("#song=s0&language=en")
    another.click()
    expect(same).to_have_attribute("aria-pressed", "false")
    expect(desk.locator("#count")).to_have_text("4 of 9 songs")  # French and German
    another.click()
    expect(desk.locator("#count")).to_have_text("All 9 songs")
    desk.get_by_label("Language", exact=True).check(force=True)
    assert desk.locator(".entries .name").all_inner_texts() == ["English", "French", "German", "unknown"]


def test_a_song_of_unknown_language_offers_no_choice_by_it(desk: Page) -> None:
    click(desk, HOSTILE)
    expect(desk.locator("#panel h2")).to_be_visible()
    assert desk.locator(".languages").count() == 0


def test_wheel_buttons_and_keys_zoom_and_reset(desk: Page) -> None:
    desk.mouse.move(800, 300)
    desk.mouse.wheel(0, -200)
    desk.wait_for_function("camera.zoom > 1.2")
    desk.get_by_role("button", name="Zoom in").click()
    desk.wait_for_function("camera.zoom > 2")
    desk.keyboard.press("0")
    assert desk.evaluate("camera") == pytest.approx({"x": 0.5, "y": 0.5, "zoom": 1})


def test_hostile_names_are_shown_as_text(desk: Page) -> None:
    click(desk, HOSTILE)
    assert desk.locator("#panel h2").inner_text() == HOSTILE
    assert HOSTILE in desk.locator("#panel .artist").inner_text()
    assert desk.locator("img, #panel b").count() == 0


def test_a_phone_shows_the_whole_without_scrolling_sideways(phone: Page) -> None:
    click(phone, "Night")
    assert neighbours(phone) == NEAR_NIGHT
    assert phone.evaluate("document.documentElement.scrollWidth") == 360
    expect(phone.locator(".note")).to_be_in_viewport()
    small = "button, .near, .modes label, input[type=text], .entries button"
    heights = phone.eval_on_selector_all(
        small, "all => all.filter((one) => one.offsetParent).map((one) => one.getBoundingClientRect().height)"
    )
    assert len(heights) > 10
    assert min(heights) >= 44


def test_two_fingers_zoom_about_their_middle(phone: Page) -> None:
    touch = phone.context.new_cdp_session(phone)

    def fingers(kind: str, *across: int) -> None:
        points = [{"x": x, "y": 400, "id": number} for number, x in enumerate(across)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    before = phone.evaluate("toMap(180, 400 - canvas.getBoundingClientRect().top)")
    fingers("touchStart", 130, 230)
    for apart in range(60, 101, 10):
        fingers("touchMove", 180 - apart, 180 + apart)
    fingers("touchEnd")
    phone.wait_for_function("fingers.size === 0")
    assert phone.evaluate("camera.zoom") == pytest.approx(2, rel=0.01)
    after = phone.evaluate("toMap(180, 400 - canvas.getBoundingClientRect().top)")
    assert after == pytest.approx(before, abs=0.01)
    expect(phone.locator("#panel")).to_be_hidden()


def test_plain_texts_have_neither_artists_nor_years_nor_genres(browser: Browser, tmp_path: Path) -> None:
    table = songs().assign(
        artist=None, title=None, genre="other", language="en", year=pd.array([None] * 9, dtype="Int64")
    )
    for page in visit(browser, write(table, tmp_path / "plain.html")):
        expect(page.locator("#modes")).to_be_hidden()
        assert page.locator(".entries .name").count() == 3
        page.get_by_role("combobox").fill("s0")
        page.keyboard.press("Enter")
        expect(page.locator("#panel h2")).to_have_text("s0: moon…")
        expect(page.locator("#panel .kind")).to_have_text("moon, star")
        assert page.locator("#panel .artist, #panel .by").count() == 0
