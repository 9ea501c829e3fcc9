"""One page saved in the browser, as a file of one response; see `crawler.mhtml_page`."""

from __future__ import annotations

from collections.abc import Iterator

from crawler.mhtml_page import MAX_BYTES, read_saved_page
from crawler.records import Opened
from crawler.snapshots import Snapshot


class Mhtml:
    """One saved page; see `crawler.snapshots.SnapshotSource`."""

    def snapshots(self, file: Opened) -> Iterator[Snapshot]:
        """The page."""
        yield read_saved_page(file.handle.read(MAX_BYTES + 1))
