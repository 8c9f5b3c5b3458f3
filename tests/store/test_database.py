"""The index: transactions, migrations with a way back, and files that are not a database."""

import sqlite3
import threading
from pathlib import Path

import pytest

from desktop_app.errors import AppError
from desktop_app.store.database import Database
from desktop_app.store.schema import LIBRARY


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.sqlite", migrations=["CREATE TABLE t (n INTEGER UNIQUE)"])
    with pytest.raises(sqlite3.IntegrityError), database.transaction() as connection:
        connection.execute("INSERT INTO t VALUES (1)")
        with database.transaction() as inner:
            inner.execute("INSERT INTO t VALUES (1)")
    assert database.rows("SELECT * FROM t") == []
    with database.transaction() as connection:
        connection.execute("INSERT INTO t VALUES (2)")
    database.close()
    again = Database(tmp_path / "x.sqlite", migrations=["CREATE TABLE t (n INTEGER UNIQUE)"])
    assert again.rows("SELECT * FROM t") == [(2,)]
    again.close()


def test_commits_are_on_the_disk_when_they_return(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.sqlite")
    assert database.rows("PRAGMA journal_mode") == [("wal",)]
    assert database.rows("PRAGMA synchronous") == [(2,)]
    assert database.rows("PRAGMA foreign_keys") == [(1,)]
    database.close()


def test_threads_take_turns(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.sqlite", migrations=["CREATE TABLE t (n INTEGER)"])
    with database.transaction() as connection:
        connection.execute("INSERT INTO t VALUES (0)")

    def count() -> None:
        for _ in range(25):
            with database.transaction() as inner:
                (number,) = inner.execute("SELECT n FROM t").fetchone()
                inner.execute("UPDATE t SET n = ?", (number + 1,))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert database.rows("SELECT n FROM t") == [(100,)]
    database.close()


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_kept_aside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "library.sqlite"
    path.write_bytes(content)
    database = Database(path)
    assert database.fresh
    assert database.put_aside is not None
    assert ".corrupt-" in database.put_aside.name
    assert database.put_aside.read_bytes() == content
    assert database.rows("SELECT count(*) FROM pictures") == [(0,)]
    database.close()


def test_a_damaged_page_is_noticed_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite"
    database = Database(path)
    with database.transaction() as connection:
        for number in range(2000):
            connection.execute("INSERT INTO jobs (recipe) VALUES (?)", (f"recipe {number}",))
    database.close()
    data = bytearray(path.read_bytes())
    data[8192:20000] = bytes(20000 - 8192)
    path.write_bytes(data)
    database = Database(path)
    assert database.put_aside is not None
    assert database.rows("SELECT count(*) FROM jobs") == [(0,)]
    database.close()


def test_another_programs_database_is_not_written_into(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE bookmarks (url TEXT)")
    other.commit()
    other.close()
    database = Database(path)
    assert database.put_aside is not None
    database.close()
    kept = sqlite3.connect(database.put_aside)
    assert kept.execute("SELECT name FROM sqlite_master").fetchall() == [("bookmarks",)]
    kept.close()


def test_an_empty_file_is_a_new_database(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite"
    path.write_bytes(b"")
    database = Database(path)
    assert database.fresh
    assert database.put_aside is None
    database.close()
    again = Database(path)
    assert not again.fresh
    again.close()


def test_a_newer_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite"
    Database(path, migrations=(*LIBRARY, "CREATE TABLE later (x)")).close()
    before = path.read_bytes()
    with pytest.raises(AppError) as refusal:
        Database(path)
    assert refusal.value.code == "database-newer"
    assert path.read_bytes() == before


def test_a_migration_keeps_the_rows_and_a_copy_of_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite"
    old = Database(path, migrations=["CREATE TABLE t (n)"])
    with old.transaction() as connection:
        connection.execute("INSERT INTO t VALUES (7)")
    old.close()
    new = Database(path, migrations=["CREATE TABLE t (n)", "ALTER TABLE t ADD COLUMN m"])
    assert new.rows("SELECT n, m FROM t") == [(7, None)]
    new.close()
    backup = sqlite3.connect(tmp_path / "library.sqlite.version-1")
    assert backup.execute("SELECT * FROM t").fetchall() == [(7,)]
    backup.close()


def test_a_migration_that_fails_halfway_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite"
    Database(path, migrations=["CREATE TABLE t (n)"]).close()
    with pytest.raises(sqlite3.OperationalError):
        Database(path, migrations=["", "CREATE TABLE u (n); CREATE TABLE nonsense ("])
    again = Database(path, migrations=["CREATE TABLE t (n)"])
    assert again.rows("SELECT name FROM sqlite_master") == [("t",)]
    assert again.put_aside is None
    again.close()


@pytest.mark.fault
def test_a_full_disk_is_said_in_words_and_nothing_is_lost(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.sqlite", migrations=["CREATE TABLE t (n)"])
    with database.transaction() as connection:
        connection.execute("INSERT INTO t VALUES (1)")
    pages = database.rows("PRAGMA page_count")[0][0]
    database.rows(f"PRAGMA max_page_count={pages + 1}")
    with pytest.raises(AppError) as refusal, database.transaction() as connection:
        connection.execute("INSERT INTO t VALUES (?)", ("x" * 100_000,))
    assert refusal.value.code == "disk-full"
    assert database.rows("SELECT * FROM t") == [(1,)]
    database.close()


def test_a_file_that_was_taken_away_is_not_written_into_the_void(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    database = Database(path, migrations=["CREATE TABLE t (n)"])
    path.rename(tmp_path / "elsewhere")
    with pytest.raises(AppError) as refusal, database.transaction():
        pass
    assert refusal.value.code == "database-gone"
    database.close()


def test_a_folder_in_the_way_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "library.sqlite").mkdir()
    with pytest.raises(AppError) as refusal:
        Database(tmp_path / "library.sqlite")
    assert refusal.value.code == "database-unusable"


def test_a_second_program_waits_and_then_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop_app.store.database._BUSY_MS", 50)
    one = Database(tmp_path / "x.sqlite", migrations=["CREATE TABLE t (n)"])
    two = Database(tmp_path / "x.sqlite", migrations=["CREATE TABLE t (n)"])
    with one.transaction() as connection:
        connection.execute("INSERT INTO t VALUES (1)")
        with pytest.raises(AppError) as refusal, two.transaction():
            pass
        assert refusal.value.code == "database-locked"
    with two.transaction() as connection:
        connection.execute("INSERT INTO t VALUES (2)")
    assert one.rows("SELECT count(*) FROM t") == [(2,)]
    one.close()
    two.close()
