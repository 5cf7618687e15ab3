"""`store`: what a store holds, whether it is whole, and what may go."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from extractors.store import Store


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser("store", help="list, verify or prune a store")
    parser.add_argument("action", choices=("list", "verify", "prune"))
    parser.add_argument("--store", required=True, type=Path)
    parser.add_argument(
        "--older-than", type=float, default=0.0, metavar="DAYS", help="prune: only older entries"
    )
    parser.add_argument("--even-linked", action="store_true", help="prune: entries in use by results too")
    parser.add_argument("--dry-run", action="store_true", help="prune: only say what would go")
    parser.set_defaults(run=_store)


def _store(options: argparse.Namespace) -> int:
    store = Store(options.store)
    if not options.store.is_dir():
        raise ValueError(f"--store: expected a folder, found nothing at {options.store}")
    actions = {"list": _list, "verify": _verify, "prune": _prune}
    return actions[options.action](store, options)


def _list(store: Store, options: argparse.Namespace) -> int:
    print("key\tkind\tbytes\tlinked")
    for entry in store.entries():
        print(f"{entry.key}\t{entry.description['kind']}\t{entry.size}\t{'yes' if entry.is_linked else 'no'}")
    return 0


def _verify(store: Store, options: argparse.Namespace) -> int:
    faults = [fault for entry in store.entries() for fault in entry.damage()]
    print("\n".join(faults) if faults else "every entry is whole")
    return 1 if faults else 0


def _prune(store: Store, options: argparse.Namespace) -> int:
    if not options.older_than and not options.dry_run:
        # Where results are copies, not links, nothing tells which entries are in use.
        raise ValueError("prune: expected --older-than DAYS, found none; --dry-run says what would go")
    newest = time.time() - options.older_than * 24 * 3600
    pruned = freed = 0
    for entry in store.entries():
        if entry.folder.stat().st_mtime > newest or (entry.is_linked and not options.even_linked):
            continue
        pruned += 1
        freed += entry.size
        if not options.dry_run:
            store.remove(entry)
    print(f"{'would prune' if options.dry_run else 'pruned'} {pruned} entries, {freed / 1e6:.1f} MB")
    return 0
