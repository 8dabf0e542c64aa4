"""The store on real disks that misbehave: killed, full, read-only, corrupt, locked, missing. In a mount namespace of its own."""
import contextlib
import os
import random
import signal
import sqlite3
import stat
import time

import pytest
from drives import LIMIT, PROGRAM, ask, asides, drive, events, filled, sound  # noqa: F401 (drive: a fixture)
from helpers import seed

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


def test_rows_come_back_after_a_restart(drive, tmp_path):
    path = tmp_path / "hall.db"
    one = drive(path)
    one.order("put quota 10.0.0.1 {\"wakes\":3}")
    one.order("put setting old 1")
    one.sure("sure server testing {\"name\":\"Écran 🖥\"}")
    one.sure("remove setting old")
    one.end()
    code, rows = drive(path).rows()
    assert code == 0
    assert rows == ['row server testing {"name":"Écran 🖥"}', 'row quota 10.0.0.1 {"wakes":3}']


def test_the_file_is_what_it_should_be(drive, tmp_path):
    path = tmp_path / "made" / "hall.db"
    old = os.umask(0)
    try:
        one = drive(path)
    finally:
        os.umask(old)
    one.sure("sure-event 1")
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in path.parent.iterdir()}
    assert modes == {"hall.db": 0o600, "hall.db-wal": 0o600, "hall.db-shm": 0o600}
    one.end()
    assert [p.name for p in path.parent.iterdir()] == ["hall.db"]
    found = {p: ask(path, f"PRAGMA {p}") for p in ("application_id", "user_version", "auto_vacuum", "journal_mode")}
    assert found == {"application_id": 0x48616C6C, "user_version": 5, "auto_vacuum": 2, "journal_mode": "wal"}


def test_routine_rows_wait_for_their_batch_and_are_written_at_the_end(drive, tmp_path):
    path = tmp_path / "hall.db"
    one = drive(path)
    for i in range(49):
        one.number(f"event {i}")
    assert events(path) == []
    one.number("event 49")
    deadline = time.monotonic() + LIMIT
    while events(path) != list(range(50)):
        assert time.monotonic() < deadline
    one.number("event 50")
    one.end()
    assert events(path) == list(range(51))


def test_killed_at_any_moment(drive, tmp_path):
    """What was said to be written is there afterwards, once."""
    path, step = tmp_path / "hall.db", 0
    dice = random.Random(seed())
    for _ in range(int(os.environ.get("STORE_KILLS", "100"))):
        one = drive(path, "quick")
        code, rows = one.rows()
        assert code == 0
        found = int(rows[0].split()[3]) if rows else 0
        assert found >= step, f"step {step} was said to be written; the store knows {found}"
        step = found
        one.order(f"many {step + 1} {step + 100000}")
        one.wait(f"step {step + 1}")
        time.sleep(dice.random() * 0.02)
        one.process.send_signal(signal.SIGKILL)
        one.process.wait(LIMIT)
        one.reader.join(LIMIT)
        while (line := one.lines.get()) is not None:
            step = int(line.split()[1]) if line.startswith("step ") else step
    assert sound(path)
    found = events(path)
    assert found == list(range(1, len(found) + 1)) and len(found) >= step
    assert asides(tmp_path) == []


def corrupt_header(path):
    path.write_bytes(b"no database, but long enough to be looked at" * 100 + path.read_bytes()[4400:])


def corrupt_all(path):
    path.write_bytes(os.urandom(path.stat().st_size))


def corrupt_schema(path):
    with sqlite3.connect(path) as db:
        db.execute("DROP TABLE state")


@pytest.mark.parametrize("spoil", [corrupt_header, corrupt_all, corrupt_schema])
def test_corrupt_at_the_start(drive, tmp_path, spoil):
    path = tmp_path / "hall.db"
    filled(drive, path)
    spoil(path)
    spoilt = path.read_bytes()
    one = drive(path, "quick")
    aside = one.wait("salvage").split()[1]
    one.sure("sure-event 7")
    one.end()
    assert asides(tmp_path) == [aside] and aside.startswith("hall.db.corrupt.")
    assert (tmp_path / aside).read_bytes() == spoilt
    assert 7 in events(path) and sound(path)


