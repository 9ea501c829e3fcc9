"""Bytes under their own hash: whole or absent, whatever dies in between."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.clock import utc_now
from models.errors import EvidenceDamaged, NotFound, StorageError
from models.evidence import EvidenceStore

ROOT = Path(__file__).parents[2]
WRITER = """
import os, sys
from pathlib import Path
from models.evidence import EvidenceStore
store = EvidenceStore(Path(sys.argv[1]))
for number in range(100_000):
    print(store.put(os.urandom(8) * 20_000), flush=True)
"""
CRAMPED = """
import resource, sys
from pathlib import Path
from models.errors import StorageError
from models.evidence import EvidenceStore
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
store = EvidenceStore(Path(sys.argv[1]))
print(store.put(b"small"))
try:
    store.put(b"x" * 200_000)
except StorageError as error:
    print(error)
"""


def named_files(store):
    return [path for path in store.root.glob("??/??/*") if path.is_file()]


@given(data=st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
def test_what_was_put_comes_back_under_its_hash(evidence, data):
    digest = evidence.put(data)
    assert digest == hashlib.sha256(data).hexdigest()
    assert evidence.get(digest) == data
    assert evidence.verify(digest)


def test_the_same_bytes_are_kept_once(evidence):
    assert evidence.put(b"a") == evidence.put(b"a")
    assert len(named_files(evidence)) == 1


def test_nobody_else_can_read_the_store(evidence):
    old = os.umask(0)
    try:
        evidence.put(b"a")
    finally:
        os.umask(old)
    modes = {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in [evidence.root, *evidence.root.rglob("*")]}
    assert modes == {0}


def test_altered_bytes_are_never_given_out(evidence):
    digest = evidence.put(b"true")
    (path,) = named_files(evidence)
    path.write_bytes(b"false")
    assert not evidence.verify(digest)
    with pytest.raises(EvidenceDamaged):
        evidence.get(digest)
    evidence.put(b"true")
    assert evidence.get(digest) == b"true", "putting the true bytes again heals the copy"


@pytest.mark.parametrize(
    "name",
    ["", "..", "../../etc/passwd", "/etc/passwd", "A" * 64, "a" * 63, "a" * 65, "٠" * 64, "a" * 62 + "/a", "\0" * 64],
)
def test_a_name_that_is_no_hash_reaches_no_file(evidence, name):
    with pytest.raises(NotFound):
        evidence.get(name)
    with pytest.raises(NotFound):
        evidence.verify(name)
    with pytest.raises(NotFound):
        evidence.delete(name, unused_since=utc_now())


def test_unknown_bytes_are_not_found(evidence):
    assert not evidence.verify("0" * 64)
    with pytest.raises(NotFound):
        evidence.get("0" * 64)


def test_a_writer_killed_at_any_moment_leaves_no_file_that_belies_its_name(tmp_path):
    store = EvidenceStore(tmp_path / "evidence")
    acknowledged: set[str] = set()
    for round_ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(store.root)], cwd=ROOT, stdout=subprocess.PIPE
        ) as writer:
            acknowledged.add(writer.stdout.readline().decode().strip())
            time.sleep(0.02 + 0.013 * round_)
            writer.send_signal(signal.SIGKILL)
            lines = writer.stdout.read().decode().split("\n")
        acknowledged |= set(lines[:-1])
    assert acknowledged <= {path.name for path in named_files(store)}
    for path in named_files(store):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    leftovers = list((store.root / "incoming").iterdir())
    assert store.sweep(before=utc_now() - dt.timedelta(hours=1)) == 0
    assert store.sweep(before=utc_now() + dt.timedelta(hours=1)) == len(leftovers)
    assert list((store.root / "incoming").iterdir()) == []


def test_a_full_disk_is_one_clear_error_and_leaves_nothing_behind(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", CRAMPED, str(tmp_path / "evidence")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    digest, error = done.stdout.splitlines()
    assert "evidence cannot be kept: File too large" in error
    store = EvidenceStore(tmp_path / "evidence")
    assert [path.name for path in named_files(store)] == [digest]
    assert list((store.root / "incoming").iterdir()) == []


def test_a_store_that_cannot_be_written_is_a_storage_error(tmp_path):
    (tmp_path / "evidence").write_text("a file is in the way")
    with pytest.raises(StorageError, match="cannot be kept"):
        EvidenceStore(tmp_path / "evidence").put(b"a")
    with pytest.raises(StorageError, match="cannot be read"):
        EvidenceStore(tmp_path / "evidence").get("0" * 64)


def test_deleting_is_durable_and_may_be_repeated(evidence):
    digest = evidence.put(b"a")
    later = utc_now() + dt.timedelta(minutes=1)
    assert evidence.delete(digest, unused_since=later)
    assert evidence.delete(digest, unused_since=later)
    assert named_files(evidence) == []


def test_bytes_that_a_crawl_has_just_put_again_are_spared(evidence):
    digest = evidence.put(b"a")
    (path,) = named_files(evidence)
    os.utime(path, (0, 0))
    evidence.put(b"a")
    assert not evidence.delete(digest, unused_since=utc_now() - dt.timedelta(minutes=2))
    assert evidence.get(digest) == b"a"
