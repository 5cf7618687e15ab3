import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from img.config.base import check
from img.paper.transcription import Claim, Paper, PaperTable, read_paper

PROJECT = Path(__file__).parents[3]
TEXT = PROJECT / ".." / "shared" / "seeds" / "img_paper.txt"
PAPER = read_paper(PROJECT / "config" / "papers" / "img" / "paper.yaml")
TABLES = sorted(PAPER.tables)

needs_text = pytest.mark.skipif(not TEXT.is_file(), reason=f"the paper's text is not at {TEXT}")

ROWS_AND_COLUMNS = {
    1: (6, 4), 2: (7, 4), 3: (6, 4), 4: (6, 4), 5: (9, 8), 6: (14, 4), 7: (7, 4), 8: (30, 1), 9: (7, 4),
    10: (4, 4), 11: (1, 4), 12: (9, 3), 13: (2, 4), 14: (4, 5), 15: (2, 4), 16: (1, 5), 17: (2, 4),
}  # fmt: skip


def region(number: int) -> list[str]:
    """The transcription's lines of a table: its caption, then the block of lines that follows."""
    lines = TEXT.read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"Table {number}: "))
    block = lines[start + 2 : lines.index("", start + 2)]
    text = "\n".join([lines[start].partition(": ")[2], *block])
    text = text.replace("\N{MULTIPLICATION SIGN}10^{", "e").replace("$", "")
    return re.sub(r"([\d.]+)([↑↓])", r"\2\1", text).splitlines()


def numbers(text: str) -> list[tuple[str, Any]]:
    """Every run of digits with its arrow and its exact decimals."""
    found = re.findall(r"([↑↓]?)(\d+(?:\.\d+)?(?:e-\d+)?)", text)
    return [(arrow, Decimal(number).as_tuple()) for arrow, number in found]


def cells(table: PaperTable, key: str) -> list[tuple[str, Any]]:
    """A row's numbers as the paper prints them: each value, then its delta with an arrow."""
    row = table.row(key)
    printed = []
    for value, delta in zip(row.values, row.deltas or [None] * len(row.values), strict=True):
        if value is not None:
            printed.append(("", value.as_tuple()))
        if delta is not None:
            printed.append(("↓" if delta < 0 else "↑", abs(delta).as_tuple()))
    return printed


def holds_run(line: list[Any], run: list[Any]) -> bool:
    return any(line[i : i + len(run)] == run for i in range(len(line) - len(run) + 1))


def test_every_table_has_its_rows_and_columns() -> None:
    found = {number: (len(table.rows), len(table.columns)) for number, table in PAPER.tables.items()}
    assert found == ROWS_AND_COLUMNS


@needs_text
@pytest.mark.parametrize("number", TABLES)
def test_a_tables_numbers_are_those_of_the_text_no_more_and_no_fewer(number: int) -> None:
    table = PAPER.tables[number]
    labels = [table.caption, *table.label_columns, *(column.label for column in table.columns)]
    labels += [label for row in table.rows for label in row.labels]
    transcribed = numbers("\n".join(labels)) + [cell for row in table.rows for cell in cells(table, row.key)]
    assert sorted(transcribed) == sorted(numbers("\n".join(region(number))))


@needs_text
@pytest.mark.parametrize("number", TABLES)
def test_each_row_stands_in_one_line_of_the_text_in_order_with_its_labels(number: int) -> None:
    table, lines = PAPER.tables[number], region(number)[1:]
    heads = len(table.label_columns)
    places = []
    for row in table.rows:
        matches = [i for i, line in enumerate(lines) if holds_run(numbers(line), cells(table, row.key))]
        named = [i for i in matches if row.labels[-1] in lines[i].split("\t")]
        assert len(named) == 1, row.key
        places.append(named[0])
        if number != 8:  # Its two halves stand side by side, under heads of their own.
            printed = lines[named[0]].split("\t")[:heads]
            assert all(cell in ("", label) for cell, label in zip(printed, row.labels, strict=True)), row.key
    halves = [places[:16], places[16:]] if number == 8 else [places]
    assert all(half == sorted(set(half)) for half in halves)


@needs_text
@pytest.mark.parametrize("number", TABLES)
def test_captions_and_heads_are_the_texts(number: int) -> None:
    table, lines = PAPER.tables[number], region(number)
    assert lines[0] == table.caption
    assert any(holds_run(line.split("\t"), [c.label for c in table.columns]) for line in lines[1:])
    if number != 8:
        assert any(line.split("\t")[: len(table.label_columns)] == table.label_columns for line in lines[1:])


