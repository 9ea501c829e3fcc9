"""The text in an image: posters, photos, screenshots. It looks for letters alone, for no faces and no gestures.

Needs the extra `netra[ocr]`: RapidOCR with PP-OCRv6 (Apache-2.0), whose models come in its wheel. Images are hostile:
they are decoded and read in a process of their own, with limits on bytes, pixels, memory and time.
"""

from __future__ import annotations

import importlib.util
import io
import json
import multiprocessing
import resource
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Self

from models.errors import BadInput, NetraError, StorageError

MAX_BYTES = 10_000_000
MAX_PIXELS = 40_000_000
MAX_CHARACTERS = 5_000
SECONDS = 60.0
"""How long one image may take; a poster takes a second or two."""

_START_SECONDS = 120.0
_MEMORY_BYTES = 6 * 2**30
_SIDE = 2_000
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_NEEDED = ("rapidocr", "onnxruntime", "PIL")


def is_installed() -> bool:
    """Whether the extra is there."""
    return all(importlib.util.find_spec(name) for name in _NEEDED)


class ImageReader:
    """Reads images one at a time; a context that ends its process.

    Raises:
        NetraError: the extra is not installed.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        if not is_installed():
            raise NetraError("reading images needs an extra: pip install 'netra[ocr]'")
        self._seconds = seconds
        self._worker: tuple[BaseProcess, Connection] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read_text(self, image: bytes) -> str:
        """The lines of text in an image, from the top; empty where there are none.

        Raises:
            BadInput: no JPEG, PNG, WebP or GIF; damaged; beyond a limit.
            StorageError: the reading process does not start.
        """
        if len(image) > MAX_BYTES:
            raise BadInput(f"the image has more than {MAX_BYTES} bytes")
        connection = self._started()
        try:
            answer = _asked(connection, image, self._seconds)
        except (OSError, EOFError) as error:
            self.close()
            late = isinstance(error, TimeoutError)
            reason = f"takes longer than {self._seconds:g} s to read" if late else "broke its reader"
            raise BadInput(f"the image {reason}") from error
        if "error" in answer:
            raise BadInput(answer["error"])
        return answer["text"]

    def close(self) -> None:
        """End the reading process; the next image starts another."""
        if self._worker is not None:
            process, connection = self._worker
            self._worker = None
            connection.close()
            process.kill()
            process.join()

    def _started(self) -> Connection:
        if self._worker is not None and self._worker[0].is_alive():
            return self._worker[1]
        self.close()
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,), daemon=True)
        process.start()
        theirs.close()
        self._worker = (process, ours)
        try:
            if ours.poll(_START_SECONDS):
                ours.recv_bytes(1)
                return ours
        except (OSError, EOFError):
            pass
        self.close()
        raise StorageError("the process that reads images does not start")


def read_text(image: bytes) -> str:
    """The text in one image; several are read faster by one `ImageReader`.

    Raises:
        BadInput: no JPEG, PNG, WebP or GIF; damaged; beyond a limit.
        NetraError: the extra is not installed.
    """
    with ImageReader() as reader:
        return reader.read_text(image)


def _asked(connection: Connection, image: bytes, seconds: float) -> dict[str, str]:
    connection.send_bytes(image)
    if not connection.poll(seconds):
        raise TimeoutError
    return {key: str(value) for key, value in json.loads(connection.recv_bytes(MAX_CHARACTERS * 16)).items()}


def _serve(connection: Connection) -> None:
    """The reading process: images in, answers out."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    from rapidocr import RapidOCR  # noqa: PLC0415 - only this process needs it

    engine = RapidOCR(params={"Global.log_level": "critical", "Global.max_side_len": _SIDE})
    connection.send_bytes(b"!")
    while True:
        try:
            image = connection.recv_bytes(MAX_BYTES)
        except EOFError:
            return
        connection.send_bytes(json.dumps(_answer(engine, image)).encode())


def _answer(engine: Any, image: bytes) -> dict[str, str]:
    try:
        found = engine(_decoded(image), use_cls=False)
        return {"text": "\n".join(found.txts or ())[:MAX_CHARACTERS]}
    except BadInput as error:
        return {"error": str(error)}
    except Exception as error:  # noqa: BLE001 - decoders raise all kinds of errors on damaged images
        return {"error": f"not a readable image: {type(error).__name__}"}


def _decoded(image: bytes) -> Any:
    """RGB pixels (height, width, 3) of the first frame, no side longer than the engine reads."""
    import numpy as np  # noqa: PLC0415
    from PIL import Image, ImageOps  # noqa: PLC0415 - comes with the extra

    Image.MAX_IMAGE_PIXELS = None  # checked here, before any pixel is decoded
    with Image.open(io.BytesIO(image), formats=_FORMATS) as opened:
        if opened.width * opened.height > MAX_PIXELS:
            raise BadInput(f"the image has {opened.width} x {opened.height} pixels, more than {MAX_PIXELS}")
        opened.thumbnail((_SIDE, _SIDE))
        upright = ImageOps.exif_transpose(opened)
        return np.asarray(_on_white(upright))


def _on_white(image: Any) -> Any:
    from PIL import Image  # noqa: PLC0415

    layered = image.convert("RGBA")
    white = Image.new("RGBA", layered.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, layered).convert("RGB")
