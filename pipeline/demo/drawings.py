"""Everything the square shows as a picture, drawn as SVG from flat shapes. Text is escaped; nothing is fetched."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from html import escape

from pipeline.demo.world import ImageSpec

WIDTH, HEIGHT = 1200, 675
FONT = "font-family=\"'DejaVu Sans','Noto Sans',sans-serif\""
PALETTE = (("#0f766e", "#14b8a6"), ("#b45309", "#f59e0b"), ("#9d174d", "#ec4899"), ("#3730a3", "#818cf8"),
           ("#166534", "#4ade80"), ("#7c2d12", "#fb923c"), ("#1e40af", "#60a5fa"), ("#6b21a8", "#c084fc"))  # fmt: skip
TONES = {"gold": ("#8a5a00", "#f6b93b", "#fff6dd"), "blue": ("#0b3c7d", "#3b82f6", "#e3efff")}


def avatar(handle: str, name: str) -> str:
    """The initials of `name` on a colour of `handle`'s own."""
    dark, light = _colours(handle)
    words = [word for word in name.split() if word[0].isalnum()]
    initials = "".join(word[0] for word in words[:2]).upper() or handle[0].upper()
    return _svg(
        160,
        160,
        f'<rect width="160" height="160" fill="{dark}"/><circle cx="122" cy="34" r="62" fill="{light}" opacity=".55"/>'
        f'<circle cx="24" cy="150" r="52" fill="{light}" opacity=".35"/>'
        f'<text x="80" y="100" {FONT} font-size="58" font-weight="700" fill="#fff" text-anchor="middle">'
        f"{escape(initials)}</text>",
    )


def header(handle: str) -> str:
    """A band of kawung, the batik pattern of four petals, in the account's colour."""
    dark, light = _colours(handle)
    petal = '<ellipse cx="30" cy="15" rx="9" ry="14"/>'
    turned = "".join(f'<g transform="rotate({angle} 30 30)">{petal}</g>' for angle in (45, 135, 225, 315))
    return _svg(
        1200,
        300,
        f'<defs><pattern id="k" width="60" height="60" patternUnits="userSpaceOnUse"><g fill="{light}" opacity=".38">'
        f'{turned}</g></pattern><linearGradient id="g"><stop stop-color="{dark}"/>'
        f'<stop offset="1" stop-color="{light}"/>'
        f'</linearGradient></defs><rect width="1200" height="300" fill="url(#g)"/>'
        f'<rect width="1200" height="300" fill="url(#k)"/>',
    )


def flower(size: int = 64) -> str:
    """The square's emblem: a chrysanthemum (*seruni*)."""
    petals = "".join(
        f'<ellipse cx="32" cy="14" rx="5" ry="13" fill="{colour}" transform="rotate({turn} 32 32)"/>'
        for colour, start in (("#f59e0b", 0), ("#fbbf24", 15))
        for turn in range(start, 360, 30)
    )
    return _svg(64, 64, f'{petals}<circle cx="32" cy="32" r="8" fill="#92400e"/>', shown=(size, size))


def draw(image: ImageSpec) -> str:
    """The picture of a post."""
    if image.kind == "poster":
        return _svg(WIDTH, HEIGHT, _poster(image))
    return _svg(WIDTH, HEIGHT, _SCENES[image.kind]())


def _poster(image: ImageSpec) -> str:
    dark, bright, pale = TONES[image.tone]
    rays = "".join(
        f'<path d="M860 400 L1300 {y} L1300 {y + 70} Z" fill="{bright}" opacity=".25"/>' for y in range(-420, 1200, 140)
    )
    people = "".join(
        f'<g transform="translate({x} 0)"><circle cx="0" cy="330" r="84" fill="{skin}"/>'
        f'<path d="M-150 675 Q-150 440 0 440 Q150 440 150 675 Z" fill="{dress}"/>'
        f'<path d="M-84 318 Q-70 230 0 236 Q70 230 84 318 Q40 282 0 286 Q-40 282 -84 318 Z" fill="{hair}"/></g>'
        for x, skin, dress, hair in ((770, "#b98158", dark, "#241a14"), (1010, "#c9946a", bright, "#33231a"))
    )
    badge = (
        f'<circle cx="160" cy="500" r="92" fill="{dark}"/><text x="160" y="546" {FONT} font-size="130" '
        f'font-weight="800" fill="#fff" text-anchor="middle">{image.number}</text>'
    )
    return (
        f'<rect width="1200" height="675" fill="{pale}"/>{rays}{people}'
        f'<text x="64" y="190" {FONT} font-size="76" font-weight="800" fill="{dark}" textLength="560" '
        f'lengthAdjust="spacingAndGlyphs">{escape(image.title)}</text>'
        f'<rect x="64" y="222" width="220" height="12" fill="{bright}"/>'
        f'<text x="64" y="318" {FONT} font-size="56" font-weight="600" fill="#222">{escape(image.line)}</text>{badge}'
    )


