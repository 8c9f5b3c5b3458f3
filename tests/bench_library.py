"""What a thousand models cost: to identify, to show, to filter, and to scroll through."""

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FILES = 1000
KINDS = 5


def library_part(rounds: int) -> dict[str, Any]:
    """A folder of 1,000 files with the tensors' true names, on the page with the models."""
    home = Path(os.environ["MEZZOTINT_HOME"])
    _write(home / "data" / "models")
    from PySide6.QtWidgets import QApplication

    from desktop_app import paths
    from desktop_app.library.catalog import Catalog
    from desktop_app.studio.assets import AssetFilter
    from desktop_app.studio.studio import Studio
    from desktop_app.ui import theme
    from desktop_app.ui.main_window import MODELS, MainWindow

    where = paths.resolve()
    catalogs = [Catalog([where.models], where.cache) for _ in range(3)]
    scans = [_seconds(lambda one=one: one.scan(hashing=False)) for one in catalogs]
    application = QApplication.instance() or QApplication([])
    assert isinstance(application, QApplication)
    theme.apply(application, "dark")
    studio = Studio(where, model_folders=(where.models,))
    window = MainWindow(studio)
    window.resize(1600, 1000)
    window.show()
    application.processEvents()
    studio.desk.assets.set_assets(catalogs[-1].assets())

    def opened() -> None:
        window.show_page(MODELS)
        window.grab()

    found: dict[str, Any] = {
        "files": FILES,
        "identify_seconds": scans[0],
        "again_seconds": statistics.median(scans[1:]),
        "open_ms": _seconds(opened) * 1000,
    }
    view, assets = window.library_page.view, studio.desk.assets
    filters: list[float] = []
    for words in ("model 7", "sdxl", "lora", "no such", "", "ink", ""):
        wanted = AssetFilter(words=words)

        def narrow(wanted: AssetFilter = wanted) -> None:
            assets.set_filter(wanted)
            view.viewport().grab()

        filters += [_seconds(narrow) * 1000]
    bar = view.verticalScrollBar()
    frames: list[float] = []
    for at in range(40):
        bar.setValue(at * bar.maximum() // 40)
        frames.append(_seconds(lambda: view.viewport().grab()) * 1000)
    found["filter_ms"] = {"median": statistics.median(filters), "max": max(filters)}
    found["scroll_ms"] = {"median": statistics.median(frames), "max": max(frames)}
    return found


def library_rows(found: dict[str, Any]) -> list[str]:
    """The measurements for people."""
    narrow, scroll = found["filter_ms"], found["scroll_ms"]
    return [
        "",
        f"{found['files']} models, identified       {found['identify_seconds']:6.2f} s",
        f"the same folder again       {found['again_seconds']:6.2f} s",
        f"page with them, opened      {found['open_ms']:6.0f} ms",
        f"filtered and painted        {narrow['median']:6.1f} ms   at most {narrow['max']:.1f}",
        f"a frame while scrolling     {scroll['median']:6.1f} ms   at most {scroll['max']:.1f}",
    ]


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _write(folder: Path) -> None:
    from tests.library import files

    sd1, sdxl, vae = files.checkpoint("sd1"), files.checkpoint("sdxl"), files.vae()
    small = files.kohya(files.sdxl_lora_modules()[:60])
    large = files.kohya(files.sdxl_lora_modules())
    for number in range(FILES):
        shapes = (sd1, sdxl, vae, small, large)[number % KINDS]
        files.write_shapes(folder / f"{number % 20}" / f"model {number}.safetensors", shapes)
