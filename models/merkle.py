"""Merkle tree hash of RFC 6962 §2.1, kept as a compact range so that appending costs O(log n) memory."""

from __future__ import annotations

import hashlib

HASH_BYTES = 32


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 ‖ entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class CompactRange:
    """The roots of the perfect subtrees that make up the first `size` leaves, largest first."""

    def __init__(self, size: int = 0, roots: list[bytes] | None = None) -> None:
        self.size = size
        self._roots = roots or []
        if len(self._roots) != size.bit_count():
            raise ValueError(f"{len(self._roots)} roots cannot cover {size} leaves")

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash at the end."""
        self._roots.append(leaf)
        merges = self.size
        while merges & 1:
            right = self._roots.pop()
            self._roots.append(node_hash(self._roots.pop(), right))
            merges >>= 1
        self.size += 1

    def root(self) -> bytes:
        """The tree head; SHA-256 of nothing for the empty tree."""
        if not self._roots:
            return hashlib.sha256(b"").digest()
        result = self._roots[-1]
        for left in reversed(self._roots[:-1]):
            result = node_hash(left, result)
        return result

    def to_bytes(self) -> bytes:
        """The roots, concatenated."""
        return b"".join(self._roots)

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> CompactRange:
        """Undo `to_bytes`.

        Raises:
            ValueError: `data` does not hold as many roots as `size` leaves have.
        """
        return cls(size, [data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)])