def test_a_truncated_file(drive, tmp_path):
    path = tmp_path / "hall.db"
    filled(drive, path)
    os.truncate(path, path.stat().st_size // 2)
    one = drive(path, "quick")
    one.wait("salvage")
    one.sure("sure-event 7")
    one.end()
    assert len(asides(tmp_path)) == 1 and 7 in events(path) and sound(path)


def page_of(path, table):
    """A page inside the tree of that table."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT max(pageno) FROM dbstat WHERE name = ?", (table,)).fetchone()[0]


def spoil_page(path, page):
    with open(path, "r+b") as file:
        file.seek((page - 1) * 1024)
        file.write(b"\xa5" * 1024)


def test_a_corrupt_page_is_found_while_it_runs_and_the_state_is_kept(drive, tmp_path):
    path = tmp_path / "hall.db"
    filled(drive, path, 2000)
    spoil_page(path, page_of(path, "events_by_at"))
    one = drive(path, "quick")
    code, rows = one.rows()
    assert code == 0 and len(rows) == 2
    one.wait("salvage")
    one.sure("sure setting new 1")
    one.end()
    assert len(asides(tmp_path)) == 1 and sound(path)
    code, again = drive(path, "quick").rows()
    assert code == 0 and again == [*rows, "row setting new 1"]


def test_a_log_of_garbage_is_ignored(drive, tmp_path):
    path = tmp_path / "hall.db"
    filled(drive, path, 20)
    (tmp_path / "hall.db-wal").write_bytes(os.urandom(50000))
    one = drive(path, "quick")
    one.sure("sure-event 20")
    one.end()
    assert asides(tmp_path) == [] and events(path) == list(range(21))


def test_a_folder_stands_in_its_place(drive, tmp_path):
    path = tmp_path / "hall.db"
    path.mkdir()
    one = drive(path, "quick")
    assert "is not a file" in one.wait("problem")
    assert one.rows()[0] < 0
    one.sure("sure-event 1")  # nobody waits for ever
    path.rmdir()
    one.wait("well")
    one.end()
    assert events(path) == [1]


def test_a_missing_folder_that_appears(drive, tmp_path):
    path = tmp_path / "mount" / "hall" / "hall.db"
    one = drive(path, "quick")
    assert "its folder is missing" in one.wait("problem")
    one.order("put server testing 1")
    path.parent.parent.mkdir()
    one.wait("well")
    one.end()
    assert ask(path, "SELECT body FROM state") == "1"


def test_a_file_of_the_first_version_is_brought_forward(drive, tmp_path):
    path = tmp_path / "hall.db"
    with sqlite3.connect(path) as db:
        db.executescript("""PRAGMA page_size = 1024; PRAGMA auto_vacuum = INCREMENTAL;
            CREATE TABLE state (kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, saved_at INTEGER NOT NULL, PRIMARY KEY (kind, key)) STRICT;
            CREATE TABLE events (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, server TEXT, domain TEXT, project TEXT, type TEXT NOT NULL, body TEXT NOT NULL) STRICT;
            CREATE INDEX events_by_at ON events (at); CREATE INDEX events_by_server ON events (server, at) WHERE server IS NOT NULL;
            INSERT INTO state VALUES ('server', 'a', '1', 5); INSERT INTO events VALUES (7, 1700000000000, 'a', NULL, NULL, 'ready', '{}');
            PRAGMA application_id = 0x48616C6C; PRAGMA user_version = 1""")
    one = drive(path)
    one.order("load")
    assert one.wait("row") == "row server a 1"
    one.sure("sure-event 1")
    one.end()
    assert ask(path, "PRAGMA user_version") == 5 and ask(path, "SELECT count(*) FROM wakes") == 0
    with sqlite3.connect(path) as db:
        assert [row[0] for row in db.execute("SELECT id FROM events ORDER BY id")] == [7, 8]


def test_refusals_of_before_keep_their_sentence(drive, tmp_path):
    """A file of the fourth version: rows of refusals have no fact beside the sentence."""
    path = tmp_path / "hall.db"
    one = drive(path)
    one.end()
    with sqlite3.connect(path) as db:
        db.executescript("""ALTER TABLE refusals DROP COLUMN why_fact;
            INSERT INTO refusals VALUES (3, 1700000000000, 1700000000500, 4, '192.0.2.7', 'a.org', NULL, '/x', 'its address is kept out');
            PRAGMA user_version = 4""")
    one = drive(path)
    one.sure("sure-event 1")
    one.end()
    assert ask(path, "PRAGMA user_version") == 5
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT n, why, why_fact FROM refusals").fetchall() == [(4, "its address is kept out", None)]


@pytest.mark.parametrize("version, word", [(99, "newer version"), (0, "another program's")])
def test_what_is_not_ours_is_left_alone(drive, tmp_path, version, word):
    path = tmp_path / "hall.db"
    if version:
        filled(drive, path, 3)
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE precious (x)")
        db.execute(f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    one = drive(path, "quick")
    assert word in one.wait("problem")
    one.sure("sure-event 1")
    one.end()
    assert path.read_bytes() == before and asides(tmp_path) == []


def test_locked_by_another_program(drive, tmp_path):
    path = tmp_path / "hall.db"
    filled(drive, path, 3)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    one = drive(path, "quick")
    assert len(one.rows()[1]) == 2, "reading goes on"
    one.order("sure-event 3")
    assert "locked by another program" in one.wait("problem")
    one.wait("committed")
    assert events(path) == [0, 1, 2], "given up waiting for, not written"
    other.execute("COMMIT")
    other.close()
    one.wait("well")
    one.end()
    assert events(path) == [0, 1, 2, 3]


def test_moved_away_while_in_use(drive, tmp_path):
    path = tmp_path / "hall.db"
    one = drive(path, "quick")
    one.order("put setting idle 20")
    one.sure("sure-event 1")
    path.rename(tmp_path / "old.db")
    one.sure("sure-event 2")
    assert any("was moved or removed" in line for line in one.seen) or one.wait("problem")
    one.end()
    assert events(path) == [2] and ask(path, "SELECT body FROM state") == "20"


ROOM = 16384  # events that wait for a file that can be written: QUEUE_EVENTS_MAX


def test_events_are_bounded_while_nothing_can_be_written(drive, tmp_path):
    path = tmp_path / "missing" / "x" / "hall.db"
    one = drive(path, "quick")
    one.wait("problem")
    one.number("sure-event 0")
    for i in range(1, ROOM + 200):
        one.number(f"event {i}")
    path.parent.parent.mkdir()
    one.wait("problem The store could not keep 200")
    one.end()
    assert events(path) == [0, *range(201, ROOM + 200)], "the durable one is kept, and the newest of the others"


@needs_root
def test_a_full_disk(drive, tmp_path):
    path = tmp_path / "disk" / "hall.db"
    path.parent.mkdir()
    one = drive(path, "quick", script=f"mount -t tmpfs -o size=400k,mode=700 tmpfs {path.parent}")
    one.sure("sure-event 0")
    one.inside(f"head -c 1M /dev/zero > {path.parent}/ballast || true")
    for i in range(1, 60):
        one.order(f"put setting big{i} {'x' * 3000}")
    one.order("sure-event 1")
    assert "the disk is full" in one.wait("problem")
    one.wait("committed")
    one.inside(f"rm {path.parent}/ballast")
    one.wait("well")
    one.sure("sure-event 2")
    one.inside(f"cp {path} {path}-wal {tmp_path}")
    assert events(tmp_path / "hall.db") == [0, 1, 2] and sound(tmp_path / "hall.db")
    one.end()


@needs_root
def test_a_full_disk_from_the_start(drive, tmp_path):
    path = tmp_path / "disk" / "hall.db"
    path.parent.mkdir()
    script = f"mount -t tmpfs -o size=100k,mode=700 tmpfs {path.parent}\nhead -c 1M /dev/zero > {path.parent}/b 2>&- || true"
    one = drive(path, "quick", script=script)
    assert "the disk is full" in one.wait("problem")
    one.order("put server testing 1")
    one.inside(f"mount -o remount,size=1M {path.parent}")
    one.wait("well")
    one.sure("sure-event 2")
    one.inside(f"cp {path} {path}-wal {tmp_path}")
    assert ask(tmp_path / "hall.db", "SELECT body FROM state") == "1"
    one.end()


@needs_root
def test_a_read_only_file_system(drive, tmp_path):
    path = tmp_path / "disk" / "hall.db"
    filled(drive, path, 3)
    folder = path.parent
    one = drive(path, "quick", script=f"mount --bind {folder} {folder}\nmount -o remount,bind,ro {folder}")
    assert "read-only" in one.wait("problem")
    code, rows = one.rows()
    assert code == 0 and len(rows) == 2, "what can be read is read"
    one.sure("sure-event 3")
    assert events(path) == [0, 1, 2]
    one.inside(f"mount -o remount,bind,rw {folder}")
    one.wait("well")
    one.end()
    assert events(path) == [0, 1, 2, 3]


def as_nobody(path):
    return ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", PROGRAM, str(path), "quick"]


@needs_root
@pytest.mark.parametrize("folder_mode, file_mode, word", [(0o555, 0o666, "read-only"), (0o777, 0o444, "permission denied")])
def test_no_permission(open_path, drive, folder_mode, file_mode, word):
    """As an ordinary user, in a folder and with a file of root's."""
    path = open_path / "disk" / "hall.db"
    filled(drive, path, 3)
    path.chmod(file_mode)
    path.parent.chmod(folder_mode)
    one = drive(path, command=as_nobody(path))
    assert word in one.wait("problem")
    path.chmod(0o666)
    path.parent.chmod(0o777)
    one.wait("well")
    one.sure("sure-event 3")
    one.end()
    assert events(path) == [0, 1, 2, 3]
