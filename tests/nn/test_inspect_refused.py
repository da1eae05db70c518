"""Broken and hostile model files: each is refused in one sentence, before Keras is asked, and nothing of it is run."""

import io
import json
import os
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest

from core.errors import ModelRefused
from core.nn.inspect import clean_file, inspect_model

ROOT = Path(__file__).resolve().parents[2]
MARKER = "marker-of-run-code"


def tensor(name, call=0):
    return {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None, 8, 8, 3], "dtype": "float32", "keras_history": [name, call, 0]},
    }


def layer(kind, name, source=None, module="keras.layers", registered=None, calls=None, **config):
    """One entry of a functional config; `source` is the layer that it is called on."""
    nodes = calls if calls is not None else [{"args": [tensor(source)], "kwargs": {}}] if source else []
    return {"module": module, "class_name": kind, "config": {"name": name, **config}, "registered_name": registered,
            "name": name, "inbound_nodes": nodes}  # fmt: skip


def picture(shape=(None, 8, 8, 3), name="image"):
    return layer("InputLayer", name, batch_shape=list(shape), dtype="float32")


def functional(*layers, name="net", inputs=("image",), outputs=None):
    ends = outputs or (layers[-1]["name"],)
    return {
        "module": "keras.src.models.functional", "class_name": "Functional", "registered_name": "Functional",
        "config": {"name": name, "trainable": True, "layers": list(layers),
                   "input_layers": [[n, 0, 0] for n in inputs], "output_layers": [[n, 0, 0] for n in ends]},
    }  # fmt: skip


def with_layer(**changes):
    """A small classifier with one layer of one's own in the middle."""
    middle = {"kind": "Conv2D", "name": "middle", "source": "image", "filters": 4, "kernel_size": [3, 3]} | changes
    return functional(picture(), layer(**middle), layer("GlobalAveragePooling2D", "pool", "middle"),
                      layer("Dense", "head", "pool", units=2, activation="softmax"))  # fmt: skip


def weights(fill=None):
    """The bytes of a weights file; `fill(file)` may put something of its own into it."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["layers/head/vars/0"] = np.ones((4, 2), np.float32)
        file["layers/head/vars/1"] = np.zeros(2, np.float32)
        if fill is not None:
            fill(file)
    return buffer.getvalue()


def keras_file(config=None, *, version="3.10.0", hdf5=None, extra=(), without=(), pack=zipfile.ZIP_STORED):
    """The bytes of a `.keras` file."""
    buffer = io.BytesIO()
    text = config if isinstance(config, bytes) else json.dumps(config if config is not None else with_layer())
    with zipfile.ZipFile(buffer, "w", pack) as archive:
        parts = {
            "metadata.json": json.dumps({"keras_version": version}),
            "config.json": text,
            "model.weights.h5": hdf5 if hdf5 is not None else weights(),
        }
        for name, content in (*((n, c) for n, c in parts.items() if n not in without), *extra):
            archive.writestr(name, content)
    return buffer.getvalue()


def legacy_file(config, path):
    """A legacy .h5 file with this config at `path`."""
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.10.0"
        if config is not None:
            file.attrs["model_config"] = json.dumps(config)
        file["model_weights/head/head/kernel:0"] = np.ones((4, 2), np.float32)
    return path.read_bytes()


def bomb(megabytes=600):
    """A config.json of `megabytes` spaces in some hundred kilobytes: one packed block, again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(b" " * 1024**2) + packer.flush(zlib.Z_FULL_FLUSH)
    data = block * megabytes + packer.flush(zlib.Z_FINISH)
    name, size = b"config.json", megabytes * 1024**2
    sizes = struct.pack("<III", 0, len(data), size)
    local = b"PK\x03\x04" + struct.pack("<HHHHH", 20, 0, 8, 0, 0) + sizes + struct.pack("<HH", len(name), 0) + name
    first = local + data
    rest = weights()
    other = b"model.weights.h5"
    sums = struct.pack("<III", zlib.crc32(rest), len(rest), len(rest))
    second = (
        b"PK\x03\x04" + struct.pack("<HHHHH", 20, 0, 0, 0, 0) + sums + struct.pack("<HH", len(other), 0) + other + rest
    )
    central = b""
    for title, numbers, method, offset in ((name, sizes, 8, 0), (other, sums, 0, len(first))):
        central += b"PK\x01\x02" + struct.pack("<HHHHHH", 20, 20, 0, method, 0, 0) + numbers
        central += struct.pack("<HHHHHII", len(title), 0, 0, 0, 0, 0, offset) + title
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 2, 2, len(central), len(first + second), 0)
    return first + second + central + end


