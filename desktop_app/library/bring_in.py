"""Copies what the artist drops on the window among our own models, whole or not at all."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from desktop_app.errors import AppError, Cancelled
from desktop_app.files import PARTIAL_SUFFIX, replacing, sync_folder
from desktop_app.library.fetch_disk import check_room, disk_problem
from desktop_app.library.folders import OWN_FOLDERS
from desktop_app.library.identify import MODEL_FILES, look_at
from desktop_app.library.identity import Identity, unnamed
from desktop_app.library.pipelines import identify_folder
from desktop_app.library.safety import check_contents
from desktop_app.library.two_stages import Joint, joint_of
from desktop_app.library.words import bring_in_words, is_words

_BLOCK = 4 * 1024 * 1024
_FILES_MAX = 2000
_INDEX = "model_index.json"
_COPIED = MODEL_FILES | {".json", ".txt", ".model", ".md", ".png", ".jpg", ".jpeg", ".webp"}

Stop = Callable[[], bool]
Progress = Callable[[int, int], None]


def copy_in(path: Path, models: Path, stop: Stop, progress: Progress | None = None) -> Path:
    """Copy a model's file, with its picture and notes beside it, or its folder.

    Of a model that was published as two folders, both are copied into one where they lie beside
    each other.

    Args:
        models: our own folder of models; the copy goes below it, by its kind. The vocabularies of
            text encoders go into the folder `tokenizers` beside it.
        stop: asked now and then; true breaks off.
        progress: told now and then how many bytes of how many are copied.

    Returns:
        the copy; what is there already with the same name and bytes is taken for it.

    Raises:
        AppError: `model-kind` for what is no model, `tokenizer-file`, `disk-full`,
            `download-folder`.
        Cancelled: `stop` said so; nothing of it stays.
    """
    try:
        if is_words(path):
            return bring_in_words(path, models.parent / "tokenizers")
        joint = joint_of(path) if path.is_dir() else None
        if joint is not None:
            return _copy_joint(joint, models / OWN_FOLDERS["checkpoint"], stop, progress)
        files = _files(path)
        kind = _identity(path).kind
        folder = models / OWN_FOLDERS[kind]
        count = _Count(sum(size for _, size in files), stop, progress)
        check_room(folder, count.size)
        target = folder / path.name
        if target.exists() and _same(path, target, stop):
            return target
        target = _free(target)
        if path.is_dir():
            _copy_folder(target, {each: each.relative_to(path) for each, _ in files}, count)
        else:
            _copy(path, target, count)
            _copy_beside(path, target)
    except OSError as fault:
        raise disk_problem(fault, models) from fault
    return target


def is_model(path: Path) -> bool:
    """Whether a dropped file or folder may hold models; by names alone."""
    return path.is_dir() or path.suffix.lower() in MODEL_FILES or is_words(path)


def _identity(path: Path) -> Identity:
    identity = identify_folder(path) if path.is_dir() else look_at(path)
    unknown = identity.kind == "unknown" and identity.format != "pickle"
    if unknown or (identity.format == "folder" and identity.unsupported):
        raise AppError(
            "model-kind",
            f"“{path.name}” was not copied. {_why_not(path, identity)}",
            hint="A folder with many models can be used where it lies: add it to the folders."
            if path.is_dir()
            else "Download it again, or look at what its maker says of it.",
            path=str(path),
        )
    return identity


def _why_not(path: Path, identity: Identity) -> str:
    if path.is_dir() and not (path / _INDEX).exists():
        return f"It is no model by itself: it holds no {_INDEX}."
    return unnamed(identity.unsupported, path) or "What it is cannot be told."


def _files(path: Path) -> list[tuple[Path, int]]:
    """What is copied, with its size; links are not followed, and code stays where it is."""
    if not path.is_dir():
        return [(path, path.stat().st_size)]
    found: list[tuple[Path, int]] = []
    for place, folders, names in os.walk(path):
        folders[:] = [one for one in folders if not one.startswith(".")]
        for name in names:
            file = Path(place, name)
            if file.suffix.lower() in _COPIED and not file.is_symlink():
                found.append((file, file.stat().st_size))
        if len(found) > _FILES_MAX:
            raise AppError(
                "model-kind",
                f"“{path.name}” holds more files than one model has.",
                hint="Use it where it lies.",
                path=str(path),
            )
    return found


class _Count:
    """Counts the bytes that are copied, and breaks off when that is wanted."""

    def __init__(self, size: int, stop: Stop, progress: Progress | None) -> None:
        self.size = size
        self._stop, self._progress = stop, progress
        self._done = 0

    def add(self, count: int) -> None:
        """Raises:
        Cancelled: `stop` says so.
        """
        if self._stop():
            raise Cancelled
        self._done += count
        if self._progress is not None:
            self._progress(self._done, self.size)


def _copy_joint(joint: Joint, folder: Path, stop: Stop, progress: Progress | None) -> Path:
    """Both stages of a model as one folder, with the name of its decoder."""
    found = [*_files(joint.decoder), *_files(joint.prior)]
    placed = [(file, place, size) for file, size in found if (place := joint.place(file))]
    files = {file: place for file, place, _ in placed if place.name != _INDEX or place.parts[1:]}
    for each in (joint.decoder, joint.prior):
        check_contents(each)
    count = _Count(sum(size for file, _, size in placed if file in files), stop, progress)
    target = folder / joint.decoder.name
    index = json.dumps(joint.index, indent=2)
    if (target / _INDEX).is_file() and (target / _INDEX).read_text("utf-8") == index:
        return target
    check_room(folder, count.size)
    target = _free(target)
    _copy_folder(target, files, count, index)
    return target


def _copy_folder(
    target: Path, files: Mapping[Path, Path], count: _Count, index: str | None = None
) -> None:
    """Args:
    files: and where they lie below the target.
    index: written in place of the one that is copied; the whole is looked at then.
    """
    partial = target.with_name(f".{target.name}{PARTIAL_SUFFIX}")
    shutil.rmtree(partial, ignore_errors=True)
    with ExitStack() as undo:
        undo.callback(shutil.rmtree, partial, ignore_errors=True)
        for file, inside in files.items():
            place = partial / inside
            place.parent.mkdir(parents=True, exist_ok=True)
            _copy(file, place, count)
        if index is not None:
            (partial / _INDEX).write_text(index, "utf-8")
            _identity(partial)
        partial.rename(target)
        undo.pop_all()
    sync_folder(target.parent)


def _copy(path: Path, target: Path, count: _Count) -> None:
    partial = target.with_name(f".{target.name}{PARTIAL_SUFFIX}")
    with path.open("rb") as source, replacing(target, partial=partial) as copy:
        while block := source.read(_BLOCK):
            count.add(len(block))
            copy.write(block)


def _copy_beside(path: Path, target: Path) -> None:
    """The picture and the notes of a file, as other programs keep them beside it."""
    for each in path.parent.iterdir():
        name = each.name
        beside = name.startswith(f"{path.stem}.") and each != path
        small = each.suffix.lower() in _COPIED - MODEL_FILES or name.endswith(".civitai.info")
        if beside and small and each.is_file() and each.stat().st_size < 32 * 1024 * 1024:
            copy = target.with_name(target.stem + name[len(path.stem) :])
            if not copy.exists():
                shutil.copyfile(each, copy)


def _same(path: Path, target: Path, stop: Stop) -> bool:
    """Whether a file is there already, byte for byte, or a folder is the very same.

    Raises:
        Cancelled: `stop` said so.
    """
    if path.samefile(target):
        return True
    if path.is_dir() or target.is_dir() or path.stat().st_size != target.stat().st_size:
        return False
    with path.open("rb") as one, target.open("rb") as other:
        while block := one.read(_BLOCK):
            if stop():
                raise Cancelled
            if other.read(_BLOCK) != block:
                return False
    return True


def _free(target: Path) -> Path:
    """A name that nothing has yet."""
    folder = target.is_dir()
    stem, suffix = (target.name, "") if folder else (target.stem, target.suffix)
    number, found = 2, target
    while os.path.lexists(found):
        found = target.with_name(f"{stem}-{number}{suffix}")
        number += 1
    return found
