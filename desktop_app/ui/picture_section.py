"""The picture's part of the sidebar: shape, size, steps, guidance, sampler and tiling."""

from dataclasses import replace
from math import gcd
from typing import Any, get_args

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_app.recipe.draft import Draft
from desktop_app.recipe.family import Control
from desktop_app.recipe.recipe import GUIDANCE, HEIGHT, STEPS, WIDTH, Tiling
from desktop_app.recipe.samplers import SAMPLERS, Sigmas, all_labels, label_of
from desktop_app.studio.editor import Editor
from desktop_app.studio.library import LibraryModel
from desktop_app.ui import theme
from desktop_app.ui.chips import Chip, ChipRow
from desktop_app.ui.fields import Combo, Refusal, label
from desktop_app.ui.number_fields import LABEL_WIDTH, NumberEdit, ResetLabel, SliderNumber

STEPS_TOP = 60
GUIDANCE_TOP = 20
"""Where the sliders end; the number fields take the whole range."""

TILING_LABELS: dict[Tiling, str] = {
    "none": "None",
    "both": "All edges join",
    "x": "Left joins right",
    "y": "Top joins bottom",
}

_ALL = get_args(Control)
_COMMON = ((1, 1), (4, 5), (5, 4), (3, 4), (4, 3), (2, 3), (3, 2), (9, 16), (16, 9), (1, 2), (2, 1))


