import os
import pickle

import numpy as np
import pytest

from extractors.storage.pickles import load_pickled_arrays

ARRAYS = {
    "v_a": np.arange(256, dtype=np.uint8).reshape(2, 128),
    "v_b": np.array([[0.5, -2.0, 3.25]], ">f4"),
    "v_c": np.asfortranarray(np.arange(6, dtype=np.int16).reshape(2, 3)),
}


# From protocol 4 on names stand with their lengths, so that a test cannot put shorter ones in their place.
PROTOCOLS = [(b"numpy._core", protocol) for protocol in range(6)] + [(b"numpy.core", p) for p in range(4)]


@pytest.mark.parametrize(("numpy_module", "protocol"), PROTOCOLS)
def test_arrays_of_every_protocol_and_both_numpys_come_out_as_they_went_in(tmp_path, protocol, numpy_module):
    content = pickle.dumps(ARRAYS, protocol).replace(b"numpy._core", numpy_module)
    assert numpy_module in content
    (tmp_path / "a.pickle").write_bytes(content)
    found = load_pickled_arrays(tmp_path / "a.pickle")
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        assert found[name].tolist() == array.tolist()
    assert not found["v_a"].flags.writeable


def test_a_pickle_of_python_2_is_read(tmp_path):
    # What Python 2.7 with numpy 1.16 writes for {'a': np.array([[1, 255]], np.uint8)} at protocol 2.
    content = (
        b"\x80\x02}q\x00U\x01aq\x01cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00\x85"
        b"U\x01b\x87Rq\x04(K\x01K\x01K\x02\x86cnumpy\ndtype\nq\x05U\x02u1K\x00K\x01\x87Rq\x06(K\x03U\x01|NNN"
        b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x02\x01\xfftbs."
    )
    (tmp_path / "a.pickle").write_bytes(content)
    found = load_pickled_arrays(tmp_path / "a.pickle")
    assert found["a"].dtype == np.uint8
    assert found["a"].tolist() == [[1, 255]]


class Calls:
    """Pickles as a call, and is run by pickle.load."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def gadgets(witness):
    """Objects whose loading by pickle.load would make the witness, read a file, or forge memory."""
    command = f"touch {witness}"
    forged = np.dtype("O").__reduce__()
    return {
        "os.system": {"a": Calls(os.system, command)},
        "os.system as the whole": Calls(os.system, command),
        "eval": {"a": Calls(eval, f"open({str(witness)!r}, 'w')")},
        "getattr": {"a": Calls(getattr, "x", "upper")},
        "numpy.load of an object array": {"a": Calls(np.load, str(witness), None, True)},
        "numpy.memmap that makes a file": {"a": Calls(np.memmap, str(witness), "u1", "w+", 0, (1,))},
        "numpy.fromfile": {"a": Calls(np.fromfile, "/proc/self/environ", "u1")},
        "numpy.frombuffer": {"a": Calls(np.frombuffer, b"12345678", "u1")},
        "an array of objects": {"a": np.array([Calls(os.system, command)], dtype=object)},
        "an array of plain objects": {"a": np.array([None], dtype=object)},
        "the data type of objects": {"a": Calls(*forged[:2])},
        "a structured array": {"a": np.zeros(2, [("x", "f4")])},
        "an array of text": {"a": np.array(["x"])},
        "a number of numpy": {"a": np.float32(1)},
    }


@pytest.mark.parametrize("name", sorted(gadgets("")))
@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_pickle_that_asks_for_more_is_refused_and_nothing_runs(tmp_path, name, protocol):
    witness = tmp_path / "witness"
    (tmp_path / "bad.pickle").write_bytes(pickle.dumps(gadgets(witness)[name], protocol))
    with pytest.raises(ValueError, match=r"bad\.pickle: expected"):
        load_pickled_arrays(tmp_path / "bad.pickle")
    assert not witness.exists()


def test_the_gadgets_are_live(tmp_path):
    for name in ("os.system", "eval", "numpy.memmap that makes a file", "an array of objects"):
        witness = tmp_path / name.replace(" ", "_")
        pickle.loads(pickle.dumps(gadgets(witness)[name]))
        assert witness.exists(), name


@pytest.mark.parametrize(
    "content",
    [
        # The data type's state is forged: eight bytes as an array of one object, i.e. a pointer.
        b"\x80\x02}X\x01\x00\x00\x00acnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b"
        b"\x87R(K\x01K\x01\x85cnumpy\ndtype\nX\x02\x00\x00\x00V8K\x00K\x01\x87R(K\x03X\x01\x00\x00\x00|NNNK"
        b"\x08K\x08K\x3ftb\x89C\x08AAAAAAAAtbs.",
        # A stand-in's own attributes are set by BUILD.
        b"\x80\x02cnumpy\ndtype\n}X\x0c\x00\x00\x00__defaults__K\x01sb.",
        b"\x80\x02cnumpy\nndarray\n}X\x01\x00\x00\x00aK\x01sb.",
        # A dotted name, which protocol 4 resolves attribute by attribute.
        b"\x80\x04\x8c\x05numpy\x8c\x0edtype.__init__\x93.",
        b"\x80\x02}X\x01\x00\x00\x00a",
        b"",
        b"no pickle",
    ],
)
def test_forged_and_damaged_pickles_are_refused(tmp_path, content):
    (tmp_path / "bad.pickle").write_bytes(content)
    with pytest.raises(ValueError, match=r"bad\.pickle: expected"):
        load_pickled_arrays(tmp_path / "bad.pickle")


@pytest.mark.parametrize(
    "content", [[np.zeros(2)], {1: np.zeros(2)}, {"a": [1, 2]}, {"a": {"b": np.zeros(2)}}]
)
def test_anything_but_arrays_by_id_is_refused(tmp_path, content):
    (tmp_path / "bad.pickle").write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=r"bad\.pickle: expected"):
        load_pickled_arrays(tmp_path / "bad.pickle")


def test_an_absent_pickle_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a\.pickle: expected a pickle of arrays, found no file"):
        load_pickled_arrays(tmp_path / "a.pickle")
