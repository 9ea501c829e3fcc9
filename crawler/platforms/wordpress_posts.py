"""WordPress' addresses, and the posts of its API, into ours.

API: https://developer.wordpress.org/rest-api/reference/posts/
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from crawler.source import Parsed, Unparsed, unparsed
from crawler.text.html import html_to_text
from crawler.text.jsontext import text_at, value_at
from crawler.text.moments import parse_moment
from models.errors import BadInput
from models.posts import ParsedPost

HOSTED = ".wordpress.com"
HOSTED_API = "https://public-api.wordpress.com/wp/v2/sites/"
MAX_NUMBER = 10**18

_DIRECTORY = r"((?:/[A-Za-z0-9._~-]{1,60}){0,4}?)"
_AUTHOR_PATH = re.compile(_DIRECTORY + r"/author/([A-Za-z0-9_-]{1,60})/?")
_DIRECTORY_PATH = re.compile(_DIRECTORY + "/?")
_AUTHOR_QUERY = re.compile(r"author=([1-9][0-9]{0,17})")
_LOCAL_TIME = re.compile(r"(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """Which site, and which author of it: by name, by number, or (neither) the only one."""

    origin: str
    directory: str = ""
    name: str = ""
    number: int = 0

    @property
    def site(self) -> str:
        """The site's name, with which all ids begin."""
        return f"{urlsplit(self.origin).netloc}{self.directory}"

    @property
    def hosted(self) -> bool:
        """Whether wordpress.com answers for it."""
        return self.site.endswith(HOSTED)

    def api(self, route: str, query: Mapping[str, Any], *, plain: bool) -> str:
        """The URL of a route of the API; `plain`: in the form that needs no permalinks."""
        if self.hosted:
            return f"{HOSTED_API}{self.site}{route}?{urlencode(query)}"
        if plain:
            return f"{self.origin}{self.directory}/?{urlencode({'rest_route': f'/wp/v2{route}', **query})}"
        return f"{self.origin}{self.directory}/wp-json/wp/v2{route}?{urlencode(query)}"


def parse_address(address: str) -> Address:
    """Take an author's or a blog's address apart.

    Raises:
        BadInput: it has another form.
    """
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError as error:
        raise BadInput(f"WordPress address {address[:200]!r}: {error}") from error
    if parts.scheme in {"http", "https"} and host and "@" not in parts.netloc and not parts.fragment:
        origin = f"{parts.scheme}://{parts.netloc.lower()}"
        if not parts.query and (path := _AUTHOR_PATH.fullmatch(parts.path)):
            return Address(origin, path[1], name=path[2].lower())
        author, path = _AUTHOR_QUERY.fullmatch(parts.query), _DIRECTORY_PATH.fullmatch(parts.path)
        if author and path:
            return Address(origin, path[1], number=int(author[1]))
        if parts.path in {"", "/"} and not parts.query:
            return Address(origin)
    forms = "https://HOST/author/NAME/, https://HOST/?author=NUMBER or https://HOST/"
    raise BadInput(f"WordPress address {address[:200]!r} is not of the form {forms}")


def read_posts(posts: Any, place: Address, author: int) -> Parsed:
    """A page of posts. One of another author is not taken.

    Raises:
        BadInput: it is no list.
    """
    found: list[ParsedPost] = []
    strange: list[Unparsed] = []
    for position, item in enumerate(list_of(posts, "posts")):
        try:
            found.append(read_post(item, place, author, f"/{position}"))
        except BadInput as error:
            strange.append(unparsed(f"/{position}", error))
    return Parsed(tuple(found), tuple(strange))


def read_post(item: Any, place: Address, author: int, locator: str = "") -> ParsedPost:
    """One post: title and text, a paragraph each; of a post with a password only the title is there.

    Raises:
        BadInput: not a post, one of another author, or one without words.
    """
    number = number_at(item, "id")
    if number_at(item, "author") != author:
        raise BadInput("post of another author")
    title, content = (html_to_text(text_at(item, part, "rendered")) for part in ("title", "content"))
    if not title and not content:
        raise BadInput("post without title and text")
    link = text_at(item, "link")
    posted, changed = moment_at(item, "date_gmt"), moment_at(item, "modified_gmt")
    return ParsedPost(
        external_id=f"{place.site}/?p={number}",
        text="\n\n".join(part for part in (title, content) if part),
        url=link if link.startswith(("https://", "http://")) else None,
        posted_at=posted,
        locator=locator,
        edited_at=changed if posted and changed and changed > posted else None,
    )


def list_of(value: Any, what: str) -> list[Any]:
    """The value, which is a list.

    Raises:
        BadInput: it is none.
    """
    if not isinstance(value, list):
        raise BadInput(f"no list of {what}")
    return value


def number_at(item: Any, name: str) -> int:
    """The number of a post or user.

    Raises:
        BadInput: there is none.
    """
    value = value_at(item, name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < MAX_NUMBER:
        raise BadInput(f"no usable {name}")
    return value


def local_time(item: Any) -> str:
    """When the post was published by the site's clock, without a zone; empty when it does not say."""
    text = text_at(item, "date")
    try:
        return dt.datetime.fromisoformat(text).isoformat() if _LOCAL_TIME.fullmatch(text) else ""
    except ValueError:
        return ""


def moment_at(item: Any, name: str) -> dt.datetime | None:
    """WordPress writes moments in UTC without saying so."""
    return parse_moment(f"{text_at(item, name)}+00:00")
