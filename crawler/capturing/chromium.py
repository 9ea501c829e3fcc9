"""Which Chromium to start."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from playwright.sync_api import sync_playwright

from crawler.capturing.config import INSTALL_CHROMIUM, BrowserMissing

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium(wanted: Path | None = None) -> Path:
    """The browser to start: `wanted` alone if it is given, else one on PATH, else Playwright's own.

    Raises:
        BrowserMissing: there is none; says how to install one.
    """
    if wanted is not None:
        return _existing(wanted)
    for name in CHROMIUM_NAMES:
        if found := shutil.which(name):
            return Path(found)
    with ThreadPoolExecutor(1) as thread:  # Playwright's blocking face refuses a thread that runs an event loop
        return _existing(thread.submit(_playwrights_own).result())


def _playwrights_own() -> Path:
    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise BrowserMissing(f"no Chromium at {path}; {INSTALL_CHROMIUM}")
    return path
