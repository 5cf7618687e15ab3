"""How a feature array was made, told from its description, and whether it is the array described."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from extractors.provenance.makers import find_differences, fingerprint_kind
from extractors.registry import KINDS, parse
from extractors.storage.files import read_json, sha256_of
from extractors.storage.results import ARRAY, SUFFIXES
from extractors.storage.store import Store
from extractors.storage.texts import SUFFIX, read_texts

_SHOWN_WINDOWS = 3
_EVERY_DESCRIPTION = {"kind", "code_version", "parameters", "source_sha256", "libraries", "key", "files"}


@dataclass(frozen=True)
class Explanation:
    """What is known of an array.

    Attributes:
        path: the array's file.
        sha256: of the file.
        content: its type and shape, or why it has none.
        description: how it was made; None where nothing describes it.
        source: what the description was read from.
        fault: why the description is not this array's, or is absent; empty where all is well.
    """

    path: Path
    sha256: str
    content: str
    description: Mapping[str, Any] | None = None
    source: Path | None = None
    fault: str = ""


def explain(path: Path, store: Store | None = None) -> Explanation:
    """Finds out how a feature array was made, and verifies that it is the array described.

    Args:
        path: the `.npy` file, or the `.jsonl` of texts; its description lies beside it, under the same name
            and `.json`.
        store: looked through for an entry with this very content where the description is absent or that of
            another array.

    Raises:
        FileNotFoundError: there is no such array.
        ValueError: what lies beside it, or an entry of the store, is no description.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a feature array or texts, found no file")
    found = sha256_of(path)
    result = next((name for name, suffix in SUFFIXES.items() if suffix == path.suffix), ARRAY)
    content = _content(path)
    beside = path.with_suffix(".json")
    description = read_description(beside) if beside.is_file() else None
    if description is not None and description["files"].get(result) == found:
        return Explanation(path, found, content, description, beside)
    if store is not None:
        for entry in store.entries():
            if entry.description["files"].get(result) == found:
                known = _checked(entry.description, entry.folder)
                return Explanation(path, found, content, known, entry.folder)
    elsewhere = "" if store is None else f", and the store {store.root} holds no entry of its content"
    if description is None:
        fault = f"nothing describes it: expected {beside.name} beside it, found none{elsewhere}"
        return Explanation(path, found, content, fault=fault)
    fault = (
        f"this is not what is described: {beside.name} expects SHA-256 "
        f"{description['files'].get(result)}, the file has {found}{elsewhere}"
    )
    return Explanation(path, found, content, description, beside, fault)


def read_description(path: Path) -> dict[str, Any]:
    """Reads how an array was made.

    Raises:
        ValueError: the file is no description; the message names it.
    """
    return _checked(read_json(path), path)


def sampling_in_words(made: Mapping[str, Any]) -> str:
    """Says in words how media became windows, from the description of an array."""
    try:
        _, parameters = parse({"kind": made["kind"], **made["parameters"]})
    except ValueError:
        # Made by another version of this package: its own words are all there is.
        return ", ".join(f"{name} {value}" for name, value in made["parameters"].items())
    return parameters.sampling()


def differences_from_today(made: Mapping[str, Any]) -> list[str]:
    """Says what an array was made by that is not today's, from its description.

    Returns:
        A few words for each difference; none for an imported array, or one of a kind not known here.
    """
    kind = KINDS.get(made.get("kind", ""))
    return find_differences(made, fingerprint_kind(kind)) if kind and kind.network else []


def as_json(explanation: Explanation) -> dict[str, Any]:
    """Gives an explanation as a JSON-able value."""
    return {
        "file": str(explanation.path),
        "content": explanation.content,
        "sha256": explanation.sha256,
        "is_described": not explanation.fault,
        "fault": explanation.fault,
        "source": str(explanation.source) if explanation.source else None,
        "sampling": sampling_in_words(explanation.description) if explanation.description else None,
        "differences": differences_from_today(explanation.description) if explanation.description else [],
        "description": explanation.description,
    }


