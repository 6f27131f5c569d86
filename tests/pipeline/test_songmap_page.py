"""The song map's page in a browser: found, clicked, walked, linked, on a desk and on a phone.

The map is made by hand: nine songs in three corners, of which each song's nearest and the words that it
shares with them can be told by looking.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks import browsers
from playwright.sync_api import Browser, Page, expect, sync_playwright

from neuralist.model.similarity import Calibration, PairRegression, Similarity, Steepness
from neuralist.serving.catalogue import Catalogue
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
PLACES, MANHATTAN = np.array(CORNERS, dtype=float), Similarity("manhattan")


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
            "has_list": False,
        }
    )


def write(
    table: pd.DataFrame,
    path: Path,
    embeddings: np.ndarray = PLACES,
    similarity: Similarity = MANHATTAN,
) -> str:
    drawn = layout.songmap(table, embeddings, similarity, 3)
    words = song_words.weighted(table["lyrics"].tolist())
    regions = song_words.regions(embeddings, words)
    page = html_page.page(drawn, words, regions, "9 songs, by hand", "All made up.")
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = browsers.find()
    if not program:
        pytest.skip(
            f"needs a browser: none of {', '.join(browsers.NAMES)} is installed, and CHROMIUM names none"
        )
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(songs(), tmp_path_factory.mktemp("page") / "songmap.html")


def visit(
    browser: Browser, address: str, *, phone: bool = False, heading: str = "Song map"
) -> Iterator[Page]:
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
    expect(page).to_have_title(f"{heading}: 9 songs, by hand")
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
    expect(phone.locator("#panel h2")).to_have_text("Night")
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
    for page in visit(browser, write(table, tmp_path / "plain.html"), heading="Text map"):
        expect(page.locator("#modes")).to_be_hidden()
        assert page.locator(".entries .name").count() == 3
        page.get_by_role("combobox").fill("s0")
        page.keyboard.press("Enter")
        expect(page.locator("#panel h2")).to_have_text("s0: moon…")
        expect(page.locator("#panel .kind")).to_have_text("moon, star")
        assert page.locator("#panel .artist, #panel .by").count() == 0


# --- views, regions and names -----------------------------------------------------------------------


def test_escape_goes_back_to_the_view_before_a_song_was_opened(desk: Page) -> None:
    desk.mouse.move(800, 300)
    desk.mouse.wheel(0, -200)
    desk.wait_for_function("camera.zoom > 1.2")
    before = desk.evaluate("({ ...camera })")
    desk.get_by_role("combobox").fill("creme")
    desk.keyboard.press("Enter")
    desk.locator(".near").first.click()
    assert desk.evaluate("camera") != pytest.approx(before)
    desk.keyboard.press("Escape")
    expect(desk.locator("#panel")).to_be_hidden()
    assert desk.evaluate("camera") == pytest.approx(before)


def test_a_region_is_opened_by_its_name_or_its_entry_and_escape_goes_back(desk: Page) -> None:
    before = desk.evaluate("({ ...camera })")
    at = desk.evaluate(
        "(({ left, right, top, bottom }) => [(left + right) / 2, (top + bottom) / 2])(regionBoxes[1])"
    )
    canvas = desk.locator("#map").bounding_box()
    assert canvas is not None
    for way in ("name", "entry"):
        if way == "name":
            desk.mouse.click(canvas["x"] + at[0], canvas["y"] + at[1])
        else:
            desk.locator(".entries button", has_text="rail, train").click()
        expect(desk.locator("#count")).to_have_text("3 of 9 songs")
        assert desk.url.endswith("#region=2")
        assert desk.evaluate("camera.zoom") > 2
        desk.keyboard.press("Escape")
        expect(desk.locator("#count")).to_have_text("All 9 songs")
        assert desk.evaluate("camera") == pytest.approx(before)


def test_a_song_in_an_open_region_closes_first_and_then_the_region(desk: Page) -> None:
    desk.locator(".entries button", has_text="rail, train").click()
    of_region = desk.evaluate("({ ...camera })")
    desk.get_by_role("combobox").fill("rails")
    desk.keyboard.press("Enter")
    desk.keyboard.press("Escape")
    assert desk.evaluate("camera") == pytest.approx(of_region)
    desk.keyboard.press("Escape")
    assert desk.evaluate("camera") == pytest.approx({"x": 0.5, "y": 0.5, "zoom": 1})


def test_the_help_opens_at_its_beginning_where_it_is_longer_than_the_screen(phone: Page) -> None:
    phone.get_by_role("button", name="How to read this map").click()
    expect(phone.get_by_role("heading", name="How to read this map")).to_be_in_viewport()
    expect(phone.get_by_role("heading", name="How to read this map")).to_be_focused()
    expect(phone.get_by_role("button", name="Close", exact=True).last).not_to_be_in_viewport()


def test_the_question_mark_opens_the_help_and_is_a_letter_in_the_search(desk: Page) -> None:
    desk.get_by_role("combobox").press("?")
    expect(desk.locator("#help")).to_be_hidden()
    assert desk.get_by_role("combobox").input_value() == "?"
    desk.keyboard.press("Escape")
    desk.locator("#map").focus()
    desk.keyboard.press("?")
    expect(desk.locator("#help")).to_be_visible()
    expect(desk.locator("#help")).to_contain_text("Regions are found by k-means")
    desk.keyboard.press("Escape")
    expect(desk.locator("#help")).to_be_hidden()


def test_the_page_speaks_of_regions_alone(desk: Page) -> None:
    assert "cluster" not in desk.content().lower().partition("<script")[0]


def test_the_axis_of_time_has_a_title_and_round_years(desk: Page) -> None:
    desk.get_by_label("Year", exact=True).check(force=True)
    expect(desk.locator(".axis-title")).to_have_text("Year of the song1960 to 2015")
    assert desk.locator(".axis span").all_inner_texts() == ["1960", "1970", "1980", "1990", "2000", "2010"]
    left, right = (desk.locator(f".axis span:{which}-child").bounding_box() for which in ("first", "last"))
    scale = desk.locator(".scale").bounding_box()
    assert left and right and scale
    inner = scale["width"] - 16  # half a handle on each side
    # 50 of the 55 years lie between the ticks of 1960 and 2010.
    apart = right["x"] + right["width"] / 2 - left["x"] - left["width"] / 2
    assert apart == pytest.approx(inner * 50 / 55, abs=3)
    desk.get_by_label("First year").fill("1985")
    expect(desk.locator(".chosen")).to_have_text("1985 to 2015")


def test_names_of_regions_keep_their_place_on_a_phone(phone: Page) -> None:
    names = "regionBoxes.map(({ number, left, top }) => [number, left, top])"
    before = phone.evaluate(names)
    assert [number for number, _, _ in before] == [0, 1, 2]
    phone.evaluate("(pan(30, -20), draw())")
    assert phone.evaluate(names) == [
        [number, pytest.approx(left + 30), pytest.approx(top - 20)] for number, left, top in before
    ]
    phone.evaluate("(pan(-30, 20), zoomAt(2, 100, 100), zoomAt(0.5, 100, 100), draw())")
    assert phone.evaluate(names) == [[number, pytest.approx(x), pytest.approx(y)] for number, x, y in before]


@pytest.mark.parametrize("at", ["", "#song=s0", "#from=s0&to=s8&n=6", "#like=s0&like=s1&n=4"])
def test_no_name_lies_over_another_songs_dot(browser: Browser, address: str, at: str) -> None:
    """The boxes in which names are written, and the dots that are open, or all where none is."""
    code = """() => {
        const boxes = [], plain = write;
        write = (text, box, ...others) => { boxes.push({ text, ...box }); plain(text, box, ...others); };
        draw();
        write = plain;
        const open = opened(), dots = open ? [...open.main, ...open.marked] : songs;
        return { boxes, dots: dots.map((song) => ({ title: short(song.title, 30), at: toScreen(song) })) };
    }"""
    for page in visit(browser, f"{address}{at}"):
        drawn = page.evaluate(code)
        named = [box for box in drawn["boxes"] if any(box["text"] == dot["title"] for dot in drawn["dots"])]
        assert len(named) >= 3
        for box in named:
            for dot in drawn["dots"]:
                x, y = dot["at"]
                assert not (box["left"] < x < box["right"] and box["top"] < y < box["bottom"]), (box, dot)


# --- playlists --------------------------------------------------------------------------------------


def playlist(page: Page) -> list[str]:
    return page.locator("#panel .near .title").all_inner_texts()


def test_a_path_is_made_by_two_clicks_linked_and_walked_back(desk: Page) -> None:
    click(desk, "Moonrise")
    desk.get_by_role("button", name="Path to …").click()
    expect(desk.locator(".question")).to_contain_text("Which song shall the path end with?")
    desk.get_by_role("combobox").fill("oven")
    desk.keyboard.press("Enter")
    desk.get_by_label("Songs", exact=True).fill("4")
    desk.get_by_label("Songs", exact=True).press("Enter")
    assert playlist(desk)[0] == "Moonrise"
    assert playlist(desk)[-1] == "Oven"
    assert len(set(playlist(desk))) == 4
    assert desk.url.endswith("#from=s2&to=s7&n=4")
    desk.locator("#panel .near").nth(1).click()
    expect(desk.locator("#panel h3")).to_contain_text("Nearest songs")
    desk.get_by_role("button", name="Back").click()
    expect(desk.locator("#panel h2")).to_have_text("A path")
    desk.keyboard.press("Escape")
    expect(desk.locator("#panel")).to_be_hidden()
    assert desk.evaluate("camera") == pytest.approx({"x": 0.5, "y": 0.5, "zoom": 1})


def test_escape_takes_a_question_back_and_leaves_the_song_open(desk: Page) -> None:
    click(desk, "Night")
    desk.get_by_role("button", name="Path to …").click()
    desk.locator("#map").focus()
    desk.keyboard.press("Escape")
    assert desk.locator(".question").count() == 0
    expect(desk.locator("#panel h2")).to_have_text("Night")


def test_songs_are_added_and_taken_away(desk: Page) -> None:
    click(desk, "Night")
    desk.get_by_role("button", name="More like this").click()
    # Moonrise is at 0.3, the other of Ann's (Starlit) at 0.1, and so on by the distance to (0, 0).
    assert playlist(desk)[:2] == ["Starlit", "Moonrise"]
    desk.get_by_role("button", name="Add", exact=True).click()
    desk.get_by_role("combobox").fill("rails")
    desk.keyboard.press("Enter")
    desk.get_by_role("button", name="Take away").click()
    click(desk, "Starlit")
    assert desk.locator(".chip span:not(.mark)").all_inner_texts() == ["Night", "Rails", "Starlit"]
    assert desk.url.endswith("#like=s0&like=s3&not=s1&n=10")
    assert set(playlist(desk)).isdisjoint({"Night", "Rails", "Starlit"})
    desk.get_by_role("button", name="Leave out Rails").click()
    assert desk.url.endswith("#like=s0&not=s1&n=10")
    desk.get_by_role("button", name="Leave out Night").click()
    expect(desk.locator("#panel")).to_be_hidden()


def test_a_filter_chooses_what_a_playlist_is_made_of(browser: Browser, address: str) -> None:
    for page in visit(browser, f"{address}#like=s0&n=10&language=fr"):
        # By distance Moonrise, Rails, Station; the first two are Ben's.
        assert playlist(page) == ["Moonrise", "Station", "Rails"]
        expect(page.locator("#panel h3")).to_contain_text("Only 3 songs are left of those shown.")


@pytest.mark.parametrize("at", ["from=s0&to=s0", "from=s0", "from=zz&to=s1", "not=s0", "like=zz"])
def test_an_address_of_no_playlist_opens_none(browser: Browser, address: str, at: str) -> None:
    for page in visit(browser, f"{address}#{at}"):
        expect(page.locator("#panel")).to_be_hidden()


HARD = [
    "a\nb,c",
    "#EXTM3U",
    "ev\u202eil\x00",
    "\t tab \r\n",
    "</script>",
    "-1,x - y",
    "💔 \u2028",
    "Oven",
    "Salt",
]


def test_m3u_and_json_are_saved_without_network_and_no_title_breaks_them(
    browser: Browser, tmp_path: Path
) -> None:
    table = songs().assign(title=HARD, artist=[*"abcdefgh", None])
    saved, held, order = "", dict[str, Any](), list[int]()
    for page in visit(browser, f"{write(table, tmp_path / 'hard.html')}#from=s0&to=s8&n=9"):
        with page.expect_download() as download:
            page.get_by_role("button", name="Save as .m3u").click()
        saved = download.value.path().read_bytes().decode("utf-8")
        with page.expect_download() as download:
            page.get_by_role("button", name="Save as JSON").click()
        held = json.loads(download.value.path().read_text(encoding="utf-8"))
        order = [int(song["song_id"][1:]) for song in held["songs"]]
    assert sorted(order) == list(range(9))
    names = ["a - a b,c", "b - #EXTM3U", "c - ev�il�", "d - tab", "e - </script>", "f - -1,x - y", "g - 💔 �"]
    names += ["h - Oven", "Salt"]
    assert saved.split("\n") == [
        "#EXTM3U",
        "#PLAYLIST:From a - a b,c to Salt",
        "# No song has a file here: #EXTINF names artist and title alone. neuralist playlist --files FOLDER "
        "names the audio files in FOLDER.",
        *(f"#EXTINF:-1,{names[song]}" for song in order),
        "",
    ]
    assert len(saved.splitlines()) == 12
    assert held["query"]["song_id"] == "s0"
    assert held["to"] == {"song_id": "s8", "artist": None, "title": "Salt", "year": None}
    assert held["songs"][0] == {
        "rank": 1,
        "song_id": "s0",
        "artist": "a",
        "title": "a\nb,c",
        "year": 1960,
        "similarity": None,
    }


def many(n_songs: int) -> pd.DataFrame:
    numbers = range(n_songs)
    return pd.DataFrame(
        {
            "song_id": [f"s{number:02}" for number in numbers],
            "artist": [f"Artist {number % 7}" for number in numbers],
            "title": [f"Title {number}" for number in numbers],
            "year": pd.array([None] * n_songs, dtype="Int64"),
            "genre": "rock",
            "language": "en",
            "lyrics": "moon",
        }
    )


def similarities() -> list[Similarity]:
    draw = np.random.default_rng(5)
    curve = Calibration(np.array([0.0, 0.2, 0.6, 1.0]), np.array([0.0, 0.4, 0.5, 1.0]))
    plain = [Similarity(kind, n_encoders=2) for kind in ("manhattan", "euclidean", "cosine")]
    curved = [Similarity(kind, curve) for kind in ("manhattan", "euclidean", "cosine")]
    weights = [draw.normal(size=shape).astype(np.float32) for shape in ((6, 3), (6, 3), (3,), (3,), ())]
    regressions = [
        PairRegression(draw.normal(size=2), draw.normal(size=3), draw.normal(size=()), np.array(0.3))
        for _ in range(2)
    ]
    learned = Similarity("learned", curve, (Steepness(*weights),))
    return [*plain, *curved, learned, Similarity("logistic", None, tuple(regressions), 2)]


@pytest.mark.parametrize("similarity", similarities(), ids=lambda one: f"{one.kind}{one.n_encoders}")
def test_the_page_measures_and_plays_as_the_command_does(
    browser: Browser, tmp_path: Path, similarity: Similarity
) -> None:
    """Two implementations beside each other: the page's in JavaScript, and the catalogue's."""
    table, draw = many(40), np.random.default_rng(8)
    vectors = draw.normal(size=(40, 6)).astype(np.float32)
    catalogue = Catalogue(
        table.assign(group_id=table["song_id"], first_words=None, tags=None, tag_weights=None),
        vectors,
        similarity,
    )
    left, right = np.indices((40, 40)).reshape(2, -1)
    expected = similarity(vectors[left], vectors[right]).reshape(40, 40)
    context = browser.new_context()
    page = context.new_page()
    page.goto(write(table, tmp_path / "page.html", vectors, similarity))
    pairs = "songs.map((one) => songs.map((other) => similarity(one.n, other.n)))"
    np.testing.assert_allclose(page.evaluate(pairs), expected, atol=2e-3)
    for start, end, n in ((0, 39, 5), (3, 17, 8), (20, 1, 3)):
        asked = {"from": start, "to": end, "n": n}
        assert page.evaluate("(asked) => path(asked)", asked) == catalogue.path(start, end, n)
    liked, scores = catalogue.like([0, 9], [4], 6)
    found = page.evaluate("alike({ like: [0, 9], not: [4], n: 6 })")
    assert [song["song"] for song in found] == liked
    assert [song["value"] for song in found] == pytest.approx(scores.tolist(), abs=2e-3)
    context.close()


def test_texts_without_artist_or_list_are_never_called_songs(browser: Browser, tmp_path: Path) -> None:
    table = songs().assign(artist=None, title=list("abcdefghi"))
    page, errors = browser.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(write(table, tmp_path / "texts.html"))
    shown = [page.title()]
    page.keyboard.press("?")
    shown.append(page.locator("body").inner_text())
    page.keyboard.press("Escape")
    page.evaluate("open(0, 'search')")
    shown.append(page.locator("body").inner_text())
    for name in ("Path to …", "Cancel", "More like this"):
        page.get_by_role("button", name=name, exact=True).click()
        shown.append(page.locator("body").inner_text())
    shown += page.locator("[aria-label]").evaluate_all("all => all.map(each => each.ariaLabel)")
    page.close()

    assert errors == []
    said = " ".join(shown).replace("9 songs, by hand", "")  # the caption is the caller's
    assert "Each dot is a text." in said
    assert "Nearest texts" in said
    assert "Which text shall the path end with?" in said
    assert "Only texts shown on the map take part." in said
    assert re.findall(r"(?i)\b(?:songs?|lyrics|artists?|playlists?|m3u)\b", said) == []