class PictureSection(QWidget):
    """Shape, exact size, steps, guidance, sampler and tiling."""

    def __init__(
        self, editor: Editor, library: LibraryModel, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._editor, self._library = editor, library
        self._samplers: dict[str, tuple[str, Sigmas]] = {}
        self.title = ResetLabel("Picture", "title")
        self.shapes = ChipRow("Shape of the picture")
        self.width_edit = NumberEdit(WIDTH, step=WIDTH.multiple)
        self.height_edit = NumberEdit(HEIGHT, step=HEIGHT.multiple)
        self.refusal = Refusal()
        self.steps = SliderNumber(STEPS, default=20, top=STEPS_TOP)
        self.guidance = SliderNumber(GUIDANCE, step=0.5, decimals=1, default=7, top=GUIDANCE_TOP)
        self.sampler = Combo("Sampler")
        self.sampler_name = ResetLabel("Sampler")
        self.tiling = Combo("Seamless tiling")
        self.tiling_name = ResetLabel("Tiling")
        self._build()
        self._connect()
        self._show_model()

    def _build(self) -> None:
        self.title.setContentsMargins(theme.px(2), 0, 0, 0)
        self.title.setToolTip("Double-click for the model's own size")
        size = QHBoxLayout()
        size.setSpacing(theme.px(8))
        size.addWidget(self.width_edit, 1)
        size.addWidget(label("×", "hint"), 0, Qt.AlignmentFlag.AlignVCenter)
        size.addWidget(self.height_edit, 1)
        sampler = QHBoxLayout()
        sampler.setSpacing(theme.px(10))
        self.sampler_name.setFixedWidth(theme.px(LABEL_WIDTH))
        sampler.addWidget(self.sampler_name)
        sampler.addWidget(self.sampler, 1)
        for key, words in TILING_LABELS.items():
            self.tiling.addItem(words, key)
        self.tiling.setToolTip("Pictures that join themselves where they are laid side by side")
        self.tiling_name.setFixedWidth(theme.px(LABEL_WIDTH))
        self.tiling_name.setToolTip("Double-click for none")
        tiling = QHBoxLayout()
        tiling.setSpacing(theme.px(10))
        tiling.addWidget(self.tiling_name)
        tiling.addWidget(self.tiling, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(9))
        column.addWidget(self.title)
        column.addWidget(self.shapes)
        column.addLayout(size)
        column.addWidget(self.refusal)
        column.addWidget(self.steps)
        column.addWidget(self.guidance)
        column.addLayout(sampler)
        column.addLayout(tiling)

    def _connect(self) -> None:
        self.shapes.clicked.connect(self._set_shape)
        self.width_edit.edited.connect(lambda value: self._set(width=value))
        self.height_edit.edited.connect(lambda value: self._set(height=value))
        self.width_edit.refused.connect(self.refusal.say)
        self.height_edit.refused.connect(self.refusal.say)
        self.title.reset_asked.connect(self._reset_size)
        self.steps.edited.connect(self._set_steps)
        self.guidance.edited.connect(self._set_guidance)
        self.sampler.activated.connect(self._set_sampler)
        self.sampler_name.reset_asked.connect(self._reset_sampler)
        self.tiling.activated.connect(lambda _: self._set(tiling=self.tiling.currentData()))
        self.tiling_name.reset_asked.connect(lambda: self._set(tiling="none"))
        self._editor.changed.connect(self._show_draft)
        self._library.current_changed.connect(self._show_model)

    def _set(self, **fields: Any) -> None:
        self.refusal.attempt(lambda: self._editor.set(**fields))

    def _set_shape(self, key: str) -> None:
        width, height = (int(side) for side in key.split("x"))
        self._set(width=width, height=height)

    def _set_steps(self, steps: int) -> None:
        self.steps.attempt(lambda: self._editor.set(num_inference_steps=steps))

    def _set_guidance(self, guidance: float) -> None:
        self.guidance.attempt(lambda: self._editor.set(guidance_scale=float(guidance)))

    def _set_sampler(self) -> None:
        name = self.sampler.currentData()
        if name in self._samplers:
            scheduler, sigmas = self._samplers[name]
            self._set(scheduler=scheduler, sigmas=sigmas)

    def _reset_size(self) -> None:
        model = self._library.current
        if model is not None:
            self._set(width=model.native_size[0], height=model.native_size[1])

    def _reset_sampler(self) -> None:
        model = self._library.current
        if model is not None:
            self._set(scheduler=model.default_scheduler, sigmas=model.default_sigmas)

    def _offer_samplers(self, draft: Draft) -> None:
        """List the samplers of the model's family; one in use that is none of them as well."""
        family = self._library.family
        used = draft.scheduler, draft.sigmas
        offered = {
            name: pair
            for name, pair in all_labels().items()
            if family is None or family.samples(*pair) or pair == used
        }
        if offered == self._samplers:
            return
        self._samplers = offered
        self.sampler.clear()
        for row, (name, (key, sigmas)) in enumerate(offered.items()):
            if sigmas == "default" and row:
                self.sampler.insertSeparator(self.sampler.count())
            self.sampler.addItem(name, name)
            tip = "Noise levels as the model was trained" if sigmas == "default" else ""
            if SAMPLERS[key].order > 1:
                tip = f"{tip}\nLooks {SAMPLERS[key].order} times a step".strip()
            self.sampler.setItemData(self.sampler.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)

    def _show_controls(self, draft: Draft) -> None:
        """Show what the family of the model has, and what is set although it has it not."""
        family = self._library.family
        has = family.controls if family is not None else _ALL
        foreign = family is not None and not family.samples(draft.scheduler, draft.sigmas)
        self.guidance.setVisible("guidance_scale" in has)
        for part in (self.sampler_name, self.sampler):
            part.setVisible("scheduler" in has or foreign)
        for part in (self.tiling_name, self.tiling):
            part.setVisible("tiling" in has or draft.tiling != "none")
        step = self._library.multiple
        for edit, range_ in ((self.width_edit, WIDTH), (self.height_edit, HEIGHT)):
            edit.set_range(replace(range_, multiple=step))

    def _show_model(self) -> None:
        model = self._library.current
        self.shapes.set_chips(shape_chips(self._library.sizes))
        self.shapes.setVisible(bool(self._library.sizes))
        if model is not None:
            self.steps.set_default(model.default_steps, ", the model's own")
            self.guidance.set_default(model.default_guidance, ", the model's own")
            own = label_of(model.default_scheduler, model.default_sigmas)
            self.sampler_name.setToolTip(f"Double-click for {own}, the model's own")
        self._show_draft(self._editor.draft)

    def _show_draft(self, draft: Draft) -> None:
        self._offer_samplers(draft)
        self._show_controls(draft)
        self.shapes.set_checked([f"{draft.width}x{draft.height}"])
        self.width_edit.set_value(draft.width)
        self.height_edit.set_value(draft.height)
        self.steps.set_value(draft.num_inference_steps)
        self.guidance.set_value(draft.guidance_scale)
        self.tiling.setCurrentIndex(self.tiling.findData(draft.tiling))
        row = self.sampler.findData(label_of(draft.scheduler, draft.sigmas))
        if row != self.sampler.currentIndex():
            self.sampler.setCurrentIndex(row)


def shape_chips(sizes: tuple[tuple[int, int], ...]) -> list[Chip]:
    """A chip for each size: its ratio; where two have the same, the later ones say the size."""
    chips: list[Chip] = []
    used: set[str] = set()
    for width, height in dict.fromkeys(sizes):
        text = ratio_of(width, height)
        if text in used:
            text = f"{width}²" if width == height else f"{width}×{height}"
        used.add(text)
        pixels = f"{width} × {height} pixels"
        chips.append(
            Chip(key=f"{width}x{height}", text=text, tooltip=pixels, name=f"{text}, {pixels}")
        )
    return chips


def ratio_of(width: int, height: int) -> str:
    """The shape of a picture as photographers say it; to the nearest, when within 3 %."""
    shape = width / height
    a, b = min(_COMMON, key=lambda one: abs(one[0] / one[1] / shape - 1))
    if abs(a / b / shape - 1) <= 0.03:
        return f"{a}:{b}"
    part = gcd(width, height)
    return f"{width // part}:{height // part}"
