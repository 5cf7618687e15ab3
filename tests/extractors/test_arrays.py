import pickle

import numpy as np
import pytest
import torch

from extractors.importing.arrays import ArrayFolder, open_arrays, read_array

ROWS = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], np.float32)


def save(path, array):
    if path.suffix == ".npy":
        np.save(path, array)
    elif path.suffix == ".npz":
        np.savez(path, features=array)
    else:
        torch.save(torch.from_numpy(array), path)
    return path


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pt", ".pth"])
def test_every_layout_gives_the_same_rows(tmp_path, suffix):
    assert read_array(save(tmp_path / f"a{suffix}", ROWS)).tolist() == ROWS.tolist()


@pytest.mark.parametrize("shape", [(3, 1, 1, 2), (1, 3, 2), (3, 2, 1), (3, 1, 2)])
def test_axes_of_length_one_go(tmp_path, shape):
    assert read_array(save(tmp_path / "a.npy", ROWS.reshape(shape))).tolist() == ROWS.tolist()


@pytest.mark.parametrize("shape", [(2,), (1, 2), (1, 1, 2), (1, 2, 1, 1)])
def test_a_single_row_stays_a_row(tmp_path, shape):
    assert read_array(save(tmp_path / "a.npy", ROWS[0].reshape(shape))).tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 3, 4)), r"expected rows \[R, D\], found the shape \[2, 3, 4\]"),
        (np.zeros((0, 4)), r"expected rows \[R, D\], found the shape \[0, 4\]"),
        (np.array(1.0), r"expected rows \[R, D\], found the shape \[\]"),
        (np.array([["a"]]), "expected rows of numbers, found <U1"),
        (np.array([[np.nan]]), "expected finite numbers"),
    ],
)
def test_what_is_no_rows_of_numbers_is_refused_by_name(tmp_path, array, message):
    with pytest.raises(ValueError, match=rf"a\.npy: {message}"):
        read_array(save(tmp_path / "a.npy", array))


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.pt"])
def test_a_damaged_file_is_refused_by_name(tmp_path, name):
    (tmp_path / name).write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=rf"{name}: expected an array of numbers"):
        read_array(tmp_path / name)


def test_objects_are_refused_in_every_layout(tmp_path):
    objects = np.array([{}], dtype=object)
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "a.npz", objects)
    torch.save({"rows": torch.zeros(2, 2)}, tmp_path / "a.pt")
    torch.save(ArrayFolder.__mro__, tmp_path / "b.pt")
    for name in ("a.npy", "a.npz", "a.pt", "b.pt"):
        with pytest.raises(ValueError, match=name):
            read_array(tmp_path / name)


def test_of_several_arrays_in_a_file_the_one_called_features_is_taken(tmp_path):
    np.savez(tmp_path / "a.npz", times=np.zeros(3), features=ROWS)
    assert read_array(tmp_path / "a.npz").tolist() == ROWS.tolist()
    np.savez(tmp_path / "b.npz", times=np.zeros(3), rows=ROWS)
    with pytest.raises(ValueError, match=r"b\.npz.*'features'.*\['rows', 'times'\]"):
        read_array(tmp_path / "b.npz")


def test_bfloat16_tensors_become_float32(tmp_path):
    torch.save(torch.tensor([[1.5]], dtype=torch.bfloat16), tmp_path / "a.pt")
    assert read_array(tmp_path / "a.pt").dtype == np.float32


def test_a_folder_is_read_one_array_at_a_time(tmp_path):
    save(tmp_path / "b.npy", ROWS)
    save(tmp_path / "a b.pt", ROWS[:1])
    (tmp_path / "b.json").write_text("{}")
    (tmp_path / "broken.npy").write_bytes(b"")
    arrays = open_arrays(tmp_path)
    assert list(arrays) == ["a b", "b", "broken"]
    assert arrays["b"].shape == (3, 2)
    with pytest.raises(ValueError, match=r"broken\.npy"):
        arrays["broken"]


def test_two_files_of_one_video_are_refused(tmp_path):
    save(tmp_path / "a.npy", ROWS)
    save(tmp_path / "a.pt", ROWS)
    with pytest.raises(ValueError, match=r"expected one array for a, found a\.npy and a\.pt"):
        open_arrays(tmp_path)


def test_a_pickle_is_a_mapping_too(tmp_path):
    (tmp_path / "a.pickle").write_bytes(pickle.dumps({"y": ROWS, "x": ROWS[0]}))
    arrays = open_arrays(tmp_path / "a.pickle")
    assert list(arrays) == ["x", "y"]
    assert arrays["x"].tolist() == [[1, 2]]


def test_what_is_neither_folder_nor_pickle_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"expected arrays .* found none"):
        open_arrays(tmp_path)
    with pytest.raises(FileNotFoundError, match="gone: expected a folder of arrays or a pickle"):
        open_arrays(tmp_path / "gone")
    (tmp_path / "a.h5").write_bytes(b"")
    with pytest.raises(ValueError, match=r"a\.h5: expected a folder of arrays or a pickle"):
        open_arrays(tmp_path / "a.h5")
