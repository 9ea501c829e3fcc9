"""One page saved in the browser, as a file of one response; see `crawler.files.saved_page`."""

from __future__ import annotations

from collections.abc import Iterator

from crawler.files.records import Opened
from crawler.files.saved_page import MAX_BYTES, read_saved_page
from crawler.files.snapshots import Snapshot


class Mhtml:
    """One saved page; see `crawler.files.snapshots.SnapshotSource`."""

    def snapshots(self, file: Opened) -> Iterator[Snapshot]:
        """The page."""
        yield read_saved_page(file.handle.read(MAX_BYTES + 1))
