"""What a row is."""

from __future__ import annotations

import dataclasses

from galaxyscope.records.columns import RECORD_COLUMNS
from galaxyscope.records.making import record_of_error
from galaxyscope.records.record import Record


def test_rows_have_identities_that_are_not_compared() -> None:
    one, two = record_of_error("g.fits", "broken"), record_of_error("g.fits", "broken")
    assert one == two
    assert one.id != two.id
    assert one.error == "broken"


def test_every_field_is_a_column() -> None:
    fields = {f.name for f in dataclasses.fields(Record)} - {"id"}
    assert fields == {column.name for column in RECORD_COLUMNS}
