from pathlib import Path

import pytest
from planning import queries
from planning.resources import Refusal


def test_words_need_a_file_of_vectors_unless_these_are_drawn(read, folder):
    assert queries.list_embedding_files(read(), "demo") == []
    project = read({"demo": {"queries": {"embedding": "glove.txt"}}})
    with pytest.raises(Refusal, match=r"demo\.yaml: queries\.embedding: .* found nothing at glove\.txt"):
        queries.list_embedding_files(project, "demo")
    (folder / "glove.txt").touch()
    assert queries.list_embedding_files(project, "demo") == [Path("glove.txt")]


def test_features_of_queries_are_found_where_a_dataset_gives_them(project):
    assert queries.find_features(project, "demo") == {}
    assert queries.write_features_option(project, "demo") == ""
    folder = "results/charades_clip/query_features"
    assert queries.find_features(project, "charades_clip") == {
        "query_features": f"{folder}/features.safetensors",
        "query_index": f"{folder}/index.json",
    }
    assert queries.write_features_option(project, "charades_clip") == f"--query-features {folder}"


def test_arrays_of_queries_are_listed_or_refused(read, folder):
    with pytest.raises(ValueError, match=r"demo\.yaml: queries\.features: expected a folder, found nothing"):
        queries.list_arrays(read(), "demo")
    project = read({"demo": {"queries": {"features": "text"}}})
    with pytest.raises(Refusal, match=r"queries\.features: .* at text; docs/imported_features"):
        queries.list_arrays(project, "demo")
    (folder / "text").mkdir()
    for name in ("b.npy", "a.pt", "notes.md"):
        (folder / "text" / name).touch()
    assert queries.list_arrays(project, "demo") == ["text/a.pt", "text/b.npy"]
