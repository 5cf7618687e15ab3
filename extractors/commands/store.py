"""`store`: what a store holds, whether it is whole, and what may go."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

from tqdm import tqdm

from extractors.storage.store import Entry, Store

_DAY = 24 * 3600


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser("store", help="list, verify or prune a store")
    parser.add_argument(
        "action",
        choices=("list", "verify", "prune"),
        help="list: every entry, and totals on stderr; verify: hash every file again, status 1 where one is "
        "not what was written; prune: remove entries that no result is linked to",
    )
    parser.add_argument("--store", required=True, type=Path)
    parser.add_argument(
        "--code",
        action="store_true",
        help="verify: also list extracted arrays that were made by other code or libraries than today's",
    )
    parser.add_argument(
        "--older-than", type=float, default=0.0, metavar="DAYS", help="prune: only what was written before"
    )
    parser.add_argument("--even-linked", action="store_true", help="prune: entries in use by results too")
    parser.add_argument("--dry-run", action="store_true", help="prune: only say what would go")
    parser.set_defaults(run=_store)


def _store(options: argparse.Namespace) -> int:
    store = Store(options.store)
    if not options.store.is_dir():
        raise ValueError(f"--store: expected a folder, found nothing at {options.store}")
    if options.code and options.action != "verify":
        raise ValueError(f"--code: expected with verify, found with {options.action}")
    actions = {"list": _list, "verify": _verify, "prune": _prune}
    return actions[options.action](store, options)


class _Totals:
    """Entries counted by kind."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        self.linked: Counter[str] = Counter()

    def add(self, entry: Entry) -> None:
        kind = _kind(entry)
        self.counts[kind] += 1
        self.bytes[kind] += entry.size
        self.linked[kind] += entry.is_linked

    def lines(self) -> list[str]:
        lines = [f"{'kind':<12} {'entries':>8} {'linked':>8} {'MB':>10}"]
        for kind in sorted(self.counts):
            lines.append(_line(kind, self.counts[kind], self.linked[kind], self.bytes[kind]))
        return [*lines, _line("total", self.counts.total(), self.linked.total(), self.bytes.total())]


def _line(kind: str, entries: int, linked: int, size: int) -> str:
    return f"{kind:<12} {entries:>8} {linked:>8} {size / 1e6:>10.1f}"


def _list(store: Store, options: argparse.Namespace) -> int:
    totals = _Totals()
    print("key\tkind\tbytes\tlinked\tdays")
    for entry in store.entries():
        totals.add(entry)
        linked = "yes" if entry.is_linked else "no"
        days = (time.time() - entry.written) / _DAY
        print(f"{entry.key}\t{_kind(entry)}\t{entry.size}\t{linked}\t{days:.1f}")
    print("\n".join(totals.lines()), file=sys.stderr)
    if unfinished := list(store.unfinished()):
        size = sum(map(_size, unfinished))
        print(f"unfinished work: {len(unfinished)} folders, {size / 1e6:.1f} MB", file=sys.stderr)
    return 0


def _verify(store: Store, options: argparse.Namespace) -> int:
    entries = damaged = 0
    for _, faults in tqdm(store.faults(), unit="entry", disable=not sys.stderr.isatty()):
        entries += 1
        damaged += bool(faults)
        for fault in faults:
            print(fault)
    if options.code:
        _list_differing(store)
    if damaged:
        print(f"{damaged} of {entries} entries are damaged; each is made again when it is next asked for")
    else:
        print(f"every entry is whole ({entries})")
    return 1 if damaged else 0


def _list_differing(store: Store) -> None:
    """Lists the arrays that today's code and libraries did not make, which does not make them wrong."""
    from extractors.provenance.explanation import differences_from_today

    differing = 0
    for entry in store.entries():
        if differences := differences_from_today(entry.description):
            differing += 1
            print(f"{entry.folder}: {_kind(entry)} made by {', '.join(differences)}")
    print(f"arrays made by other code or libraries than today's: {differing}")


def _prune(store: Store, options: argparse.Namespace) -> int:
    if not options.older_than and not options.dry_run:
        # Where results are copies, not links, nothing tells which entries are in use.
        raise ValueError("prune: expected --older-than DAYS, found none; --dry-run says what would go")
    newest = time.time() - options.older_than * _DAY
    pruned = _Totals()
    new = linked = 0
    for entry in store.entries():
        if entry.written > newest:
            new += 1
        elif entry.is_linked and not options.even_linked:
            linked += 1
        else:
            pruned.add(entry)
            if not options.dry_run:
                store.remove(entry)
    work = work_bytes = 0
    for folder in store.unfinished():
        size = _size(folder)
        if _written(folder) <= newest and (options.dry_run or store.remove_unfinished(folder)):
            work += 1
            work_bytes += size
    if pruned.counts:
        print("\n".join(pruned.lines()))
    print(
        f"{'would prune' if options.dry_run else 'pruned'} {pruned.counts.total()} entries, "
        f"{pruned.bytes.total() / 1e6:.1f} MB, and {work} folders of unfinished work, "
        f"{work_bytes / 1e6:.1f} MB; kept {linked} entries that results are linked to and {new} newer ones"
    )
    return 0


def _kind(entry: Entry) -> str:
    return str(entry.description.get("kind", "unknown"))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _written(folder: Path) -> float:
    return max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
