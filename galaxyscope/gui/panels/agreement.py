"""How well two opinions agree: choosers, one plot, the figures with their baselines."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from galaxyscope.gui.desk import one_line
from galaxyscope.gui.panels.common import GAP, QuietLabel
from galaxyscope.gui.panels.figures import Figures
from galaxyscope.gui.panels.scatter import ScatterPlot
from galaxyscope.records.comparison_text import SIZES
from galaxyscope.records.session_agreement import FEWEST, SessionAgreement, Side, Unit

UNITS: dict[Unit, tuple[str, str]] = {
    "relative": ("Relative", "Length over twice the radius of the galaxy"),
    "arcsec": ("″", "Length in arcsec"),
    "px": ("px", "Length in pixels of the file"),
}
HOW_TO_FILL = (
    "An agreement needs {fewest} galaxies with both an automatic length (M measures one) and a "
    "line of an observer (L draws one, File › Import lines… brings them)."
)


class AgreementPanel(QWidget):
    """See the module.

    Signals
    -------
    chosen : keys of both sides and the unit, after the user chose another
    galaxy_chosen : index of the pair whose point was clicked
    import_requested, export_requested
    """

    chosen = Signal(str, str, str)
    galaxy_chosen = Signal(int)
    import_requested = Signal()
    export_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shown: SessionAgreement | None = None
        self._a, self._b, self._view = QComboBox(), QComboBox(), QComboBox()
        for box, name, tip in (
            (
                self._a,
                "Side A",
                "A: the opinion that is judged; automatic is the newest row of each galaxy",
            ),
            (self._b, "Side B", "B: the opinion it is judged by"),
            (self._view, "View", "What the plot shows"),
        ):
            box.setAccessibleName(name)
            box.setToolTip(tip)
            box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            box.setMinimumContentsLength(8)
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
        self._units = QButtonGroup(self)
        self._buttons: dict[Unit, QToolButton] = {}
        for unit, (text, _tip) in UNITS.items():
            button = QToolButton(checkable=True, autoRaise=True)
            button.setText(text)
            button.setAccessibleName({"″": "arcsec"}.get(text, text))
            self._units.addButton(button)
            self._buttons[unit] = button
            button.clicked.connect(lambda _checked, unit=unit: self._choose(unit))
        self.export = QPushButton("Figure…")
        self.export.setToolTip("Save all views as PNG, SVG or PDF, with caption and provenance")
        self.export.clicked.connect(self.export_requested)
        top = QHBoxLayout()
        top.setSpacing(GAP)
        top.addWidget(self._a, 2)
        against = QLabel("against")
        top.addWidget(against)
        top.addWidget(self._b, 2)
        units = QHBoxLayout()
        units.setSpacing(0)
        for button in self._buttons.values():
            units.addWidget(button)
        top.addLayout(units)
        top.addWidget(self._view, 3)
        top.addWidget(self.export)

        self.plot = ScatterPlot()
        self.plot.chosen.connect(self.galaxy_chosen)
        self.figures = Figures()
        body = QWidget()
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        row.addWidget(self.plot, 1)
        row.addWidget(self.figures)
        self.notice = QuietLabel(wrap=True)
        self.notice.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.notice.setFixedWidth(520)
        self.bring = QPushButton("Import lines…")
        self.bring.clicked.connect(self.import_requested)
        empty = QWidget()
        middle = QVBoxLayout(empty)
        middle.setSpacing(GAP)
        middle.addStretch(1)
        for widget in (self.notice, self.bring):
            middle.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        middle.addStretch(1)
        stack = QWidget()
        self._stack = QStackedLayout(stack)
        self._stack.addWidget(empty)
        self._stack.addWidget(body)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GAP, GAP // 2, GAP, GAP // 2)
        layout.setSpacing(GAP // 2)
        layout.addLayout(top)
        layout.addWidget(stack, 1)
        self._a.activated.connect(lambda _index: self._choose())
        self._b.activated.connect(lambda _index: self._choose())
        self._view.activated.connect(lambda _index: self._show_view())
        self.show_agreement(None)

    def sizeHint(self) -> QSize:
        """Room for plot and figures."""
        return QSize(780, 300)

    def minimumSizeHint(self) -> QSize:
        """Low enough to share its dock with a table."""
        return QSize(600, 100)

    def show_busy(self) -> None:
        """Say that figures are being computed, where there are none to see yet."""
        if self.shown is None:
            self._tell("Comparing …")

    def show_message(self, text: str) -> None:
        """Say why there is nothing to see."""
        self.show_agreement(None)
        self._tell(text)

    def show_agreement(self, found: SessionAgreement | None) -> None:
        """Show a comparison, or what is needed for one."""
        self.shown = found
        comparison = None if found is None else found.found
        if found is not None:
            self._fill(self._a, found.sides, found.a)
            self._fill(self._b, found.sides, found.b)
        for unit, button in self._buttons.items():
            count = 0 if found is None else found.units.get(unit, 0)
            button.setEnabled(comparison is not None and count >= FEWEST)
            galaxies = "galaxy" if count == 1 else "galaxies"
            button.setToolTip(f"{UNITS[unit][1]}: {count} {galaxies}")
            button.setChecked(found is not None and comparison is not None and unit == found.unit)
        if found is not None and comparison is not None and comparison.sizes:
            tip = f"{UNITS['relative'][1]}: {SIZES[comparison.sizes]}"
            self._buttons["relative"].setToolTip(tip)
        for widget in (self._a, self._b):
            widget.setEnabled(found is not None)
        for widget in (self._view, self.export):
            widget.setEnabled(comparison is not None)
        self._fill_views()
        self._show_view()
        self.figures.show_figures(() if found is None else found.statistics, comparison)
        if comparison is None:
            why = "" if found is None else found.lacks
            text = f"{one_line(why)}\n{HOW_TO_FILL.format(fewest=FEWEST)}" if why else ""
            self._tell(text, offer=bool(text))
        self._stack.setCurrentIndex(0 if comparison is None else 1)

    def show_current(self, index: int | None) -> None:
        """Ring the point of the galaxy that is open."""
        self.plot.show_current(index)

    def choose_view(self, key: str) -> None:
        """Show another view, as if it had been chosen."""
        self._view.setCurrentIndex(self._view.findData(key))
        self._show_view()

    def _tell(self, text: str, offer: bool = False) -> None:
        self.notice.setText(text)
        self.bring.setVisible(offer)

    def _fill(self, box: QComboBox, sides: tuple[Side, ...], key: str) -> None:
        texts = [one_line(f"{side.title} ({side.rows})") for side in sides]
        if texts != [box.itemText(i) for i in range(box.count())]:
            box.clear()
            for side, text in zip(sides, texts, strict=True):
                box.addItem(text, side.key)
        box.setCurrentIndex(box.findData(key))

    def _fill_views(self) -> None:
        views = () if self.shown is None else self.shown.plots
        before = self._view.currentData()
        titles = [(plot.title, plot.key) for plot in views]
        if [self._view.itemText(i) for i in range(self._view.count())] != [t for t, _ in titles]:
            self._view.clear()
            for title, key in titles:
                self._view.addItem(title, key)
        # The radius has another name in another unit.
        kept = [i for i, (_, key) in enumerate(titles) if before and _view(key) == _view(before)]
        self._view.setCurrentIndex(kept[0] if kept else 0 if titles else -1)

    def _show_view(self) -> None:
        found = self.shown
        if found is None or found.found is None:
            self.plot.show_plot(None)
            return
        plot = found.plots[max(self._view.currentIndex(), 0)]
        pairs = found.found.pairs

        def name(index: int) -> str:
            pair = pairs[index]
            lengths = f"A {_length(pair.a.length)}   B {_length(pair.b.length)}"
            return f"{one_line(pair.name)}\n{lengths}"

        self.plot.show_plot(plot, name)

    def _choose(self, unit: Unit | None = None) -> None:
        if self.shown is not None:
            self.chosen.emit(self._a.currentData(), self._b.currentData(), unit or self.shown.unit)


def _view(key: str) -> str:
    return key.partition(" [")[0]


def _length(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
