"""Clusters (*kelompok*): posts with the same or nearly the same text, side by side. Verdicts stay one by one."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from review_ui.desk import PageNumber, RecordsDesk
from review_ui.queries.clusters import cluster_lines, load_cluster

router = APIRouter()

TABS = ("terbesar", "terbaru")


@router.get("/kelompok")
def list_clusters(desk: RecordsDesk, tab: str = "terbesar", hal: PageNumber = 0) -> Response:
    """Supervisors and auditors: texts that stand in posts of at least two accounts."""
    tab = tab if tab in TABS else TABS[0]
    with desk.ui.database.read() as session:
        lines, more = cluster_lines(session, newest=tab == "terbaru", page=hal)
    return desk.page("clusters.html", lines=lines, more=more, page_number=hal, tab=tab, tabs_shown=TABS)


@router.get("/kelompok/{cluster_id}")
def show_cluster(desk: RecordsDesk, cluster_id: str, hal: PageNumber = 0) -> Response:
    """Supervisors and auditors: a cluster's posts by time, each with its differences from the earliest."""
    with desk.ui.database.read() as session:
        found = load_cluster(session, cluster_id, desk.officer, hal)
    return desk.page("cluster.html", found=found, page_number=hal, offset=found.mandate.utc_offset_minutes)
