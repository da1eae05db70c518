"""The feature cache: what is served from it, what never is, and what an interruption leaves."""

import numpy as np
import pytest
from PIL import Image

from core.data.sources import content_hash
from core.registry.architectures import ARCHITECTURES
from core.types import PreprocessSpec

pytestmark = pytest.mark.keras
SETTINGS = PreprocessSpec(size_px=32)


@pytest.fixture(scope="module")
def backbone():
    from core.nn.backbones import build_backbone

    return build_backbone(ARCHITECTURES["compact_cnn"], input_px=32, seed=1)


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    files = []
    for number in range(40):
        file = tmp_path / f"{number:02d}.png"
        Image.fromarray(rng.integers(0, 256, (40, 36, 3)).astype("uint8")).save(file)
        files.append(str(file))
    return files


def extract(backbone, files, tmp_path, settings=SETTINGS, **more):
    from core.nn.features import extract_features

    hashes = [content_hash(f) for f in files]
    return extract_features(backbone, files, hashes, settings, cache_folder=tmp_path / "cache", **more)


@pytest.fixture
def computed(monkeypatch):
    """How many images went through the network."""
    from core.data import batches

    counts = []
    real = batches.prepare

    def counting(path, preprocess):
        counts.append(path)
        return real(path, preprocess)

    monkeypatch.setattr(batches, "prepare", counting)
    return counts


def test_features_are_the_mean_over_the_cells_of_the_last_stage(backbone, images, tmp_path):
    from core.data.batches import prepare

    pixels = np.stack([prepare(f, SETTINGS) for f in images]).astype("float32")
    expected = np.asarray(backbone.predict_on_batch(pixels)).mean(axis=(1, 2))
    np.testing.assert_allclose(extract(backbone, images, tmp_path), expected, rtol=1e-4, atol=1e-5)


def test_a_second_call_computes_nothing_and_gives_the_same(backbone, images, tmp_path, computed):
    first = extract(backbone, images, tmp_path)
    assert len(computed) == 40
    second = extract(backbone, images[::-1], tmp_path)
    assert len(computed) == 40
    np.testing.assert_array_equal(second, first[::-1])


def test_a_changed_image_is_computed_anew(backbone, images, tmp_path, computed):
    first = extract(backbone, images, tmp_path)
    Image.fromarray(np.full((40, 36, 3), 200, np.uint8)).save(images[7])
    second = extract(backbone, images, tmp_path)
    assert computed[40:] == [images[7]]
    assert not np.allclose(first[7], second[7])
    np.testing.assert_array_equal(np.delete(first, 7, 0), np.delete(second, 7, 0))


@pytest.mark.parametrize(
    "settings",
    [PreprocessSpec(size_px=32, resize_mode="pad"), PreprocessSpec(size_px=32, contrast="equalize")],
    ids=["resize", "contrast"],
)
def test_another_preprocessing_is_never_served_from_the_cache(backbone, images, tmp_path, computed, settings):
    extract(backbone, images, tmp_path)
    extract(backbone, images, tmp_path, settings)
    assert len(computed) == 80


def test_other_weights_are_never_served_from_the_cache(backbone, images, tmp_path, computed):
    from core.nn.backbones import build_backbone

    extract(backbone, images, tmp_path)
    extract(build_backbone(ARCHITECTURES["compact_cnn"], input_px=32, seed=2), images, tmp_path)
    assert len(computed) == 80


def test_an_interrupted_extraction_goes_on_where_it_stopped(backbone, images, tmp_path, computed, monkeypatch):
    from core.nn import features

    monkeypatch.setattr(features, "SHARD_IMAGES", 16)

    def stop(done, _total):
        if done >= 32:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(backbone, images, tmp_path, progress=stop)
    computed.clear()
    whole = extract(backbone, images, tmp_path)
    assert len(computed) == 8
    assert np.isfinite(whole).all()


def test_a_broken_cache_file_is_made_again(backbone, images, tmp_path, computed):
    first = extract(backbone, images, tmp_path)
    (shard,) = (tmp_path / "cache").glob("*/*.npz")
    shard.write_bytes(shard.read_bytes()[:100])
    computed.clear()
    np.testing.assert_array_equal(extract(backbone, images, tmp_path), first)
    assert len(computed) == 40


