"""A file is the old or the new one, whole, whichever call of the file system fails."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from desktop_app.errors import AppError
from desktop_app.store.files import (
    free_space,
    move,
    read_bounded,
    safe_name,
    sweep,
    told,
    write_atomic,
    write_numbered,
)
from tests.store.faults import Faults


def test_numbers_go_up_and_are_never_reused_for_another_file(tmp_path: Path) -> None:
    first = write_numbered(tmp_path / "day", "7.png", b"one")
    second = write_numbered(tmp_path / "day", "7.png", b"two")
    assert [first.name, second.name] == ["00001-7.png", "00002-7.png"]
    first.unlink()
    assert write_numbered(tmp_path / "day", "9.png", b"three").name == "00003-9.png"


def test_a_number_that_another_program_holds_is_left_to_it(tmp_path: Path) -> None:
    (tmp_path / "00001.part").write_bytes(b"")
    assert write_numbered(tmp_path, "7.png", b"one").name == "00002-7.png"


def test_the_counter_goes_on_after_99999(tmp_path: Path) -> None:
    (tmp_path / "99999-1.png").write_bytes(b"")
    assert write_numbered(tmp_path, "2.png", b"x").name == "100000-2.png"
    assert write_numbered(tmp_path, "2.png", b"x").name == "100001-2.png"


def test_two_programs_writing_at_once_never_share_a_name(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from desktop_app.store.files import write_numbered\n"
        "for i in range(40): write_numbered(Path(sys.argv[1]), '5.png', sys.argv[2].encode())\n"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), mark]) for mark in "abc"
    ]
    assert [child.wait(50) for child in children] == [0, 0, 0]
    files = sorted(tmp_path.iterdir())
    assert len(files) == 120
    assert sorted(path.read_text() for path in files) == ["a"] * 40 + ["b"] * 40 + ["c"] * 40


@pytest.mark.fault
def test_replacing_a_file_fails_whole_at_every_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "folder" / "settings.json"
    write_atomic(path, b"old")
    faults = Faults(monkeypatch)
    for at in range(1, 50):
        faults.arm(at)
        try:
            write_atomic(path, b"new" * 1000)
        except AppError as refusal:
            assert refusal.code == "disk-full"
            assert refusal.parameters["path"] == str(path)
            faults.arm(0)
            # A failed clean-up leaves one partial file for the sweep, never a torn one.
            assert path.read_bytes() == b"old"
        else:
            if not faults.struck:
                break
            faults.arm(0)
            assert path.read_bytes() == b"new" * 1000
            write_atomic(path, b"old")
    else:
        pytest.fail("the write never ran through")
    assert at > 3


@pytest.mark.fault
def test_a_new_file_is_whole_or_not_there_at_every_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = Faults(monkeypatch)
    saved = 0
    for at in range(1, 60):
        folder = tmp_path / f"day-{at}"
        faults.arm(at)
        try:
            path = write_numbered(folder, "7.png", b"pixels" * 1000)
        except AppError as refusal:
            faults.arm(0)
            assert refusal.code == "disk-full"
            assert not list(folder.glob("*.png"))
        else:
            struck = faults.struck
            faults.arm(0)
            assert path.read_bytes() == b"pixels" * 1000
            saved += 1
            if not struck:
                break
    else:
        pytest.fail("the write never ran through")
    # What fails after the rename (syncing the folder, closing) is no failed save.
    assert saved > 1


@pytest.mark.fault
def test_the_error_names_the_folder_and_the_free_space(tmp_path: Path) -> None:
    with pytest.raises(AppError) as refusal, told(tmp_path / "x.png"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert str(tmp_path) in refusal.value.sentence
    assert refusal.value.parameters["free"] == pytest.approx(free_space(tmp_path), rel=0.1)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EROFS, "read-only"),
        (errno.EACCES, "read-only"),
        (errno.ENOENT, "folder-gone"),
        (errno.EIO, "folder-gone"),
        (errno.ENAMETOOLONG, "write-failed"),
    ],
)
def test_other_refusals_have_their_own_words(tmp_path: Path, number: int, code: str) -> None:
    with pytest.raises(AppError) as refusal, told(tmp_path / "x.png"):
        raise OSError(number, os.strerror(number))
    assert refusal.value.code == code


def test_a_folder_that_is_a_file_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "day").write_text("not a folder")
    with pytest.raises(AppError) as refusal:
        write_numbered(tmp_path / "day", "7.png", b"x")
    assert refusal.value.code == "folder-gone"


def test_sweep_takes_only_what_a_killed_program_left(tmp_path: Path) -> None:
    day = tmp_path / "2026-11-21"
    day.mkdir()
    dead = [day / "00004.part", day / f".{'ab' * 8}.part"]
    others = [day / "film.mkv.part", day / "00004-7.png", day / f".{'cd' * 8}.part"]
    for path in (*dead, *others):
        path.write_bytes(b"half")
    old = time.time() - 3600
    os.utime(dead[1], (old, old))
    assert sweep(tmp_path) == 2
    assert not any(path.exists() for path in dead)
    assert all(path.exists() for path in others)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows refuses to remove an open file")
def test_sweep_leaves_a_file_that_is_being_written(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from desktop_app.store import files\n"
        "handle = files._create(Path(sys.argv[1]) / '00001.part')\n"
        "os.write(handle, b'half')\n"
        "print('holding', flush=True); sys.stdin.read()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=-1, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline().strip() == b"holding"
    assert sweep(tmp_path) == 0
    child.communicate()
    assert sweep(tmp_path) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows refuses to remove an open file")
def test_sweep_leaves_a_file_whose_writer_has_not_locked_it_yet(tmp_path: Path) -> None:
    part = tmp_path / "00001.part"
    part.touch()
    assert sweep(tmp_path) == 0
    old = time.time() - 3600
    os.utime(part, (old, old))
    assert sweep(tmp_path) == 1


@pytest.mark.fault
def test_moving_to_another_disk_never_leaves_the_file_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "a.png", tmp_path / "trash" / "b.png"
    source.write_bytes(b"pixels")
    rename = os.rename

    def other_disk(one: str, other: str, **named: int) -> None:
        if Path(one).name == "a.png":
            raise OSError(errno.EXDEV, "another disk")
        rename(one, other, **named)

    monkeypatch.setattr(os, "rename", other_disk)
    move(source, target)
    assert target.read_bytes() == b"pixels"
    assert not source.exists()


def test_names_for_files_differ_whenever_the_texts_do() -> None:
    names = ["a", "A", "con", "CON.", "../../.ssh/x", "é" * 200, "é" * 201, "\u202etxt", "", "\0"]
    made = [safe_name(name) for name in names]
    assert len({name.casefold() for name in made}) == len(names)
    for name in made:
        assert len(name.encode()) <= 94
        assert name.split("-")[0].lower() not in {"con", "nul"}
        assert not set(name) & set('/\\:*?"<>|\0\u202e')
    assert safe_name("e\u0301") == safe_name("é")


def test_reading_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"123")
    assert read_bounded(path, 3) == b"123"
    for bad, code in (
        (path, "file-size"),
        (tmp_path, "file-kind"),
        (tmp_path / "y", "file-missing"),
    ):
        with pytest.raises(AppError) as refusal:
            read_bounded(bad, 2)
        assert refusal.value.code == code
    with pytest.raises(AppError):
        read_bounded(Path("nul\0byte"), 2)
