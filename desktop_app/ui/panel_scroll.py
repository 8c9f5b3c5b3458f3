"""A panel's contents that scroll up and down, with the scroll bar in the margin beside them."""

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget


class PanelScroll(QScrollArea):
    """Scrolls a widget up and down only.

    The bar stands in the widget's right margin: what is in the panel is as wide with it as
    without, and stays in line with what is above and below the area.
    """

    def __init__(self, body: QWidget | None = None, parent: QWidget | None = None) -> None:
        """Args:
        body: what scrolls; its layout has its margins by now.
        """
        super().__init__(parent)
        self._margin = 0
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        if body is not None:
            self.setWidget(body)

    def bring_into_view(self, part: QWidget) -> None:
        """Scroll no further than it takes to see all of a part, or its beginning."""
        body = self.widget()
        if body is None:
            return
        top = part.mapTo(body, QPoint()).y()
        bar = self.verticalScrollBar()
        low = top + part.height() - self.viewport().height()
        bar.setValue(min(max(bar.value(), low), top))

    def setWidget(self, widget: QWidget) -> None:
        layout = widget.layout()
        self._margin = layout.contentsMargins().right() if layout is not None else 0
        super().setWidget(widget)

    def resizeEvent(self, event: QResizeEvent) -> None:
        # Also when the bar comes or goes: that resizes the viewport alone.
        body = self.widget()
        layout = body.layout() if body is not None else None
        if layout is not None:
            margins = layout.contentsMargins()
            taken = self.width() - self.viewport().width()
            margins.setRight(max(0, self._margin - taken))
            layout.setContentsMargins(margins)
        super().resizeEvent(event)