def test_a_cache_file_whose_rows_went_bad_is_made_again(backbone, images, tmp_path, computed):
    first = extract(backbone, images, tmp_path)
    (shard,) = (tmp_path / "cache").glob("*/*.npz")
    content = bytearray(shard.read_bytes())
    place = content.index(first[20].tobytes())  # in the rows, so that the file still opens and lists its hashes
    content[place] ^= 1
    shard.write_bytes(bytes(content))
    computed.clear()
    np.testing.assert_array_equal(extract(backbone, images, tmp_path), first)
    assert len(computed) == 40


def test_a_large_result_is_paged_in_from_a_file_and_holds_the_same(backbone, images, tmp_path, monkeypatch):
    from core.nn import features

    expected = extract(backbone, images, tmp_path)
    monkeypatch.setenv("MEDLENS_CACHE", str(tmp_path / "paged"))
    monkeypatch.setattr(features, "IN_MEMORY_BYTES", 1000)
    paged = extract(backbone, images, tmp_path)
    assert isinstance(paged, np.memmap)
    np.testing.assert_array_equal(paged, expected)
    assert list((tmp_path / "paged").iterdir()) == []  # the file has no name that could stay behind


def test_rows_wait_on_the_disk_and_not_in_memory(backbone, images, tmp_path, monkeypatch):
    from core.nn import features

    monkeypatch.setattr(features, "SHARD_IMAGES", 8)
    held = []
    real = features.FeatureCache.add

    def add(cache, hashes, rows):
        real(cache, hashes, rows)
        held.append((len(rows), [value for value in vars(cache).values() if isinstance(value, np.ndarray)]))

    monkeypatch.setattr(features.FeatureCache, "add", add)
    extract(backbone, images, tmp_path)
    assert [count for count, _ in held] == [8] * 5
    assert all(arrays == [] for _, arrays in held)


def test_a_network_that_onnx_cannot_take_gives_the_same_features_by_keras(backbone, images, tmp_path, monkeypatch):
    from core.errors import ExportImpossible
    from core.nn import forward

    by_onnx = extract(backbone, images, tmp_path / "onnx")

    def impossible(*_):
        raise ExportImpossible("no such layer")

    monkeypatch.setattr(forward, "graph_bytes", impossible)
    by_keras = extract(backbone, images, tmp_path / "keras")
    np.testing.assert_allclose(by_onnx, by_keras, atol=1e-5 * max(1.0, by_keras.max()))
    assert not np.array_equal(by_onnx, by_keras)  # or both took the same way


def test_a_graph_that_gives_other_features_is_not_used(backbone, images, tmp_path, monkeypatch):
    from core.nn import forward

    expected = extract(backbone, images, tmp_path / "right")
    other = type(backbone).from_config(backbone.get_config())  # the same layers with other random weights

    def wrong(_model, image):
        pooled = forward.pooled_model(other)
        return real(type(pooled)(other.input, {forward.FEATURES: pooled.output}), image)

    real = forward.graph_bytes
    monkeypatch.setattr(forward, "graph_bytes", wrong)
    found = extract(backbone, images, tmp_path / "wrong")
    np.testing.assert_allclose(found, expected, atol=1e-5 * max(1.0, expected.max()))


def test_an_image_that_stands_twice_is_computed_once(backbone, images, tmp_path, computed):
    rows = extract(backbone, [images[0], images[1], images[0]], tmp_path)
    assert len(computed) == 2
    np.testing.assert_array_equal(rows[0], rows[2])


def test_progress_counts_images_up_to_the_total(backbone, images, tmp_path):
    seen = []
    extract(backbone, images, tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, 40)
    assert seen[-1] == (40, 40)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_an_image_that_vanished_is_refused_by_name(backbone, images, tmp_path):
    from pathlib import Path

    from core.errors import ImageRefused
    from core.nn.features import extract_features

    hashes = [content_hash(f) for f in images]
    Path(images[3]).unlink()
    with pytest.raises(ImageRefused, match=r"03\.png"):
        extract_features(backbone, images, hashes, SETTINGS, cache_folder=tmp_path / "cache")
