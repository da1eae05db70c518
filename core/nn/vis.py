"""The one place that imports tf-keras-vis, which needs the TensorFlow backend.

Version 0.8.7 imports a SciPy name that SciPy 2 removes; that one warning is silenced here by name.
"""

import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message=".*scipy.ndimage.interpolation.*", category=DeprecationWarning)
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus
    from tf_keras_vis.layercam import Layercam
    from tf_keras_vis.saliency import Saliency
    from tf_keras_vis.scorecam import Scorecam
    from tf_keras_vis.utils.model_modifiers import ReplaceToLinear
    from tf_keras_vis.utils.scores import CategoricalScore

__all__ = ["Gradcam", "GradcamPlusPlus", "Layercam", "ReplaceToLinear", "Saliency", "Scorecam", "class_score"]


def class_score(class_index: int | list[int]) -> CategoricalScore:
    """The score whose gradient is taken: the output of one class, or of one class per picture."""
    return CategoricalScore(class_index)
