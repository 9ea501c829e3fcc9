"""Static files: what is vendored is what it says, and nothing comes from elsewhere."""

from __future__ import annotations

import hashlib
import re

from review_ui.templating import STATIC

VENDOR = STATIC / "vendor"


def test_every_vendored_file_has_the_hash_that_is_written_down():
    rows = re.findall(r"\| `([\w.-]+)` \|.*\| `([0-9a-f]{64})` \|", (VENDOR / "VENDOR.md").read_text())
    names = {path.name for path in VENDOR.iterdir() if path.suffix in (".js", ".css")}
    assert {name for name, _ in rows} == names
    for name, digest in rows:
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest


def test_no_template_loads_anything_from_another_host():
    for path in STATIC.parent.glob("templates/*.html"):
        assert not re.search(r"""(src|href)=["'](https?:)?//""", path.read_text()), path


def test_a_page_with_all_its_assets_stays_small(site):
    page = site.sign_in("supervisor1").get("/telaah")
    assets = [site.stranger().get(path) for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)]
    assert len(assets) >= 3
    assert sum(len(asset.content) for asset in assets) + len(page.content) < 120_000


def test_the_strict_policy_leaves_htmx_nothing_to_evaluate():
    for path in STATIC.parent.glob("templates/*.html"):
        assert not re.search(r"hx-on|js:|hx-trigger=\"[^\"]*\[", path.read_text()), path
