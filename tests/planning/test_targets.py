"""Names on the command line that nothing has are answered with those there are."""

import pytest
from planning.targets import describe_choice, find_unknown


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("results/charade/metrics.json", "no dataset 'charade'; did you mean 'charades'? expected one of: "),
        ("./results/demmo/coverage.tsv", "no dataset 'demmo'; did you mean 'demo'?"),
        ("results/tables/table18.md", "no table '18'; did you mean '8'? expected one of: 1, 2, 3, "),
        ("results/demo/tables/table18.md", "no table '18'"),
        ("results/demo/runs/imgg/seed0/metrics.json", "no variant 'imgg'; did you mean 'img'?"),
        ("results/demo/features/vgg/shards/0.tsv", "no extractor of demo 'vgg'; expected one of: i3d, pann"),
    ],
)
def test_an_unknown_name_is_told_with_the_known_ones(shipped, target, said):
    (fault,) = find_unknown(shipped, [target])
    assert fault.startswith(f"{target}: there is ")
    assert said in fault


def test_known_names_and_what_is_no_result_pass(shipped):
    known = [
        "--cores",
        "8",
        "demo",
        "results/paper.md",
        "results/demo/metrics.json",
        "results/tables/table2.md",
        "results/tables/claims.md",
        "results/demo/runs/img/seed0/metrics.json",
        "results/demo/features/i3d/shards/0.tsv",
        "results/store/whatever",
        "resources/weights/i3d.pt",
    ]
    assert find_unknown(shipped, known) == []


def test_a_run_without_a_target_names_datasets_and_tables(shipped):
    choice = describe_choice(shipped)
    assert all(name in choice for name in shipped.datasets)
    assert "table{1,2,3," in choice
