"""Statuses as full as those of real servers: the demo's are short and alike, which no archive would be.

What is added has the form of https://docs.joinmastodon.org/entities/Status/. Recorded pages of a real account hold 3.3
to 3.8 kB a status, 0.30 to 0.42 kB when compressed; these 3.0 and 0.28.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

Json = dict[str, Any]

_EVERY_SECOND, _EVERY_THIRD = 2, 3


def as_of_a_person(status: Json) -> Json:
    """The status with what people add: pictures, cards, a profile with addresses; each by a rule of its own id."""
    number = int(status["id"]) // 65_536
    status["account"] |= _profile(status["account"])
    status["in_reply_to_id"] = None
    status["reblogs_count"], status["favourites_count"] = number % 97, number % 211
    status["quotes_count"], status["quote"], status["filtered"] = number % 3, None, []
    status["quote_approval"] = {"automatic": ["public"], "manual": [], "current_user": "denied"}
    if number % _EVERY_SECOND:
        status["card"] = _card(status["id"])
    else:
        status["media_attachments"] = [_picture(status["id"])]
    if number % _EVERY_THIRD == 0:
        status["mentions"] = [_mention(status["id"])]
    return status


def _token(*parts: str, length: int = 16) -> str:
    """Letters and digits that do not compress, the same on every start."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=length).digest()
    return base64.b32encode(digest).decode().lower()[:length]


def _path(number: str) -> str:
    return "/".join(number[start : start + 3] for start in range(0, len(number), 3))


def _picture(number: str) -> Json:
    place = f"https://files.rekaan.example/media_attachments/files/{_path(number)}"
    width, height = 960 + int(number) // 65_536 % 640, 720
    return {
        "id": str(int(number) + 1),
        "type": "image",
        "url": f"{place}/original/{_token(number, 'original')}.jpg",
        "preview_url": f"{place}/small/{_token(number, 'original')}.jpg",
        "remote_url": None,
        "preview_remote_url": None,
        "text_url": None,
        "meta": {
            "original": {
                "width": width, "height": height, "size": f"{width}x{height}", "aspect": width / height,
            },
            "small": {"width": 480, "height": 360, "size": "480x360", "aspect": 480 / 360},
        },
        "description": f"Foto kegiatan {_token(number, 'description')}",
        "blurhash": _token(number, "blurhash", length=36),
    }  # fmt: skip


def _card(number: str) -> Json:
    address = f"https://warta.rekaan.example/{_path(number)}/{_token(number, 'card')}"
    return {
        "url": address,
        "title": f"Kabar {_token(number, 'title')} dari kantor kecamatan",
        "description": f"Pelayanan {_token(number, 'first')} dan {_token(number, 'second')} dibuka lagi pekan ini.",
        "language": "id", "type": "link", "author_name": "", "author_url": "", "provider_name": "Warta Rekaan",
        "provider_url": "https://warta.rekaan.example", "html": "", "width": 1200, "height": 675,
        "image": f"https://files.rekaan.example/cache/{_path(number)}/{_token(number, 'image')}.jpg",
        "image_description": "", "embed_url": "", "blurhash": _token(number, "card blurhash", length=36),
        "published_at": None, "authors": [],
    }  # fmt: skip


def _mention(number: str) -> Json:
    name = f"warga_{_token(number, 'mention', length=8)}"
    address = f"https://tetangga.rekaan.example/@{name}"
    return {"id": str(int(number) // 3), "username": name, "url": address, "acct": f"{name}@tetangga.rekaan.example"}


def _profile(account: Json) -> Json:
    handle = account["acct"]
    picture = f"https://files.rekaan.example/accounts/avatars/{_path(account['id'])}/original/{_token(handle)}.png"
    header = f"https://files.rekaan.example/accounts/headers/{_path(account['id'])}/original/{_token(handle, 'h')}.png"
    return {
        "note": "<p>Warga rekaan; menulis tentang kampung, sekolah dan jalan yang rusak.</p>",
        "avatar": picture, "avatar_static": picture, "header": header, "header_static": header, "noindex": False,
        "hide_collections": False, "roles": [],
        "fields": [
            {"name": "Situs", "value": f'<a href="https://{handle}.rekaan.example" rel="me nofollow noopener">'
                                       f"{handle}.rekaan.example</a>", "verified_at": "2025-01-02T03:04:05.678+00:00"},
            {"name": "Kota", "value": "Tanjung Seruni", "verified_at": None},
        ],
    }  # fmt: skip
