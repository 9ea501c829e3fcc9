"""Content-Encoding undone as Scrapy does it, within limits, and with one kind of error for all that can be wrong."""

from __future__ import annotations

from typing import Any

from scrapy import Request
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

MAX_LAYERS = 3
"""Encodings on top of each other. Each may cost as much as a whole body, and honest servers use one."""


class UnpackMiddleware(HttpCompressionMiddleware):
    """Scrapy's middleware, which holds the size limit while it decodes, for servers that lie about what they send."""

    def process_response(self, request: Request, response: Response, spider: Any = None) -> Request | Response:
        """Decode the body.

        Raises:
            IgnoreRequest: too large once decoded, too many layers, or not what the header says.
        """
        del spider
        layers = b",".join(response.headers.getlist("Content-Encoding")).count(b",") + 1
        if layers > MAX_LAYERS:
            raise IgnoreRequest(f"{layers} lapis kompresi")
        try:
            return super().process_response(request, response)
        except IgnoreRequest:
            raise
        except Exception as error:  # each of the four libraries has errors of its own
            raise IgnoreRequest(f"kompresi rusak ({type(error).__name__}: {error})") from error
