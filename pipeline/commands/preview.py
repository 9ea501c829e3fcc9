"""What a crawl would find at an address, before it becomes a target."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.errors import BadInput
from pipeline.commands.options import Home

if TYPE_CHECKING:
    from rich.text import Text

    from crawler.preview import Preview, Reading

ACTOR = "command:preview"
MAX_FILE_BYTES = 10 << 20
SHOWN_CHARACTERS = 200


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(preview)


def preview(
    address: Annotated[str, typer.Argument(metavar="URL", help="Alamat sasaran; untuk page boleh dengan #netra:….")],
    source: Annotated[str, typer.Option(help="Sumber alamat itu.")] = "page",
    selectors: Annotated[str, typer.Option(help="item=article.post;text=.body;time=time;link=a.permalink")] = "",
    file: Annotated[
        Path | None, typer.Option(help="Baca halaman yang disimpan ini; tidak ada situs yang diminta.")
    ] = None,
    home: Home = None,
) -> None:
    """Lihat apa yang akan ditemukan crawl di sebuah alamat; tidak ada yang disimpan."""
    target = _address(source, address, selectors)
    seen = _saved(source, target, file) if file else _fetched(source, target, home)
    show_preview(seen, target)


def _address(source: str, address: str, selectors: str) -> str:
    from crawler.pages.selectors import parse_selectors, split_address  # noqa: PLC0415

    if not selectors:
        return address
    if source != "page" or "#" in address:
        raise BadInput("--selectors: hanya untuk --source page dengan alamat tanpa #")
    return f"{split_address(address)[0]}#{parse_selectors(selectors)}"


def _fetched(source: str, address: str, home: Path | None) -> Preview:
    from pipeline.application import open_application  # noqa: PLC0415
    from pipeline.previewing import look  # noqa: PLC0415

    with open_application(home) as app:
        return look(app, source, address, actor=ACTOR)


def _saved(source: str, address: str, file: Path) -> Preview:
    from crawler.preview import preview_saved  # noqa: PLC0415

    if file.stat().st_size > MAX_FILE_BYTES:
        raise BadInput(f"more than {MAX_FILE_BYTES} bytes", path=file)
    return preview_saved(source, address, file.read_bytes())


def show_preview(seen: Preview, address: str) -> None:
    """Print what each reader found, how the look ended, and the address."""
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    screen = Console()
    for reading in seen.readings.each:
        chosen = reading.reader == seen.readings.chosen
        title = f"{reading.reader}: {_count(reading)}{' (dipakai)' if chosen else ''}"
        if not (reading.posts or reading.unparsed):
            typer.echo(f"{title} {_shown(reading.problem)}".rstrip())
            continue
        table = Table("waktu", "penulis", "teks", "tautan", title=title, title_justify="left", show_lines=True)
        for post in reading.posts:
            time = f"{post.posted_at:%Y-%m-%d %H:%M}Z" if post.posted_at else "–"
            table.add_row(*_cells(time, post.author, post.text, post.url or "–"))
        for strange in reading.unparsed:
            table.add_row(*_cells("–", "–", f"tidak dipahami: {strange.reason}", strange.locator))
        screen.print(table)
    for hint in seen.readings.hints:
        typer.echo(_shown(f"coba {hint.part}={hint.selector}  ×{hint.count}  {hint.sample}"))
    typer.echo(_shown(f"{seen.outcome}: {seen.reason}" if seen.reason else str(seen.outcome)))
    typer.echo(f"alamat sasaran: {_shown(address, len(address))}")


def _count(reading: Reading) -> str:
    strange = f", {len(reading.unparsed)} tidak dipahami" if reading.unparsed else ""
    return f"{len(reading.posts)} unggahan{strange}"


def _cells(*texts: str) -> list[Text]:
    """Without markup: brackets in a post are its own."""
    from rich.text import Text  # noqa: PLC0415

    return [Text(_shown(text), overflow="fold") for text in texts]


def _shown(text: str, length: int = SHOWN_CHARACTERS) -> str:
    """One line of what somebody else wrote, in which nothing is an order to the terminal."""
    line = "".join(character if character.isprintable() else " " for character in " ".join(text.split()))
    return line if len(line) <= length else f"{line[: length - 1]}…"
