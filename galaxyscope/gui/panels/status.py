"""The status bar: where the cursor is, what lies there, and what the program is doing."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QStatusBar, QToolButton, QWidget

from galaxyscope.gui.desk import one_line
from galaxyscope.gui.panels.common import GAP
from galaxyscope.gui.rows import value_text
from galaxyscope.gui.theme import DATA, tabular_font
from galaxyscope.sky.image import SkyImage

Point = tuple[float, float]
SCALE_TIP = "Redshift and pixel scale, and where they come from"


class StatusBar(QStatusBar):
    """Fields of fixed width in tabular figures, so that nothing jumps while the cursor moves."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.position = self._field("x 0000.0  y 0000.0", "Pixel under the cursor, 0-based")
        self.value = self._field("value −0.0000e+00 −0.000e+00", "Value of the pixel")
        self.sky = self._field("00:00:00.0 +00:00:00", "Right ascension and declination (ICRS)")
        self.map = self._field("map −0.00", "Value of the map, relative to its maximum")
        self.message = QLabel()
        self.addWidget(self.message, 1)
        self.trouble = QLabel()
        self.trouble.setAccessibleName("Measurements that are not on disk")
        self.trouble.setContentsMargins(GAP, 0, GAP, 0)
        self.trouble.setStyleSheet(f"color: {DATA['warning']}; font-weight: 600;")
        self.trouble.hide()
        self.addPermanentWidget(self.trouble)
        self.scale = self._field("", SCALE_TIP, permanent=True)
        self.device = self._field("", "Where the network runs", permanent=True)
        self.jobs = QToolButton(autoRaise=True)
        self.jobs.setText("idle")
        self.jobs.setToolTip("Jobs")
        self.addPermanentWidget(self.jobs)

    def _field(self, widest: str, tip: str, permanent: bool = False) -> QLabel:
        label = QLabel()
        font = tabular_font(label.font())
        label.setFont(font)
        label.setToolTip(tip)
        label.setContentsMargins(GAP, 0, GAP, 0)
        if widest:
            label.setMinimumWidth(label.fontMetrics().horizontalAdvance(widest) + 2 * GAP)
        if permanent:
            self.addPermanentWidget(label)
        else:
            self.addWidget(label)
        return label

    def show_cursor(
        self, image: SkyImage | None, at: Point | None, sky: str, map_value: float | None
    ) -> None:
        """Show what lies under the cursor; nothing where it is not on the picture."""
        if image is None or at is None:
            for label in (self.position, self.value, self.sky, self.map):
                label.clear()
            return
        x, y = at
        self.position.setText(f"x {x:.1f}  y {y:.1f}")
        rows, columns = image.shape
        column, row = round(x), round(y)
        values = ""
        if 0 <= row < rows and 0 <= column < columns:
            values = "  ".join(value_text(float(v)) for v in image.data[:, row, column])
        self.value.setText(f"value {values}" + (f" {image.unit}" if image.unit else ""))
        self.sky.setText(sky)
        self.map.setText("" if map_value is None else f"map {map_value:.2f}".replace("-", "−"))

    def show_image(self, image: SkyImage | None) -> None:
        """Show redshift and pixel scale."""
        if image is None:
            self.scale.clear()
            return
        scale = "no pixel scale"
        if image.scale is not None:
            scale = f"{image.scale.arcsec_per_px:.3g}″/px ({image.scale.source})"
        redshift = "" if image.redshift is None else f"z {image.redshift:.4g}   "
        self.scale.setText(redshift + scale)
        self.scale.setToolTip("\n".join((SCALE_TIP, *map(one_line, image.notes))))

    def show_trouble(self, waiting: int, why: str) -> None:
        """Say that changes wait in memory because the disk refuses them; 0: all is well."""
        self.trouble.setVisible(waiting > 0)
        self.trouble.setText(f"{waiting} {'change' if waiting == 1 else 'changes'} not on disk")
        self.trouble.setToolTip(f"{why}\nKept in memory; tried again every few seconds.")

    def show_jobs(self, running: int, failed: int) -> None:
        """Show how many jobs run and have failed."""
        parts = [f"{running} {'job' if running == 1 else 'jobs'}"] if running else []
        parts += [f"{failed} failed"] if failed else []
        self.jobs.setText(" · ".join(parts) or "idle")
