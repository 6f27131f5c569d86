"""The browser of this machine, for what drives a page by Playwright: benchmark, tests, pictures of pages."""

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find() -> str | None:
    """Return the program that CHROMIUM names, else the first of NAMES that is installed; None without one."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
