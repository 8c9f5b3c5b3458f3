"""Before Qt starts: what this machine lacks for a window, in words, where Qt would only abort."""

import ctypes
import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from desktop_app.errors import AppError

WINDOW_LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxcb.so.1": "libxcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
}
"""What PySide6-Essentials loads from a Linux system for X11: library -> Debian's package."""

WAYLAND_LIBRARIES = {
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
}
"""What it loads besides on Wayland, where X11 is the second choice."""


def usable_platforms(environment: Mapping[str, str]) -> str:
    """The value for QT_QPA_PLATFORM that will not abort; empty where Qt's own choice will do.

    Raises:
        AppError: `no-qt`, `no-display`, `qt-platform` or `system-libraries`.
    """
    qt = _qt_folder()
    if qt is None:
        raise AppError(
            "no-qt",
            f"PySide6 is not installed for {sys.executable}.",
            hint="Start Mezzotint with: python3 packaging/bootstrap.py run",
        )
    if sys.platform != "linux":
        return ""
    wanted = _wanted_platforms(environment)
    usable: list[str] = []
    refusals: list[AppError] = []
    for platform in wanted:
        try:
            _check_platform(qt, platform.partition(":")[0], environment)
        except AppError as refusal:
            refusals.append(refusal)
        else:
            usable.append(platform)
    if not usable:
        raise refusals[0]
    return ";".join(usable) if refusals else ""


def missing_libraries(libraries: Iterable[str]) -> list[str]:
    """Those of `libraries` that the system's loader does not find."""
    return [library for library in libraries if _loading_fault(library)]


def debian_packages(libraries: Iterable[str]) -> list[str]:
    """Debian's packages that hold `libraries`, as far as they are known; each once, sorted."""
    known = WINDOW_LIBRARIES | WAYLAND_LIBRARIES
    return sorted({known[each] for each in libraries if each in known})


def apt_line(packages: Iterable[str]) -> str:
    """The command that installs `packages`, ready to be pasted."""
    return "sudo apt-get install --no-install-recommends " + " ".join(packages)


def _wanted_platforms(environment: Mapping[str, str]) -> list[str]:
    """What the artist asks for, or else what the session offers, best first."""
    asked = environment.get("QT_QPA_PLATFORM", "")
    if asked:
        return asked.split(";")
    found: list[str] = []
    if environment.get("WAYLAND_DISPLAY"):
        found.append("wayland")
    if environment.get("DISPLAY"):
        found.append("xcb")
    if not found:
        raise AppError(
            "no-display",
            "There is no display to open a window on.",
            hint="Start Mezzotint from a desktop session, or use its commands, which need none: "
            'render --prompt "a watercolor of a red fox in snow" --out fox.png',
        )
    return found


def _check_platform(qt: Path, platform: str, environment: Mapping[str, str]) -> None:
    """Load what Qt will load for `platform` and knock at its display.

    Raises:
        AppError: Qt would abort.
    """
    folder = qt / "plugins" / "platforms"
    # Up to Qt 6.9 the plugin for "wayland" was called libqwayland-generic.so.
    candidates = [folder / f"libq{platform}.so", *sorted(folder.glob(f"libq{platform}-*.so"))]
    plugin = next((each for each in candidates if each.is_file()), None)
    if plugin is None or not re.fullmatch(r"[\w-]+", platform):
        names = ", ".join(
            sorted(each.stem.removeprefix("libq") for each in folder.glob("libq*.so"))
        )
        raise AppError(
            "qt-platform",
            f'QT_QPA_PLATFORM asks for "{platform}", which this Qt does not have.',
            hint=f"It has: {names}.",
        )
    fault = _loading_fault(str(plugin))
    if fault:
        raise _library_refusal(fault)
    if not _answers(platform, environment):
        name = environment.get("WAYLAND_DISPLAY" if platform == "wayland" else "DISPLAY", "")
        raise AppError(
            "no-display",
            f'The display "{name}" does not answer, so no window can be opened.',
            hint="Start Mezzotint from the desktop session it should appear in.",
            display=name,
        )


def _answers(platform: str, environment: Mapping[str, str]) -> bool:
    """Whether the display server behind `platform` takes a connection."""
    if platform == "xcb":
        xcb = ctypes.CDLL("libxcb.so.1")
        xcb.xcb_connect.argtypes = (ctypes.c_char_p, ctypes.c_void_p)
        xcb.xcb_connect.restype = ctypes.c_void_p
        xcb.xcb_connection_has_error.argtypes = (ctypes.c_void_p,)
        xcb.xcb_disconnect.argtypes = (ctypes.c_void_p,)
        connection = xcb.xcb_connect(os.fsencode(environment.get("DISPLAY", "")), None)
        broken = xcb.xcb_connection_has_error(connection)
        xcb.xcb_disconnect(connection)
        return not broken
    if platform == "wayland":
        wayland = ctypes.CDLL("libwayland-client.so.0")
        wayland.wl_display_connect.argtypes = (ctypes.c_char_p,)
        wayland.wl_display_connect.restype = ctypes.c_void_p
        wayland.wl_display_disconnect.argtypes = (ctypes.c_void_p,)
        name = environment.get("WAYLAND_DISPLAY", "")
        connection = wayland.wl_display_connect(os.fsencode(name) if name else None)
        if not connection:
            return False
        wayland.wl_display_disconnect(connection)
    return True


def _library_refusal(fault: str) -> AppError:
    """What to say after the loader's `fault`: every library that is missing, not only the first."""
    missing = missing_libraries(WINDOW_LIBRARIES | WAYLAND_LIBRARIES)
    first = fault.partition(":")[0]
    if first not in missing and first.startswith("lib"):
        missing.append(first)
    packages = debian_packages(missing)
    if not missing or not packages:
        hint = fault
    elif shutil.which("apt-get"):
        hint = "Install them with: " + apt_line(packages)
    else:
        hint = "Install the packages that hold them with your system's package manager."
    return AppError(
        "system-libraries",
        f"The window needs system libraries that are missing here: {', '.join(missing)}.",
        hint=hint,
        libraries=missing,
        packages=packages,
    )


def _loading_fault(library: str) -> str:
    """What the loader says against `library`; empty if it loads."""
    try:
        ctypes.CDLL(library)
    except OSError as fault:
        return str(fault)
    return ""


def _qt_folder() -> Path | None:
    """The Qt that PySide6 brings, found without importing it."""
    package = importlib.util.find_spec("PySide6")
    if package is None or package.origin is None:
        return None
    folder = Path(package.origin).parent
    return folder / "Qt" if (folder / "Qt").is_dir() else folder