@needs_text
def test_claims_quote_the_text_and_references_its_list() -> None:
    raw = TEXT.read_text(encoding="utf-8")
    text = " ".join(raw.split())
    assert [claim.id for claim in PAPER.claims if claim.text not in text] == []
    for number, work in PAPER.references.items():
        entry = re.search(rf"^(?:- )?\[{number}\] .*", raw, flags=re.MULTILINE)
        assert entry is not None
        assert all(part in entry[0] for part in (work.title, str(work.year), work.authors.split()[0]))


def test_a_row_with_a_citation_names_it_as_its_source() -> None:
    for table in PAPER.tables.values():
        for row in table.rows:
            cited = re.search(r"\[(\d+)\]", " ".join(row.labels))
            assert cited is None or row.source == int(cited[1])
    sources = {row.source for table in PAPER.tables.values() for row in table.rows}
    assert sources - {"ours"} == set(PAPER.references)


def test_the_only_wrong_delta_is_in_table_6() -> None:
    wrong = {}
    for number, table in PAPER.tables.items():
        for row in table.rows:
            for column, delta in zip(table.columns, row.deltas or [], strict=bool(row.deltas)):
                if row.against is None or delta is None:
                    continue
                value, base = table.value(row.key, column.key), table.value(row.against, column.key)
                assert value is not None
                assert base is not None
                if value - base != delta:
                    wrong[number, row.key, column.key] = (delta, value - base)
    assert wrong == {(6, "img_clip_sf", "R1@3"): (Decimal("3.38"), Decimal("4.19"))}


def test_every_improved_row_of_tables_3_to_7_has_deltas() -> None:
    counts = {
        number: sum(delta is not None for row in PAPER.tables[number].rows for delta in row.deltas or [])
        for number in TABLES
    }
    assert {number: count for number, count in counts.items() if count} == {3: 16, 4: 12, 5: 24, 6: 8, 7: 8}


def test_sums_of_tables_8_and_16() -> None:
    activities = PAPER.tables[8].rows
    sums = {
        half: sum(row.values[0] or 0 for row in activities if row.labels[0] == half)
        for half in ("Selected", "Unselected")
    }
    # Of 1,196 selected and 3,720 - 1,196 = 2,524 unselected queries.
    assert sums == {"Selected": 1066, "Unselected": 903}
    counts = [value or Decimal(0) for value in PAPER.tables[16].rows[0].values]
    assert sum(counts) == 3720
    assert round(sum(counts[1:4]) / 3720, 3) == Decimal("0.938")


def test_table_8_is_sorted_but_for_one_pair() -> None:
    rows = PAPER.tables[8].rows
    rising = [
        (first.key, second.key)
        for first, second in pairwise(rows)
        if first.labels[0] == second.labels[0] and (first.values[0] or 0) < (second.values[0] or 0)
    ]
    assert rising == [("read", "awake")]


SAME_SETTING = [
    # What should be one number: cells (table, row, columns) that describe one system on one split.
    [(1, "aip", 0), (2, "local_event_global", 0), (3, "img_fusion", 0), (5, "img", 0)],
    [(1, "aip", 2), (4, "ours", 0), (5, "img", 2), (12, "img", 2), (15, "img", 3)],
    [(1, "aip", 3), (2, "local_event_global", 3), (3, "img_fusion", 3), (4, "ours", 1), (5, "img", 3)],
    [(4, "ours", 2), (5, "img", 6), (9, "local_event_global", 2), (10, "img", 2)],
    [(4, "ours", 3), (5, "img", 7), (9, "local_event_global", 3), (10, "img", 3)],
    [(4, "baseline", 0), (5, "img_without_audio", 2)],
    [(4, "baseline", 1), (5, "img_without_audio", 3)],
    [(4, "baseline", 2), (5, "img_without_audio", 6)],
    [(2, "event", 2), (13, "unsupervised", 2), (14, "slots_3", 2)],
    [(2, "event", 3), (13, "unsupervised", 3)],
    [(3, "img_visual", 2), (11, "visual", 2)],
    [(7, "img", 2), (17, "img", 2)],
    [(5, "adpn", 2), (12, "adpn", 2), (15, "adpn", 3)],
    [(4, "eamat", 0), (12, "eamat", 2)],
    [(6, "bam_detr", 2), (12, "bam_detr", 2)],
    [(6, "flashvtg", 2), (12, "flashvtg", 2)],
    [(6, "qd_detr", 2), (12, "qd_detr", 2)],
    [(6, "moment_detr", 2), (12, "moment_detr", 2)],
]


def test_tables_agree_with_each_other_but_for_moment_detr() -> None:
    disagreeing = []
    for places in SAME_SETTING:
        values = [PAPER.tables[table].row(row).values[column] for table, row, column in places]
        if len(set(values)) > 1:
            disagreeing.append((places[0][1], values))
    assert disagreeing == [("moment_detr", [Decimal("34.17"), Decimal("38.01")])]