def as_text(explanation: Explanation, every_window: bool = False) -> str:
    """Gives an explanation as lines for people.

    Args:
        explanation: of one array.
        every_window: list the seconds of all windows, not only of the first and the last.
    """
    lines = [f"{explanation.path}: {explanation.content}"]
    if explanation.fault:
        lines.append(f"  FAULT      {explanation.fault}")
    else:
        lines.append(f"  array      SHA-256 {explanation.sha256}, as described in {explanation.source}")
    if explanation.description:
        facts = _facts(explanation.description, every_window)
        lines += [f"  {name:<10} {value}" for name, value in facts]
    return "\n".join(lines)


def _facts(made: Mapping[str, Any], every_window: bool) -> Iterator[tuple[str, str]]:
    parameters = made["parameters"]
    yield "kind", f"{made['kind']}, code version {made['code_version']}"
    for name, value in parameters.items():
        if isinstance(value, str) and value.startswith("sha256:"):
            called = made.get("file_names", {}).get(name, "name not recorded")
            yield name, f"{called}, SHA-256 {value.removeprefix('sha256:')}"
    if parameters.get("weights") == "random":
        yield "weights", f"random, seed {parameters['seed']}"
    if "precision" in parameters:
        yield "precision", parameters["precision"]
    if "sources" in made:
        for source in made["sources"]:
            yield "imported", f"{source['name']}, SHA-256 {source['sha256']}"
    else:
        kind = KINDS.get(made["kind"])
        yield "texts" if kind and kind.reads == "texts" else "video", f"SHA-256 {made['source_sha256']}"
    if "decoder" in made:
        yield "decoder", made["decoder"]
    if "reached_seconds" in made:
        promised = made["promised_seconds"]
        whole = "an unknown length" if promised is None else f"{promised:g} s that its header promises"
        yield "CUT SHORT", f"the file gave {made['reached_seconds']:g} s of {whole}"
    if "model" in made:
        yield "model", ", ".join(f"{name} {value}" for name, value in made["model"].items())
    if words := sampling_in_words(made):
        yield "sampling", words
    if made.get("row_seconds"):
        seconds = made["row_seconds"]
        yield "covers", f"{seconds[0][0]:g} to {max(end for _, end in seconds):g} s in {len(seconds)} rows"
        yield "windows", _windows(made, every_window)
    if "covered_seconds" in made:
        yield "covers", f"0 to {made['covered_seconds']:g} s, in {made['rows']} texts"
    if "device" in made:
        yield "made on", f"{made['device']}, in batches of {made['batch_size']}"
    yield "libraries", ", ".join(f"{name} {version}" for name, version in made["libraries"].items())
    if "code" in made:
        yield "code", f"SHA-256 {made['code']}"
    if differing := differences_from_today(made):
        yield "DIFFERS", f"from what would make it today: {', '.join(differing)}"
    yield "store key", made["key"]


def _windows(made: Mapping[str, Any], every_window: bool) -> str:
    rows: Sequence[Sequence[float]] = made["row_seconds"]
    count = made.get("windows", len(rows))
    each = len(rows) // count
    spans = [
        f"{rows[first][0]:.3f}-{rows[first + each - 1][1]:.3f}" for first in range(0, count * each, each)
    ]
    if not every_window and len(spans) > 2 * _SHOWN_WINDOWS:
        spans = [*spans[:_SHOWN_WINDOWS], "...", *spans[-_SHOWN_WINDOWS:]]
    label = f"{count} of {each} row{'s' if each > 1 else ''}"
    if "windows" not in made:
        label = f"rows (how many windows they come from was not recorded), {count}"
    return f"{label}, seconds: {' '.join(spans)}"


def _content(path: Path) -> str:
    try:
        if path.suffix == SUFFIX:
            return f"{len(read_texts(path))} texts"
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        return f"{array.dtype} {list(array.shape)}"
    except Exception as error:
        # A damaged file may fail in any way while it is read.
        return f"nothing readable ({error})"


def _checked(description: Any, source: Path) -> dict[str, Any]:
    found = set(description) if isinstance(description, dict) else set()
    if absent := _EVERY_DESCRIPTION - found:
        raise ValueError(
            f"{source}: expected the description of an array, found one without {', '.join(sorted(absent))}"
        )
    made: dict[str, Any] = description
    return made
