"""Random changes in front of a network, active in training only; pixels stay in 0-255.

They stand in a graph of their own around the network, which shares its weights: what is scored, saved and exported
is the network without them. Class names begin with `Random`, as those of Keras do: exporters pass over such layers.
"""

import math

from core.nn.backend import backend_name, keras
from core.types import AugmentationSpec

layers, ops = keras.layers, keras.ops


def with_augmentation(model: keras.Model, spec: AugmentationSpec, seed: int) -> keras.Model:
    """A network to train: (n, S, S, 3) 0-255 -> random changes -> `model`; `model` itself where nothing is asked for.

    Both share every weight, so that training the one trains the other.
    """
    if spec == AugmentationSpec():
        return model
    pixels = keras.Input(model.input_shape[1:], dtype="float32", name="pixels_to_change")
    return keras.Model(pixels, model(augment(pixels, spec, seed)), name=f"{model.name}_in_training")


def augment(pixels, spec: AugmentationSpec, seed: int):
    """Random changes as layers on `pixels` (n, S, S, 3) 0-255, of the same shape and range.

    Every layer has a seed of its own: with one for all, whatever is turned to the left would also always be enlarged.
    """
    x = pixels
    if spec.flip_horizontal or spec.flip_vertical:
        both = spec.flip_horizontal and spec.flip_vertical
        mode = "horizontal_and_vertical" if both else ("horizontal" if spec.flip_horizontal else "vertical")
        x = layers.RandomFlip(mode, seed=_seed(seed, 1), name="augment_flip")(x)
    if spec.rotation or spec.zoom or spec.shift or spec.shear:
        x = RandomGeometry(
            rotation=spec.rotation, zoom=spec.zoom, shift=spec.shift, shear=spec.shear, seed=_seed(seed, 2),
            name="augment_geometry",
        )(x)  # fmt: skip
    if spec.brightness:
        x = layers.RandomBrightness(
            spec.brightness, value_range=(0, 255), seed=_seed(seed, 3), name="augment_brightness"
        )(x)  # fmt: skip
    if spec.darker or spec.brighter:
        x = RandomExposure(spec.darker, spec.brighter, seed=_seed(seed, 4), name="augment_exposure")(x)
    if spec.contrast:
        x = layers.RandomContrast(spec.contrast, value_range=(0, 255), seed=_seed(seed, 5), name="augment_contrast")(x)
    if spec.sharpness or spec.blur:
        x = RandomFocus(spec.blur, spec.sharpness, seed=_seed(seed, 6), name="augment_focus")(x)
    return x


def _seed(seed: int, number: int) -> int:
    return (seed * 16 + number) % 2**31  # a seed generator takes 32 bits


class RandomChange(layers.Layer):
    """A change drawn anew for each image in training, and nothing at all otherwise."""

    def __init__(self, seed: int | None = None, **settings) -> None:
        super().__init__(**settings)
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, inputs, training=False):
        return self.change(inputs) if training else inputs

    def change(self, images):
        """The changed images (n, S, S, 3)."""
        raise NotImplementedError

    def draw(self, images, low: float, high: float):
        """One number per image, (n,), evenly between `low` and `high`."""
        return keras.random.uniform((ops.shape(images)[0],), low, high, dtype="float32", seed=self.generator)

    def compute_output_shape(self, input_shape):
        return input_shape


class RandomGeometry(RandomChange):
    """Rotation, zoom, shear and shift as one warp, so that an image is interpolated once; what comes in is black."""

    def __init__(self, rotation=0.0, zoom=0.0, shift=0.0, shear=0.0, **settings) -> None:
        super().__init__(**settings)
        self.rotation, self.zoom, self.shift, self.shear = rotation, zoom, shift, shear
        self.supports_jit = backend_name() != "tensorflow"  # its warp is no operation of XLA

    def change(self, images):
        angle = self.draw(images, -self.rotation, self.rotation) * (2 * math.pi)
        scale = 1.0 + self.draw(images, -self.zoom, self.zoom)
        slant = self.draw(images, -self.shear, self.shear)
        height, width = images.shape[1], images.shape[2]
        right = self.draw(images, -self.shift, self.shift) * width
        down = self.draw(images, -self.shift, self.shift) * height
        # where in the old image each pixel of the new one comes from: turned and slanted about the centre
        cos, sin, x, y = ops.cos(angle), ops.sin(angle), (width - 1) / 2, (height - 1) / 2
        a, b = scale * cos, scale * (slant * cos - sin)
        c, d = scale * sin, scale * (slant * sin + cos)
        zero = ops.zeros_like(a)
        rows = [a, b, x - a * x - b * y + right, c, d, y - c * x - d * y + down, zero, zero]
        return ops.image.affine_transform(
            images, ops.stack(rows, axis=1), interpolation="bilinear", fill_mode="constant", fill_value=0.0,
            data_format="channels_last",
        )  # fmt: skip

    def get_config(self):
        own = {"rotation": self.rotation, "zoom": self.zoom, "shift": self.shift, "shear": self.shear}
        return {**super().get_config(), **own, "seed": self.seed}


class RandomExposure(RandomChange):
    """Every pixel times one number between 1 - `darker` and 1 + `brighter`."""

    def __init__(self, darker=0.0, brighter=0.0, **settings) -> None:
        super().__init__(**settings)
        self.darker, self.brighter = darker, brighter

    def change(self, images):
        factor = self.draw(images, 1.0 - self.darker, 1.0 + self.brighter)
        return ops.clip(images * ops.reshape(factor, (-1, 1, 1, 1)), 0.0, 255.0)

    def get_config(self):
        return {**super().get_config(), "darker": self.darker, "brighter": self.brighter, "seed": self.seed}


class RandomFocus(RandomChange):
    """From blurred to sharpened: what a small blur takes away is taken away, or added once more, in part."""

    def __init__(self, blur=0.0, sharpness=0.0, **settings) -> None:
        super().__init__(**settings)
        self.blur, self.sharpness = blur, sharpness

    def change(self, images):
        soft = images
        for _ in range(2):  # two means over 3 x 3 pixels: nearly a Gaussian with a deviation of 1.2 pixels
            soft = ops.average_pool(soft, 3, strides=1, padding="same", data_format="channels_last")
        amount = ops.reshape(self.draw(images, -self.blur, self.sharpness), (-1, 1, 1, 1))
        return ops.clip(images + amount * (images - soft), 0.0, 255.0)

    def get_config(self):
        return {**super().get_config(), "blur": self.blur, "sharpness": self.sharpness, "seed": self.seed}