def overlapping():
    """Both entries of the directory point at the same bytes."""
    content = bytearray(keras_file())
    at = content.index(b"PK\x01\x02")
    second = content.index(b"PK\x01\x02", at + 4)
    content[second + 42 : second + 46] = content[at + 42 : at + 46]
    return bytes(content)


def encrypted():
    content = bytearray(keras_file())
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    return bytes(content)


def nested_again_and_again(levels=18):
    """A network that calls a network twice, which calls a network twice, ...: 2^levels layers in a small file."""
    inner = functional(picture(), layer("ReLU", "r", "image"), name="n0")
    for level in range(1, levels):
        name = inner["config"]["name"]
        twice = {**inner, "name": name,
                 "inbound_nodes": [{"args": [tensor(source)], "kwargs": {}} for source in ("image", name)]}  # fmt: skip
        inner = functional(picture(), twice, name=f"n{level}", outputs=(name,))
        inner["config"]["output_layers"] = [[name, 1, 0]]
    return inner


def deep(levels):
    return b'{"a":' * levels + b"1" + b"}" * levels


def gadget(module, name):
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def lookup(kind):
    return with_layer(kind=kind, name="middle", source="image", vocabulary="/etc/passwd")


def many_layers(count):
    chain = [picture(), *(layer("ReLU", f"r{i}", f"r{i - 1}" if i else "image") for i in range(count))]
    return functional(*chain)