def _market() -> str:
    stalls = "".join(
        f'<g transform="translate({x} 0)"><path d="M-20 250 H220 L200 330 H0 Z" fill="{roof}"/>'
        f'<path d="M-20 250 H40 L50 330 H0 Z M100 250 H160 L155 330 H100 Z" fill="#fff" opacity=".5"/>'
        f'<rect x="8" y="330" width="8" height="230" fill="#6b4423"/><rect x="184" y="330" width="8" height="230" '
        f'fill="#6b4423"/><rect x="0" y="460" width="200" height="110" fill="#a36a3a"/>'
        + "".join(
            f'<circle cx="{20 + 32 * n}" cy="{452 - n % 2 * 8}" r="20" fill="{fruit}"/>' for n in range(6)
        )
        + "</g>"
        for x, roof, fruit in ((90, "#c2410c", "#65a30d"), (370, "#0f766e", "#dc2626"), (650, "#b45309", "#f59e0b"),
                               (930, "#9d174d", "#16a34a"))
    )  # fmt: skip
    return (
        '<rect width="1200" height="675" fill="#fde9c9"/><circle cx="1010" cy="130" r="70" fill="#fbbf24"/>'
        f'<rect y="560" width="1200" height="115" fill="#d6b48a"/>{stalls}'
    )


def _sea() -> str:
    waves = "".join(
        f'<path d="M0 {y} Q150 {y - 26} 300 {y} T600 {y} T900 {y} T1200 {y} V675 H0 Z" fill="{colour}"/>'
        for y, colour in ((400, "#0e7490"), (470, "#0891b2"), (545, "#06b6d4"), (610, "#67e8f9"))
    )
    return (
        '<defs><linearGradient id="s" x2="0" y2="1"><stop stop-color="#f97316"/><stop offset="1" stop-color="#fde68a"/>'
        '</linearGradient></defs><rect width="1200" height="675" fill="url(#s)"/>'
        f'<circle cx="620" cy="360" r="96" fill="#fff3c4"/>{waves}'
        '<path d="M330 440 Q460 530 590 440 L560 500 Q460 540 360 500 Z" fill="#7c2d12"/>'
        '<path d="M455 440 V270 L560 430 Z" fill="#fffbeb"/>'
    )


def _field() -> str:
    rows = "".join(
        f'<path d="M600 330 L{x} 675 H{x + 60} Z" fill="#a3a30d" opacity=".35"/>' for x in range(-300, 1500, 120)
    )
    return (
        '<rect width="1200" height="675" fill="#bae6fd"/><path d="M0 360 L260 150 L470 330 L690 110 L960 340 L1200 200 '
        'V420 H0 Z" fill="#4d7c6f"/><circle cx="930" cy="120" r="62" fill="#fde047"/>'
        f'<rect y="330" width="1200" height="345" fill="#e4c441"/>{rows}'
        '<g transform="translate(250 430)"><path d="M-70 20 L0 -40 L70 20 Z" fill="#c08a3e"/>'
        '<rect x="-26" y="20" width="52" height="120" rx="20" fill="#1d4ed8"/></g>'
    )


def _flower_scene() -> str:
    def bloom(x: int, y: int, size: int) -> str:
        petals = "".join(
            f'<ellipse cx="0" cy="-{size}" rx="{size * 7 // 10}" ry="{size}" fill="#e879c7" '
            f'transform="rotate({turn})"/>'
            for turn in range(0, 360, 72)
        )
        return f'<g transform="translate({x} {y})">{petals}<circle r="{size // 2}" fill="#fde047"/></g>'

    return (
        '<rect width="1200" height="675" fill="#fdf2f8"/><rect x="120" y="60" width="960" height="460" fill="#cfeafd"/>'
        '<path d="M600 60 V520 M120 290 H1080" stroke="#fff" stroke-width="16"/>'
        '<rect y="520" width="1200" height="155" fill="#d9b48f"/>'
        '<path d="M520 520 H720 L690 640 H550 Z" fill="#b45309"/>'
        '<path d="M620 520 Q560 360 700 220" stroke="#3f6212" stroke-width="10" fill="none"/>'
        + bloom(700, 220, 44) + bloom(610, 300, 38) + bloom(780, 300, 32)
    )  # fmt: skip


