import pytest

from extractors.storage.manifest import COLUMNS, Row, read_manifest, shard_of, write_manifest


def test_a_manifest_is_sorted_and_says_nothing_of_time(tmp_path):
    path = tmp_path / "shards" / "000.tsv"
    rows = [
        Row("b", "ok", 3, 1024, 2.0, "s1", "f1"),
        Row("a", "failed: no\ttabs\nplease", source_sha256="s2"),
    ]
    write_manifest(path, rows)
    assert path.read_text() == (
        "video\tstatus\trows\twidth\tseconds\tsource_sha256\tfeature_sha256\n"
        "a\tfailed: no tabs please\t0\t0\t0.000\ts2\t\n"
        "b\tok\t3\t1024\t2.000\ts1\tf1\n"
    )


def test_reading_gives_what_was_written(tmp_path):
    rows = [Row("a", "missing"), Row('q"uote', "ok", 3, 1024, 2.5, "s1", "f1")]
    write_manifest(tmp_path / "m.tsv", reversed(rows))
    assert read_manifest(tmp_path / "m.tsv") == rows


def test_another_table_is_refused_by_name(tmp_path):
    (tmp_path / "other.tsv").write_text("a\tb\n")
    with pytest.raises(ValueError, match=r"other\.tsv: expected a manifest with columns"):
        read_manifest(tmp_path / "other.tsv")
    assert COLUMNS[0] == "video"


def test_a_videos_shard_depends_on_its_id_alone():
    # printf 3MSZA | sha256sum begins with dca2e58fe234196b, which is 54 modulo 105.
    assert shard_of("3MSZA", 105) == 54
    counts = [0] * 7
    for number in range(7000):
        counts[shard_of(f"video{number}", 7)] += 1
    assert min(counts) > 850
