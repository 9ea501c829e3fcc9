"""The tree head of RFC 6962, against its own recursive definition and the vectors that logs are tested with."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.merkle import CompactRange, leaf_hash

# The inputs and roots of certificate-transparency-go's and Trillian's tree tests.
INPUTS = [
    b"",
    b"\x00",
    b"\x10",
    b" !",
    b"01",
    b"@ABC",
    b"PQRSTUVW",
    b"`abcdefghijklmno",
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def by_definition(entries: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, word for word."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return hashlib.sha256(b"\x01" + by_definition(entries[:k]) + by_definition(entries[k:])).digest()


def grown(entries: list[bytes]) -> CompactRange:
    tree = CompactRange()
    for entry in entries:
        tree.append(leaf_hash(entry))
    return tree


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_the_root_is_that_of_the_published_vectors(size):
    assert grown(INPUTS[:size]).root().hex() == ROOTS[size]


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_the_root_is_that_of_the_recursive_definition(entries):
    assert grown(entries).root() == by_definition(entries)


@given(st.lists(st.binary(max_size=8), max_size=40), st.lists(st.binary(max_size=8), max_size=40))
def test_a_stored_frontier_is_carried_on_as_if_the_tree_had_never_been_closed(before, after):
    first = grown(before)
    tree = CompactRange.from_bytes(first.size, first.to_bytes())
    for entry in after:
        tree.append(leaf_hash(entry))
    assert (tree.size, tree.root()) == (len(before) + len(after), by_definition(before + after))


def test_a_frontier_of_another_size_is_refused():
    tree = grown(INPUTS)
    with pytest.raises(ValueError, match="cannot cover"):
        CompactRange.from_bytes(7, tree.to_bytes())