LAMBDA = {"code": "YwAAAAAAAAAA", "command": f"touch {MARKER}"}
CONFIGS = {
    "a Lambda": (with_layer(kind="Lambda", function=LAMBDA), r"'middle' \(Lambda\).*Python code"),
    "a Lambda in a nested network": (
        functional(picture(), {**with_layer(kind="Lambda", function=LAMBDA), "name": "net",
                   "inbound_nodes": [{"args": [tensor("image")], "kwargs": {}}]}), r"'middle' \(Lambda\)"),
    "os.system as a layer": (with_layer(kind="system", module="os"), "class of 'os'"),
    "os.system as an activation": (with_layer(activation=gadget("os", "system")), "function of the module 'os'"),
    "get_file as an activation": (with_layer(activation=gadget("keras.utils", "get_file")), "keras.utils"),
    "a function as a layer": (with_layer(kind="function", module="keras.config"), "not a layer"),
    "enable_unsafe_deserialization": (
        with_layer(kind="enable_unsafe_deserialization", module="keras.config"), "not among the layers"),
    "load_model": (with_layer(kind="load_model", module="keras.saving"), "not among the layers"),
    "a lambda as an activation": (
        with_layer(activation={"class_name": "__lambda__", "config": {"value": "x"}}), "activation is '__lambda__'"),
    "an unknown activation": (with_layer(activation="evil"), "activation is 'evil'"),
    "StringLookup of /etc/passwd": (lookup("StringLookup"), "vocabulary"),
    "IntegerLookup of /etc/passwd": (lookup("IntegerLookup"), "vocabulary"),
    "TextVectorization of /etc/passwd": (lookup("TextVectorization"), "vocabulary"),
    "TFSMLayer": (with_layer(kind="TFSMLayer", filepath="/tmp/x"), "loads a program"),
    "TorchModuleWrapper": (with_layer(kind="TorchModuleWrapper", module="keras.layers"), "loads a program"),
    "JaxLayer": (with_layer(kind="JaxLayer"), "loads a program"),
    "a registered class": (with_layer(kind="Mine", module=None, registered="my>Mine"), "registered as 'my>Mine'"),
    "a known class with a registered name": (with_layer(registered="my>Conv2D"), "registered as 'my>Conv2D'"),
    "a class of keras_hub": (with_layer(kind="Backbone", module="keras_hub.layers"), "class of 'keras_hub'"),
    "Dense of the module subprocess": (with_layer(module="subprocess"), "class of 'subprocess'"),
    "a layer of applications from elsewhere": (
        with_layer(kind="LayerScale", module="keras.src.applications.evil", projection_dim=3), "not among"),
    "a module that begins like keras": (with_layer(module="keras.layersx"), "not among the layers"),
    "an LSTM": (with_layer(kind="LSTM", units=4), "sequences"),
    "an operation of Keras 2": (with_layer(kind="TFOpLambda", module=None), "only Keras 2"),
    "an operation that is not known": (with_layer(kind="Einsum", module="keras.src.ops.numpy"), "not among"),
    "a subclassed network": (
        {**with_layer(), "class_name": "MyNet", "module": "__main__", "registered_name": "MyNet"},
        "class of '__main__'"),
    "an object among the values": (with_layer(note={"class_name": "X", "config": {}}), "its note is an object"),
    "a long text among the values": (with_layer(note="x" * 5000), "5,000 letters"),
    "an object among the arguments": (
        with_layer(calls=[{"args": [tensor("image"), {"class_name": "Evil", "config": {}}], "kwargs": {}}]), "Evil"),
    "Dense of 5e8": (with_layer(kind="Dense", units=500_000_000), r"'middle' \(Dense\).*1,500,000,000|2,000,000,000"),
    "a kernel of 10^4": (with_layer(kernel_size=[20000, 20000], padding="same"), "parameters"),
    "a number that is none": (with_layer(filters="many"), "filters is many"),
    "a negative number": (with_layer(filters=-4), "filters is -4"),
    "an enormous picture inside": (with_layer(kind="UpSampling2D", size=[9000, 9000]), "between its layers"),
    "more layers than any network": (many_layers(5_050), "more than 5,000 layers"),
    "networks in networks": (nested_again_and_again(), "more than 5,000 layers"),
    "training=True": (
        with_layer(calls=[{"args": [tensor("image")], "kwargs": {"training": True}}]), "training=True"),
    "a circle": (
        functional(picture(), layer("ReLU", "a", "b"), layer("ReLU", "b", "a")), "from nowhere, or from itself"),
    "two layers of one name": (
        functional(picture(), layer("ReLU", "a", "image"), layer("ReLU", "a", "image")), "one name"),
    "an output that is no layer": (functional(picture(), layer("ReLU", "a", "image"), outputs=("zz",)), "'zz'"),
    "two pictures": (
        functional(picture(), picture(name="second"),
                   layer("Add", "sum", calls=[{"args": [[tensor("image"), tensor("second")]], "kwargs": {}}]),
                   inputs=("image", "second")), "2 pictures"),
    "two outputs": (
        functional(picture(), layer("ReLU", "a", "image"), layer("ReLU", "b", "image"), outputs=("a", "b")),
        r"2 outputs, a \(a picture\) and b \(a picture\); none gives one number for each class"),
    "channels first": (functional(picture((None, 3, 64, 64)), layer("ReLU", "a", "image")), "channels come first"),
    "five channels": (functional(picture((None, 64, 64, 5)), layer("ReLU", "a", "image")), "5 channels"),
    "a film": (functional(picture((None, 4, 64, 64, 3)), layer("ReLU", "a", "image")), "volumes or films"),
    "no picture": (functional(picture((None, 12)), layer("Dense", "a", "image", units=2)), "takes no picture"),
    "regions instead of classes": (with_layer() | functional(picture(), layer("ReLU", "a", "image")), "marks regions"),
    "more classes than can be shown": (
        functional(picture(), layer("Flatten", "f", "image"), layer("Dense", "a", "f", units=5000)), "5,000 classes"),
    "text as input": (functional(layer("InputLayer", "image", batch_shape=[None, 8, 8, 3], dtype="string")), "string"),
    "no layers": ({"class_name": "Sequential", "config": {"name": "s", "layers": []}}, "no layers"),
    "a Sequential without a size": (
        {"class_name": "Sequential", "config": {"name": "s", "layers": [layer("Dense", "d", units=2)]}}, "not stated"),
    "no network": ({"class_name": "Dense", "module": "keras.layers", "config": {"units": 1}}, "no functional"),
}  # fmt: skip


def external_storage(file):
    file.create_dataset("layers/x/vars/0", (8,), np.uint8, external=[("/etc/passwd", 0, 8)])


def virtual(file):
    layout = h5py.VirtualLayout((8,), np.uint8)
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (8,))
    file.create_virtual_dataset("layers/x/vars/0", layout)


