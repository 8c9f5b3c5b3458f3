"""Which files of a repository belong together and may be fetched, and under which names."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

WEIGHTS = (".safetensors", ".sft", ".gguf")
PICKLES = (".ckpt", ".pt", ".pth", ".bin")
_SETTINGS = (".json", ".txt", ".model")
_INDEX = "model_index.json"
_STEMS = ("diffusion_pytorch_model", "model", "pytorch_model")
_VARIANT = re.compile(r"[A-Za-z0-9_]{1,20}")
_PIECE = re.compile(r"(?P<rest>.*?)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<late>\.\w+)?")
_LIST = re.compile(r"(?P<stem>.+)\.(?P<kind>safetensors|bin)\.index(?:\.(?P<variant>\w+))?\.json")
# Reserved by Windows with any ending; a folder may be carried there.
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_DEPTH_MAX = 8
_PATH_MAX = 512
_VARIANT_WORDS = {
    "": "full weights",
    "fp16": "half precision: half the size, the same look",
    "bf16": "half precision (bfloat16): half the size",
    "fp8": "eight bits: a quarter of the size, a little coarser",
}
# Named by old pipelines, never loaded here.
_UNUSED = ("safety_checker",)


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteFile:
    """A file as the hub lists it.

    Attributes:
        path: in the repository, with slashes.
        size: bytes.
        sha256: of its content; empty for small files, which git keeps.
        blob: git's name of those; empty for the others.
    """

    path: str
    size: int
    sha256: str = ""
    blob: str = ""

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.path).suffix.lower()


@dataclass(frozen=True, kw_only=True, slots=True)
class Pick:
    """Files that are fetched together.

    Attributes:
        title: for people.
        detail: what sets it apart from the others, in a few words.
        files: each with its path on our disk, relative, with slashes.
        folder: whether they make one model, as a folder; else it is a single file.
        pickle: whether it can run code when it is opened, and so needs consent.
        variant: of the weights, such as `fp16`; empty for the plain ones.
    """

    title: str
    detail: str
    files: tuple[tuple[RemoteFile, str], ...]
    folder: bool
    pickle: bool = False
    variant: str = ""

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(file.size for file, _ in self.files)


def is_plain_path(path: str) -> bool:
    """Whether a path from outside stays below a folder, on every system's disks."""
    if not path or len(path) > _PATH_MAX or not path.isprintable():
        return False
    pieces = path.split("/")
    return len(pieces) <= _DEPTH_MAX and all(_is_plain_name(piece) for piece in pieces)


def _is_plain_name(name: str) -> bool:
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        return False
    # Room is left for what is added to the name of a part.
    good = 0 < length <= 230 and not any(c in '\\:*?"<>|' for c in name)
    return good and name[-1] not in ". " and name[0] != " " and not _RESERVED.fullmatch(name)


def picks_of(
    files: Sequence[RemoteFile], path: str = ""
) -> tuple[tuple[Pick, ...], tuple[str, ...]]:
    """What can be fetched of a repository, the best first, and why the rest cannot.

    Args:
        path: of one file or one folder, when only that is wanted.
    """
    single = next((file for file in files if file.path == path), None) if path else None
    if single is not None:
        return _single(single)
    start = f"{path}/" if path else ""
    inside = {file.path[len(start) :]: file for file in files if file.path.startswith(start)}
    pipelines = _pipelines(inside)
    taken = {file.path for pick in pipelines for file, _ in pick.files}
    whole = bool(pipelines)
    parts = () if whole else _parts(inside)
    taken |= {file.path for pick in parts for file, _ in pick.files}
    loose = _loose(inside, taken, whole=whole)
    safe = [pick for pick in (*pipelines, *parts, *loose) if not pick.pickle]
    risky = [pick for pick in (*pipelines, *parts, *loose) if pick.pickle]
    return tuple(safe or risky), _left_out(inside, bool(safe))


def _single(file: RemoteFile) -> tuple[tuple[Pick, ...], tuple[str, ...]]:
    if file.suffix not in (*WEIGHTS, *PICKLES):
        return (), (f"“{PurePosixPath(file.path).name}” is no file with weights.",)
    return (_file_pick(file, file.path),), ()


def _file_pick(file: RemoteFile, path: str) -> Pick:
    return Pick(
        title=PurePosixPath(path).name,
        detail=str(PurePosixPath(path).parent) if "/" in path else "",
        files=((file, path),),
        folder=False,
        pickle=file.suffix in PICKLES,
    )


def _pipelines(inside: Mapping[str, RemoteFile]) -> tuple[Pick, ...]:
    if _INDEX not in inside:
        return ()
    # A folder in which only settings lie belongs to it too: tokenizer, scheduler.
    folders = sorted({path.rpartition("/")[0] for path in inside if path.count("/") == 1})
    picks = _variants(inside, ["", *folders], "Pipeline", top=False)
    return tuple(sorted(picks, key=lambda pick: (pick.pickle, pick.variant != "fp16", pick.size)))


def _parts(inside: Mapping[str, RemoteFile]) -> tuple[Pick, ...]:
    """Folders with one network each, such as a VAE or a ControlNet."""
    found: list[Pick] = []
    for path in sorted(inside):
        folder, _, name = path.rpartition("/")
        if name != "config.json":
            continue
        start = f"{folder}/" if folder else ""
        own = {
            other[len(start) :]: file
            for other, file in inside.items()
            if other.startswith(start) and "/" not in other[len(start) :]
        }
        found += _variants(own, [""], folder or "Network", top=True)
    return tuple(sorted(found, key=lambda pick: (pick.title, pick.pickle, pick.variant != "fp16")))


