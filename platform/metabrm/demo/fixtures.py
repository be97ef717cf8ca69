"""The demo company's data files: one CSV file per entity and occasion, loaded in order of name.

`202-ACCOUNT-companies.csv` holds ACCOUNT records. Its first column is the external key by which
they are upserted, its header the API names of the fields. A column `ParentAccountIdObj.ExternalKey`
names another record by that record's own key. An empty cell is a field that is not sent.
"""

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metabrm.problems import Problem

DIRECTORY = Path(__file__).resolve().parents[3] / "fixtures" / "demo"
_NAME = re.compile(r"\d{3}-([A-Z_]+)(?:-[a-z-]+)?")


@dataclass(frozen=True)
class DataFile:
    """The records of one file; `lines` are the lines of the file on which they end."""

    name: str
    entity: str
    key: str
    records: list[dict[str, Any]]
    lines: list[int]

    def keys(self) -> list[str]:
        """The records' external keys, in order."""
        return [record[self.key] for record in self.records]


def read_all(directory: Path = DIRECTORY) -> list[DataFile]:
    """The data files in the order in which they are to be loaded; raises Problem without any."""
    paths = sorted(directory.glob("*.csv"))
    if not paths:
        raise Problem(
            f"there are no data files in {directory}; an installed metabrm does not carry the demo"
            " company: run `make demo` in a checkout of the repository"
        )
    return [_read(path) for path in paths]


def _read(path: Path) -> DataFile:
    name = _NAME.fullmatch(path.stem)
    if name is None:
        raise Problem(f"{path} must be called like 202-ACCOUNT-companies.csv")
    records: list[dict[str, Any]] = []
    lines: list[int] = []
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        if not header:
            raise Problem(f"{path} is empty; its first line must name the fields")
        for row in rows:
            if not any(row):
                continue
            if len(row) != len(header):
                raise Problem(
                    f"{path} line {rows.line_num} has {len(row)} cells, the header {len(header)}"
                )
            records.append(_record(header, row))
            lines.append(rows.line_num)
            if header[0] not in records[-1]:
                raise Problem(f"{path} line {rows.line_num} has no {header[0]}, which is its key")
    return DataFile(path.name, name[1], header[0], records, lines)


def _record(header: list[str], row: list[str]) -> dict[str, Any]:
    """A cell `x` below `AccountIdObj.ExternalKey` is sent as `{"ExternalKey": "x"}`."""
    record: dict[str, Any] = {}
    for column, cell in zip(header, row, strict=True):
        if cell:
            field, _, key = column.partition(".")
            record[field] = {key: cell} if key else cell
    return record
