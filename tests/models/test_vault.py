"""Sealed details open with their key in their row only, and the key file belongs to one user."""

from __future__ import annotations

import json
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import StorageError
from models.vault import Vault, commitment, create_key_file, new_salt, open_vault

VAULT = Vault(sealing_key=b"s" * 32, index_key=b"i" * 32, signing_key=b"k" * 32)
DETAILS = {"name": "Sari Melur Wening", "nip": "198501012010012001"}


@given(st.dictionaries(st.text("abc"), st.text(st.characters(exclude_categories=["Cs"]))), st.text("ab"))
def test_what_was_sealed_opens_in_its_row(details, context):
    assert VAULT.unseal(VAULT.seal(details, context=context), context=context) == details


def test_a_sealed_cell_does_not_open_in_another_row():
    with pytest.raises(StorageError, match="cannot be opened"):
        VAULT.unseal(VAULT.seal(DETAILS, context="a"), context="b")


def test_a_sealed_cell_does_not_open_with_another_key():
    other = Vault(sealing_key=b"x" * 32, index_key=b"i" * 32, signing_key=b"k" * 32)
    with pytest.raises(StorageError, match="cannot be opened"):
        other.unseal(VAULT.seal(DETAILS, context="a"), context="a")


@given(st.data())
def test_any_altered_bit_is_noticed(data):
    sealed = bytearray(VAULT.seal(DETAILS, context="a"))
    place = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[place // 8] ^= 1 << place % 8
    with pytest.raises(StorageError):
        VAULT.unseal(bytes(sealed), context="a")


@given(st.integers(0, 40))
def test_a_cell_cut_short_is_noticed(length):
    with pytest.raises(StorageError):
        VAULT.unseal(VAULT.seal(DETAILS, context="a")[:length], context="a")


def test_the_same_details_are_never_sealed_the_same_way_twice():
    assert VAULT.seal(DETAILS, context="a") != VAULT.seal(DETAILS, context="a")


def test_an_index_finds_only_its_own_kind_under_its_own_key():
    other = Vault(sealing_key=b"s" * 32, index_key=b"x" * 32, signing_key=b"k" * 32)
    found = {VAULT.index("a", kind="nip"), VAULT.index("a", kind="name"), other.index("a", kind="nip")}
    assert len(found) == 3


def test_a_commitment_needs_its_salt():
    assert commitment(new_salt(), "a") != commitment(new_salt(), "a")


def test_the_key_file_is_for_its_owner_alone_even_under_a_loose_umask(tmp_path):
    old = os.umask(0)
    try:
        create_key_file(tmp_path / "netra.key")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "netra.key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["netra.key"]


def test_an_existing_key_file_is_never_replaced(key_file):
    before = key_file.read_bytes()
    with pytest.raises(StorageError, match="cannot make the key file"):
        create_key_file(key_file)
    assert key_file.read_bytes() == before


def test_a_key_file_that_others_can_read_is_refused(key_file):
    key_file.chmod(0o640)
    with pytest.raises(StorageError, match="chmod 600"):
        open_vault(key_file)


def test_a_missing_key_file_says_what_to_do(tmp_path):
    with pytest.raises(StorageError, match="netra init"):
        open_vault(tmp_path / "netra.key")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"sealing_key": 1}',
        json.dumps({"sealing_key": "00" * 32, "index_key": "", "signing_key": "00" * 32}),
        json.dumps({"sealing_key": "00" * 31, "index_key": "00" * 32, "signing_key": "00" * 32}),
    ],
)
def test_a_damaged_key_file_is_refused(tmp_path, content):
    path = tmp_path / "netra.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(StorageError, match="not a usable key file"):
        open_vault(path)