def differences(claim: Claim) -> dict[tuple[str, str], Decimal]:
    """The better row's number minus the worse one's, for each worse row and column that has both."""
    table = PAPER.tables[claim.table]
    pairs = {
        (worse, column): (table.value(claim.better, column), table.value(worse, column))
        for worse in claim.worse
        for column in claim.columns
    }
    return {
        key: better - worse
        for key, (better, worse) in pairs.items()
        if better is not None and worse is not None
    }


def test_the_papers_own_numbers_hold_every_claim_but_these() -> None:
    failing = {
        (claim.id, *pair): difference
        for claim in PAPER.claims
        for pair, difference in differences(claim).items()
        if difference <= 0
    }
    assert failing == {
        ("local_event_over_one", "event", "R1@3"): Decimal("-0.75"),
        ("event_global_over_one", "event", "R1@3"): Decimal("-0.56"),
        ("local_event_over_one_activitynet", "local", "R1@3"): Decimal("-0.87"),
        ("local_event_over_one_activitynet", "local", "R1@5"): Decimal("-0.10"),
    }


def test_a_claim_names_every_pair_of_numbers_it_rests_on() -> None:
    claims = {claim.id: differences(claim) for claim in PAPER.claims}
    assert len(claims["aip_over_other_weights"]) == 5 * 4
    # UMT has 2 of 8 numbers, PMI-LOC 6 (twice), QD-DETR 2 (twice), ADPN 8 (twice), IMG without audio 8.
    assert len(claims["img_over_audio_methods"]) == 2 + 2 * 6 + 2 * 2 + 2 * 8 + 8
    assert claims["aip_over_other_weights"]["add", "R1@3"] == Decimal("0.99")


def test_sound_gains_the_proposed_model_more_than_the_others_of_table_5() -> None:
    rows = {row.key: row.deltas for row in PAPER.tables[5].rows if row.deltas}
    ours = rows.pop("img")
    for theirs in rows.values():
        for our, their in zip(ours, theirs, strict=True):
            assert their is None or (our is not None and our > their)


def test_numbers_keep_their_printed_decimals() -> None:
    assert str(PAPER.tables[10].value("without_pseudo_label", "R1@3")) == "58.10"
    assert str(PAPER.tables[16].value("count", "below_0.15")) == "26"
    assert PAPER.tables[12].value("img_aip", "flops") == Decimal("0.0000987")
    assert PAPER.tables[12].value("img_aip", "R1@7") is None


TABLE = """
caption: A table
label_columns: [Method]
columns: [{key: R1@3, label: R1@3, dataset: charades, split: test, quantity: R1@0.3}]
rows:
  - {key: a, labels: [A], source: ours, values: [1]}
  - {key: b, labels: [B], source: ours, values: [2], deltas: [1], against: a}
"""


def altered(place: str, key: str, value: Any) -> dict[str, Any]:
    table = yaml.safe_load(TABLE)
    home = table if place == "table" else table["rows"][1]
    home[key] = value
    return {"title": "", "doi": "", "tables": {1: table}, "claims": [], "references": {}}


def test_the_small_table_is_accepted() -> None:
    assert check(Paper, altered("table", "caption", "Another"), "paper").tables[1].caption == "Another"


@pytest.mark.parametrize(
    ("place", "key", "value", "message"),
    [
        ("row", "values", [1, 2], "row b: values: expected 1, found 2"),
        ("row", "labels", [], "row b: labels: expected 1, found 0"),
        ("row", "deltas", [None, None], "row b: deltas: expected 1, found 2"),
        ("row", "against", None, "row b: expected deltas and against together"),
        ("row", "against", "c", "row b: against: expected a row of the table, found c"),
        ("row", "key", "a", "rows: expected different keys"),
        ("row", "source", 7, "row b: source: expected one of"),
        ("row", "values", ["1"], "values"),
        ("row", "bold", True, "bold"),
        ("table", "rows", [], "rows"),
    ],
)
def test_an_irregular_table_is_refused_by_row_and_key(place: str, key: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        check(Paper, altered(place, key, value), "paper")


@pytest.mark.parametrize(
    ("key", "value"), [("table", 2), ("better", "c"), ("worse", ["c"]), ("columns", ["R1@5"])]
)
def test_a_claim_about_what_is_not_there_is_refused(key: str, value: Any) -> None:
    claim = {"id": "c", "text": "", "table": 1, "better": "b", "worse": ["a"], "columns": ["R1@3"]}
    paper = altered("table", "caption", "A table") | {"claims": [claim | {key: value}]}
    with pytest.raises(ValueError, match=rf"claims\.c: {key}: expected"):
        check(Paper, paper, "paper")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "paper.yaml"
    with pytest.raises(ValueError, match=r"paper\.yaml: expected a YAML file, found nothing"):
        read_paper(path)
    path.write_text("a: .nan")
    with pytest.raises(ValueError, match=r"expected a decimal number, found \.nan"):
        read_paper(path)
