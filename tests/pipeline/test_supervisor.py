"""Parts run in processes of their own; a dead one is started again, and it is said so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from sqlalchemy import select

from models.database import open_database
from models.log import LogEntry
from pipeline.supervisor import Part, supervise

SLEEPER = "import time; time.sleep(600)"
PARENT = """
import sys, threading
from pipeline.supervisor import Part
part = Part("child", [sys.executable, "-c", {child!r}])
part.start()
print(part.process.pid, flush=True)
threading.Event().wait()
"""
CHILD = """
import time
from pipeline.supervisor import end_with_supervisor
end_with_supervisor()
time.sleep(600)
"""


def _wait_for(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def _alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_a_killed_part_is_started_again_and_its_death_is_in_the_log(sqlite_database):
    part = Part("sleeper", [sys.executable, "-c", SLEEPER], pause=0.1)
    stop = threading.Event()
    thread = threading.Thread(target=supervise, args=(sqlite_database, [part], stop))
    thread.start()
    try:
        _wait_for(lambda: part.process is not None)
        first = part.process.pid
        os.kill(first, signal.SIGKILL)
        _wait_for(lambda: part.process is not None and part.process.pid != first)
        second = part.process.pid
    finally:
        stop.set()
        thread.join()
    assert not _alive(second)
    with sqlite_database.read() as session:
        entry = session.scalars(select(LogEntry).where(LogEntry.action == "part.died")).one()
    assert entry.subject == "parts:sleeper"


def test_a_part_is_started_again_even_when_the_database_takes_nothing(tmp_path):
    database = open_database(f"sqlite:///{tmp_path}/without-tables.sqlite")
    part = Part("sleeper", [sys.executable, "-c", SLEEPER], pause=0.1)
    stop = threading.Event()
    thread = threading.Thread(target=supervise, args=(database, [part], stop))
    thread.start()
    try:
        _wait_for(lambda: part.process is not None)
        first = part.process.pid
        os.kill(first, signal.SIGKILL)
        _wait_for(lambda: part.process is not None and part.process.pid != first)
    finally:
        stop.set()
        thread.join()
        database.close()


def test_parts_end_when_their_supervisor_is_killed_outright():
    parent = subprocess.Popen([sys.executable, "-c", PARENT.format(child=CHILD)], stdout=subprocess.PIPE, text=True)
    with parent:
        child = int(parent.stdout.readline())
        assert _alive(child)
        parent.kill()
    _wait_for(lambda: not _alive(child))