def nothing_stored(file):
    file.create_dataset("layers/x/vars/0", (40_000, 2_000), np.float32, chunks=(1000, 1000))


def put(name, value):
    def fill(file):
        file[name] = value

    return fill


WEIGHTS = {
    "NaN": (put("layers/x/vars/0", np.array([1, np.nan], np.float32)), "NaN or infinity"),
    "infinity": (put("layers/x/vars/0", np.array([np.inf], np.float16)), "NaN or infinity"),
    "external storage": (external_storage, "another file"),
    "a virtual data set": (virtual, "another file"),
    "an external link": (put("layers/x", h5py.ExternalLink("/etc/passwd", "/")), "link at '/layers/x'"),
    "a soft link": (put("layers/x", h5py.SoftLink("/layers/head")), "link at '/layers/x'"),
    "a group twice": (lambda file: file["layers"].__setitem__("again", file["layers"]), "twice"),
    "text instead of numbers": (put("layers/x/vars/0", np.array([b"abc"])), "expected are numbers"),
    "a declared shape": (nothing_stored, "does not hold them"),
    "an unknown packing": (
        lambda file: file.create_dataset("layers/x/vars/0", data=np.zeros(99), compression="lzf"), "packed by"),
}  # fmt: skip

FILES = {
    "empty": (b"", "empty"),
    "text": (b"hello, I am a network", "text file"),
    "HTML": (b"<!doctype html><script>", "HTML"),
    "a pickle": (b"\x80\x04\x95" + b"x" * 40, "pickle"),
    "a program": (b"\x7fELF" + b"\0" * 60, "program"),
    "a JPEG": (b"\xff\xd8\xff\xe0" + b"x" * 50, "JPEG"),
    "TensorFlow Lite": (b"\x1c\0\0\0TFL3" + b"\xf0" * 50, "TensorFlow Lite"),
    "cut off": (keras_file()[:-60], "cut off"),
    "cut off early": (keras_file()[:200], "cut off"),
    "weights cut off": (keras_file(hdf5=weights()[:-300]), "cut off"),
    "weights that are none": (keras_file(hdf5=b"no weights"), "no HDF5"),
    "no weights": (keras_file(without=("model.weights.h5",)), "holds no model.weights.h5"),
    "no config": (keras_file(without=("config.json",)), "holds no config.json"),
    "assets": (keras_file(extra=[("assets/vocab.txt", "root")]), "assets"),
    "a stranger": (keras_file(extra=[("evil.py", "import os")]), "'evil.py'"),
    "a way out": (keras_file(extra=[("../../etc/cron.d/x", "x")]), "does not belong"),
    "a PyTorch file": (keras_file(extra=[("net/data.pkl", "x")]), "PyTorch"),
    "a SavedModel": (keras_file(extra=[("m/saved_model.pb", "x")]), "SavedModel"),
    "a method that Keras does not use": (keras_file(pack=zipfile.ZIP_BZIP2), "method"),
    "entries over each other": (overlapping(), "over each other"),
    "encrypted": (encrypted(), "encrypted"),
    "a bomb of 600 MB": (bomb(), "times its size"),
    "weights that shrink like a bomb": (
        keras_file(hdf5=weights(put("layers/x/vars/0", np.zeros(10**6, np.float32))), pack=zipfile.ZIP_DEFLATED),
        "times its size",
    ),
    "a large config": (keras_file(b'{"a":"' + b"x" * 11_000_000 + b'"}'), "10 are read"),
    "no JSON": (keras_file(b"{oops"), "not readable as JSON"),
    "no object": (keras_file(b"[1, 2]"), "no JSON object"),
    "nested 101 deep": (keras_file(deep(101)), "deeper than 100"),
    "nested 100,000 deep": (keras_file(deep(100_000)), "deeper than 100"),
    "of a newer Keras": (keras_file(version="99.1.0"), "saved by Keras 99.1.0"),
}
ALL = {
    **{f"file: {name}": entry for name, entry in FILES.items()},
    **{f"config: {name}": (keras_file(config), words) for name, (config, words) in CONFIGS.items()},
    **{f"weights: {name}": (keras_file(hdf5=weights(fill)), words) for name, (fill, words) in WEIGHTS.items()},
}


