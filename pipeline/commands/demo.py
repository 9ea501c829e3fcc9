"""`netra demo`: an invented regency, from its public square to a full queue, in one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipeline.application import open_application
from pipeline.commands.flow import run_everything, until_idle
from pipeline.commands.setup import prepare_home
from pipeline.demo.seed import DemoLogin, seed
from pipeline.demo.square import HOST, PORT, start_square
from pipeline.settings import SETTINGS_FILE
from pipeline.stages import assess_new, capture_pending_flags, crawl_queued, queue_due
from review_ui.passwords import hash_password

DEMO_HOME = Path("demo-data")
SETTINGS = f"""\
# Peragaan: semua orang, instansi dan pemilihan di sini rekaan.
[office]
name = "Badan Pengawas Pemilihan Umum"
level = "Kabupaten Tanjung Seruni"
address = "Jalan Kenanga Raya 7, Tanjung Seruni"
city = "Tanjung Seruni"

[crawl]
contact = "peragaan di mesin ini"
allowed_hosts = ["{HOST}:{PORT}"]
delay_seconds = 0.05
"""


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(demo)


def demo(
    home: Annotated[Path, typer.Option(help="Direktori data peragaan.")] = DEMO_HOME,
    stay: Annotated[bool, typer.Option(help="Biarkan halaman telaah berjalan sampai dihentikan.")] = True,  # noqa: FBT002
) -> None:
    """Siapkan dan jalankan peragaan: kabupaten, calon, dan ASN rekaan; berakhir dengan antrean yang terisi."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (home / SETTINGS_FILE).exists():
        (home / SETTINGS_FILE).write_text(SETTINGS, encoding="utf-8")
    prepare_home(home)
    square = start_square(HOST, PORT)
    try:
        with open_application(home) as app:
            logins = seed(app.database, app.vault, square_url=square.url, hash_password=hash_password)
            for label, stage in (
                ("Menjadwalkan sasaran", queue_due),
                ("Menjelajah alun-alun", crawl_queued),
                ("Menilai unggahan", assess_new),
                ("Memotret halaman", capture_pending_flags),
            ):
                until_idle(app, label, stage)
            _show(logins, f"http://{app.settings.web.host}:{app.settings.web.port}", square.url)
            if stay:
                run_everything(app)
    finally:
        square.stop()


def _show(logins: list[DemoLogin], address: str, square_url: str) -> None:
    table = Table("Peran", "Nama pengguna", "Kata sandi", "Nama", box=None, pad_edge=False)
    for login in logins:
        table.add_row(", ".join(login.roles), login.username, login.password, login.name)
    console = Console()
    console.print(f"\nHalaman telaah  [bold]{address}[/]\nAlun-alun       {square_url}\n")
    console.print(table)