def _cat() -> str:
    books = "".join(
        f'<rect x="{x}" y="{y}" width="{width}" height="52" rx="6" fill="{colour}"/>'
        f'<rect x="{x + 24}" y="{y + 20}" width="90" height="10" fill="#fff" opacity=".6"/>'
        for x, y, width, colour in ((300, 560, 620, "#9f1239"), (340, 508, 560, "#0f766e"), (320, 456, 590, "#b45309"))
    )
    return (
        '<rect width="1200" height="675" fill="#f5efe6"/><rect y="612" width="1200" height="63" fill="#c8a27a"/>'
        f'{books}<ellipse cx="600" cy="390" rx="220" ry="92" fill="#e08a2c"/><circle cx="430" cy="372" r="82" '
        'fill="#e89a43"/><path d="M366 330 L376 262 L424 300 Z M440 298 L488 262 L496 332 Z" fill="#e08a2c"/>'
        '<path d="M392 372 q16 14 32 0 M440 372 q16 14 32 0" stroke="#3b2410" stroke-width="6" fill="none"/>'
        '<path d="M800 420 Q900 470 830 350" stroke="#e08a2c" stroke-width="34" fill="none" stroke-linecap="round"/>'
    )


def _people() -> str:
    figures = "".join(
        f'<g transform="translate({x} 0)"><circle cx="0" cy="270" r="74" fill="{skin}"/>'
        f'<path d="M-130 675 Q-130 370 0 370 Q130 370 130 675 Z" fill="{dress}"/>'
        f'<path d="M-76 262 Q-60 176 0 182 Q60 176 76 262 Q0 214 -76 262 Z" fill="#1f1712"/>'
        f'<path d="M96 470 L150 330" stroke="{skin}" stroke-width="40" stroke-linecap="round"/>'
        f'<path d="M152 330 L158 262" stroke="{skin}" stroke-width="18" stroke-linecap="round"/></g>'
        for x, skin, dress in ((280, "#a9744f", "#475569"), (580, "#c08d66", "#d99a17"), (880, "#b27d57", "#3f6b4f"))
    )
    return (
        '<rect width="1200" height="675" fill="#e7e5d8"/><path d="M120 420 V200 Q300 60 480 200 V420 Z M720 420 V200 '
        f'Q900 60 1080 200 V420 Z" fill="#cfd8c6"/>{figures}'
    )


def _chart() -> str:
    bars = "".join(
        f'<rect x="{150 + 130 * n}" y="{560 - height}" width="84" height="{height}" rx="6" fill="{colour}"/>'
        f'<text x="{192 + 130 * n}" y="{540 - height}" {FONT} font-size="26" fill="#333" '
        f'text-anchor="middle">{label}</text>'
        for n, (height, label, colour) in enumerate(
            ((210, "7,1", "#0f766e"), (180, "6,0", "#0f766e"), (345, "11,4", "#c2410c"), (150, "5,2", "#0f766e"),
             (380, "12,6", "#c2410c"), (330, "10,9", "#c2410c"), (200, "6,7", "#0f766e"))
        )
    )  # fmt: skip
    return (
        f'<rect width="1200" height="675" fill="#fff"/><text x="120" y="90" {FONT} font-size="36" font-weight="700" '
        f'fill="#222">Penduduk miskin per kecamatan (%)</text><path d="M120 560 H1080" stroke="#999" stroke-width="3"/>'
        f'{bars}<text x="120" y="620" {FONT} font-size="24" fill="#666">Jingga: kecamatan pesisir, naik dari tahun lalu'
        "</text>"
    )


_SCENES: dict[str, Callable[[], str]] = {
    "market": _market,
    "sea": _sea,
    "field": _field,
    "flower": _flower_scene,
    "cat": _cat,
    "people": _people,
    "chart": _chart,
}


def _colours(handle: str) -> tuple[str, str]:
    return PALETTE[zlib.crc32(handle.encode()) % len(PALETTE)]


def _svg(width: int, height: int, body: str, *, shown: tuple[int, int] | None = None) -> str:
    across, down = shown or (width, height)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{across}" height="{down}">'
        f"{body}</svg>"
    )
