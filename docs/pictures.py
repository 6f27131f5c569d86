"""The pictures that README shows, made from the demo corpus by `python docs/pictures.py`.

In: artifacts/ after `dvc repro`, and a browser. Out: docs/*.png, the song map's page on a desk and on a
phone, and two of the figures, for light and for dark pages. What a page looks like depends on the fonts of
the machine.
"""

import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import browsers

from neuralist.config import corpus

DOCS = Path(__file__).resolve().parent
FIGURES = ("calibration", "curves")
SONG = "song=the-drowsy-cartographers--alphabet-and-fountain"
STEP = 5  # of 255: glows in fewer shades take two thirds of the bytes, and the eye sees no bands


def photograph(browser: Browser, address: str, name: str, *, theme: str, phone: bool = False) -> None:
    """Write docs/<name> as the page looks in a window of 1440 x 900, or on a phone of 390 x 844."""
    width, height = (390, 844) if phone else (1440, 900)
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
        device_scale_factor=1.5 if phone else 1,
        is_mobile=phone,
        has_touch=phone,
    )
    page = context.new_page()
    page.goto(address)
    page.locator("#count", has_text="songs").wait_for()
    page.wait_for_timeout(300)  # the last frame
    page.screenshot(path=DOCS / name)
    context.close()
    with Image.open(DOCS / name) as picture:
        reduced = picture.convert("RGB").point(lambda shade: round(shade / STEP) * STEP)
    reduced.save(DOCS / name, optimize=True)


def main(artifacts: Path) -> None:
    """Make every picture, of the demo corpus alone: README shows no third party's songs."""
    note = corpus.load(artifacts / "corpus.json").note
    if not note.startswith("Synthetic"):
        sys.exit(f"error: {artifacts} is not made from the demo corpus; README shows that one only")
    program = browsers.find()
    if not program:
        sys.exit(f"error: no browser found as {', '.join(browsers.NAMES)}; name one in CHROMIUM")
    page = (artifacts / "songmap.html").resolve().as_uri()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        photograph(browser, page, "songmap.png", theme="dark")
        photograph(browser, f"{page}#{SONG}", "songmap-phone.png", theme="light", phone=True)
        browser.close()
    for name in FIGURES:
        shutil.copyfile(artifacts / "figures" / f"{name}.png", DOCS / f"{name}.png")
        shutil.copyfile(artifacts / "figures_dark" / f"{name}.png", DOCS / f"{name}-dark.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else DOCS.parent / "artifacts")