def _variants(
    inside: Mapping[str, RemoteFile], folders: Iterable[str], title: str, *, top: bool
) -> list[Pick]:
    """One pick for each set of weights that the folders hold.

    Args:
        top: whether weights at the top belong to it; else they are files of their own.
    """
    by_folder = {folder: _sorted_out(inside, folder) for folder in folders}
    for folder, (settings, _) in by_folder.items():
        if (not folder and not top) or folder in _UNUSED:
            by_folder[folder] = settings, {}
    names = {variant for _, weights in by_folder.values() for variant in weights}
    if not names:
        return []
    names = {name for name in names if not name.startswith("non_ema")} or names
    picks: list[Pick] = []
    for variant in sorted(names):
        files: dict[str, RemoteFile] = {}
        complete = True
        for settings, weights in by_folder.values():
            files |= {path: inside[path] for path in settings}
            chosen = weights.get(variant, weights.get(""))
            if weights and chosen is None:
                complete = False
            for path in chosen or ():
                files[_plain_name(path, variant)] = inside[path]
        if complete:
            pairs = tuple((file, path) for path, file in sorted(files.items()))
            picks.append(
                Pick(
                    title=title,
                    detail=_VARIANT_WORDS.get(variant, variant),
                    files=pairs,
                    folder=True,
                    pickle=any(file.suffix in PICKLES for file, _ in pairs),
                    variant=variant,
                )
            )
    return picks


def _sorted_out(
    inside: Mapping[str, RemoteFile], folder: str
) -> tuple[list[str], dict[str, list[str]]]:
    """The settings in a folder, and its weights by their variant."""
    start = f"{folder}/" if folder else ""
    settings: list[str] = []
    safe: dict[str, list[str]] = {}
    risky: dict[str, list[str]] = {}
    for path, file in inside.items():
        name = path[len(start) :]
        if not path.startswith(start) or "/" in name:
            continue
        found = _weights(name)
        if found is not None:
            kind, variant = found
            (safe if kind == "safetensors" else risky).setdefault(variant, []).append(path)
        elif file.suffix in _SETTINGS and _belongs(name, folder):
            settings.append(path)
    return settings, safe or risky


def _weights(name: str) -> tuple[str, str] | None:
    """The format and variant of a file that diffusers or transformers loads by its name, or of
    the list of its pieces; None for any other.
    """
    listed = _LIST.fullmatch(name)
    if listed is not None:
        return (listed["kind"], listed["variant"] or "") if listed["stem"] in _STEMS else None
    stem, _, kind = name.rpartition(".")
    if kind not in ("safetensors", "bin"):
        return None
    piece = _PIECE.fullmatch(stem)
    if piece is not None:
        stem = piece["rest"] + (piece["late"] or "")
    first, _, variant = stem.partition(".")
    good = first in _STEMS and (not variant or _VARIANT.fullmatch(variant))
    return (kind, variant) if good else None


def _plain_name(path: str, variant: str) -> str:
    """The name without its variant, which the loader looks for; pieces keep theirs, for their list
    names them.
    """
    folder, slash, name = path.rpartition("/")
    listed = _LIST.fullmatch(name)
    if listed is not None:
        name = f"{listed['stem']}.{listed['kind']}.index.json"
    elif variant and not _PIECE.fullmatch(name.rpartition(".")[0]):
        name = name.replace(f".{variant}.", ".", 1)
    return f"{folder}{slash}{name}"


def _belongs(name: str, folder: str) -> bool:
    if folder:
        return True
    # At the top, only what describes the model itself; a README's pictures and notes stay there.
    return name in (_INDEX, "config.json") or name.lower().startswith(("licen", "notice"))


def _loose(inside: Mapping[str, RemoteFile], taken: set[str], *, whole: bool) -> tuple[Pick, ...]:
    """Single files with weights, the smallest folder depth first.

    Args:
        whole: whether a pipeline is there too, whose parts are no models of their own.
    """
    found: list[Pick] = []
    for path, file in inside.items():
        name = path.rpartition("/")[2]
        part_of = whole and "/" in path and name.partition(".")[0] in _STEMS
        piece = _PIECE.fullmatch(name.rpartition(".")[0]) is not None
        if file.path in taken or part_of or piece or file.suffix not in (*WEIGHTS, *PICKLES):
            continue
        if whole and path.split("/")[0] in _UNUSED:
            continue
        found.append(_file_pick(file, path))
    return tuple(sorted(found, key=lambda pick: (pick.files[0][1].count("/"), pick.title.lower())))


def _left_out(inside: Mapping[str, RemoteFile], safe: bool) -> tuple[str, ...]:
    pickles = sum(file.suffix in PICKLES for file in inside.values())
    code = sum(file.suffix in (".py", ".so", ".dll", ".sh") for file in inside.values())
    others = sum(file.suffix in (".onnx", ".msgpack", ".xml", ".h5") for file in inside.values())
    found: list[str] = []
    if pickles and safe:
        found.append(f"{_files(pickles)} in the old format that can run code: not offered.")
    if code:
        found.append(f"{_files(code)} with program code: never fetched.")
    if others:
        found.append(f"{_files(others)} for other programs (ONNX, Flax, OpenVINO).")
    return tuple(found)


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"
