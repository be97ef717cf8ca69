"""What a file is called, and what is done with it, when it was read."""

from billing.mediation.models import ActivityCollector, ActivityCollectorHistory

_KEPT = ("", "NONE", "KEEP", "LEAVE")


def deletes(collector: ActivityCollector) -> bool:
    """Whether a file that was read is deleted."""
    action = (collector.after_process_action or "").strip().upper()
    return collector.delete_source_file or action in ("DELETE", "REMOVE")


def moves(collector: ActivityCollector) -> bool:
    """Whether a file that was read is put elsewhere, or is called otherwise."""
    action = (collector.after_process_action or "").strip().upper()
    wanted = bool(collector.after_process_directory or collector.after_process_file_pattern)
    return wanted and not deletes(collector) and action not in _KEPT[1:]


def name_of(load: ActivityCollectorHistory, collector: ActivityCollector, name: str) -> str:
    """What the file is called then: `*` stands for its name, `{load}` for the load."""
    pattern = (collector.after_process_file_pattern or "*").strip()
    made = pattern.replace("*", name).replace("{load}", str(load.pk))
    if "/" in made or "\0" in made or made in ("", ".", ".."):
        raise ValueError(f"AfterProcessFilePattern {pattern!r} makes no file name of {name!r}")
    return made
