"""Markdown tables of what was measured."""

from collections.abc import Mapping, Sequence

from benchmarks.gpu.speed import Speed
from benchmarks.timing import Timing


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column is text, the others are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def chain_table(found: Mapping[str, Mapping[tuple[str, str], Timing]], ours: str) -> str:
    """Milliseconds a call by size and quantity, and how many times as fast as the fastest other we are."""
    names = list(dict.fromkeys(name for timings in found.values() for _, name in timings))
    rows = []
    for size, timings in found.items():
        for quantity in dict.fromkeys(quantity for quantity, _ in timings):
            cells = {name: timings.get((quantity, name)) for name in names}
            others = [cell.median for name, cell in cells.items() if cell and name != ours]
            mine = cells[ours]
            ratio = f"{min(others) / mine.median:.1f}" if others and mine else ""
            rows.append(
                [f"{size} {quantity}", *(f"{cell.median:.2f}" if cell else "" for cell in cells.values()), ratio]
            )
    return table(["batch x words x labels", *names, "times as fast"], rows)


def speed_table(
    there: Mapping[tuple[str, int], tuple[Speed, Speed]], here: Mapping[tuple[str, int], tuple[Speed, Speed]]
) -> str:
    """Words a second of both stages, how many times the CPU's, and the GPU's peak memory."""
    first = {name: pair for (name, _), pair in here.items()}
    rows = []
    for (name, count), pair in there.items():
        for stage, mine, cpu in zip(("annotation", "training"), pair, first[name], strict=True):
            numbers = (f"{count:,}", f"{mine.words:,.0f}", f"{cpu.words:,.0f}", f"{mine.words / cpu.words:.1f}")
            rows.append([f"{name}: {stage}", *numbers, f"{mine.memory / 1e6:,.0f}"])
    head = ["tagger, stage", "sentences a batch", "GPU, words/s", "one CPU thread, words/s"]
    return table([*head, "times as fast", "GPU memory, MB"], rows)


def page(about: str, tables: Sequence[str]) -> str:
    """A page of its own."""
    chain, speed = tables
    return (
        f"# On a GPU\n\nMade by `make gpu` on {about}.\n\n## The chain beside public CRFs\n\n"
        f"Milliseconds a call, medians.\n\n{chain}\n\n## Both stages\n\n"
        "Annotation is the forward pass, posteriors, ten best paths and writing. The CPU reads "
        f"64 sentences a batch.\n\n{speed}\n"
    )