@pytest.mark.parametrize("name", ALL)
def test_it_is_refused_in_one_sentence_that_says_why(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content, words = ALL[name]
    file = tmp_path / "net.keras"
    file.write_bytes(content)
    with pytest.raises(ModelRefused, match=words) as refused:
        inspect_model(file)
    assert len(str(refused.value)) < 400
    assert "\n" not in str(refused.value)
    assert not (tmp_path / MARKER).exists()


def test_a_directory_with_a_name_twice_is_refused(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        content = keras_file(extra=[("config.json", "{}")])
    (tmp_path / "net.keras").write_bytes(content)
    with pytest.raises(ModelRefused, match="one name"):
        inspect_model(tmp_path / "net.keras")


def test_a_file_over_the_limit_is_refused_by_its_size(tmp_path):
    file = tmp_path / "net.keras"
    with file.open("wb") as sink:
        sink.truncate(513 * 1024**2)  # a hole: it takes no room on the disk
    with pytest.raises(ModelRefused, match="at most 537 are read"):
        inspect_model(file)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (with_layer(kind="Lambda", module=None, function=LAMBDA), "Python code"),
        (None, "weights without a network"),
        (with_layer(kind="SlicingOpLambda", module=None), "only Keras 2"),
    ],
)
def test_a_legacy_file_is_refused_alike(config, words, tmp_path):
    file = tmp_path / "net.h5"
    legacy_file(config, file)
    with pytest.raises(ModelRefused, match=words):
        inspect_model(file)


def test_a_legacy_file_with_a_large_config_is_refused(tmp_path):
    legacy_file({**with_layer(), "note": "x" * 11_000_000}, tmp_path / "net.h5")
    with pytest.raises(ModelRefused, match="11 MB; at most 10 MB"):
        inspect_model(tmp_path / "net.h5")


def test_a_legacy_file_that_is_cut_off_says_so(tmp_path):
    file = tmp_path / "net.h5"
    file.write_bytes(legacy_file(with_layer(), tmp_path / "whole.h5")[:-500])
    with pytest.raises(ModelRefused, match="cut off"):
        inspect_model(file)


def test_code_in_what_only_training_needs_is_left_out_unread(tmp_path):
    config = with_layer(kernel_initializer=gadget("os", "system"), kernel_regularizer=gadget("os", "system"))
    config["compile_config"] = {"loss": gadget("os", "system"), "optimizer": {"class_name": "Lambda", "config": LAMBDA}}
    config["config"]["layers"][1]["build_config"] = {"input_shape": [None, 8, 8, 10**9]}
    (tmp_path / "net.keras").write_bytes(keras_file(config))
    found, copy = clean_file(tmp_path / "net.keras", tmp_path)
    text = zipfile.ZipFile(copy).read("config.json").decode()
    assert found.class_count == 2
    assert not any(word in text for word in ('"os"', "system", "Lambda", MARKER, "build_config", "1000000000"))


SWEEP = """
import json, resource, sys
from pathlib import Path
opened = []
sys.addaudithook(lambda event, args: opened.append((event, str(args[:1]))) if event in
                 ("open", "os.system", "subprocess.Popen", "socket.connect", "os.exec", "ctypes.dlopen") else None)
from core.errors import ModelRefused
from core.nn.inspect import inspect_model
inspect_model(Path(sys.argv[1]) / "good.keras")
opened.clear()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
refused = 0
for file in sorted(Path(sys.argv[1]).glob("*.bad")):
    try:
        inspect_model(file)
    except ModelRefused:
        refused += 1
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({
    "refused": refused,
    "grown_mb": (after - before) / 1024,
    "heavy": sorted(set(sys.modules) & {"keras", "tensorflow", "torch", "jax"}),
    "strange": [e for e in opened if e[0] not in ("open", "ctypes.dlopen") or "passwd" in e[1]],
}))
"""


def test_inspecting_imports_no_keras_runs_nothing_and_stays_small(tmp_path):
    (tmp_path / "good.keras").write_bytes(keras_file())
    for number, (content, _) in enumerate(ALL.values()):
        (tmp_path / f"{number}.bad").write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", SWEEP, str(tmp_path)],
        cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["refused"] == len(ALL)
    assert said["heavy"] == []
    assert said["strange"] == []
    assert said["grown_mb"] < 100
