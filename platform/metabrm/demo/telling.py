"""How the demo tells what happened: headings, tables and checks on the terminal."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from metabrm.demo.integrator import Tally

_TALLY_COLUMNS = ("records", "created", "updated", "failed", "ms", "records/s")


class Telling:
    """The terminal, and the number of the step that is told."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=False)
        self._step = 0

    def line(self, text: str) -> None:
        """Say one thing, as it stands."""
        self.console.print(escape(text), soft_wrap=True)

    def step(self, title: str) -> None:
        """Begin the next step."""
        self._step += 1
        self.console.print(f"\n[bold]{self._step}. {escape(title)}[/bold]")

    def check(self, what: str) -> None:
        """Say that something was looked at and found right."""
        self.console.print(f"[green]ok[/green]  {escape(what)}", soft_wrap=True)

    def failure(self, text: str) -> None:
        """Say what came out otherwise than it should."""
        self.console.print(f"[bold red]unexpected[/bold red]  {escape(text)}", soft_wrap=True)

    @contextmanager
    def progress(self, total: int) -> Iterator[Progress]:
        """A bar over `total` records, gone when the block ends; none where nobody would see it."""
        bar = Progress(
            TextColumn("{task.description:<22}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        with bar:
            bar.add_task("", total=total)
            yield bar

    def tallies(self, first: str, tallies: Mapping[str, Tally]) -> None:
        """A table with a line per tally and their sum; `first` heads the column of their names."""
        table = self._table(first, _TALLY_COLUMNS)
        whole = Tally()
        for name, tally in tallies.items():
            whole.add(tally)
            table.add_row(escape(name), *_cells(tally))
        table.add_section()
        table.add_row("total", *_cells(whole))
        self.console.print(table)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Any other table; columns whose values are all numbers stand on the right."""
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for place, name in enumerate(header):
            numbers = all(str(row[place] or "0").replace(",", "").isdigit() for row in rows)
            table.add_column(name, justify="right" if numbers else "left", overflow="fold")
        for row in rows:
            table.add_row(*(escape(str(cell)) for cell in row))
        self.console.print(table)

    def _table(self, first: str, numbers: Sequence[str]) -> Table:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        table.add_column(first, no_wrap=True)
        for name in numbers:
            table.add_column(name, justify="right", no_wrap=True)
        return table


def _cells(tally: Tally) -> list[str]:
    speed = f"{tally.records / tally.seconds:,.0f}" if tally.seconds else ""
    counts = (tally.records, tally.created, tally.updated, tally.failed)
    return [*(f"{number:,}" for number in counts), f"{tally.seconds * 1000:,.0f}", speed]
