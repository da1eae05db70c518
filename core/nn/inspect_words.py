"""Why a class of a config is refused, in words that say what to do instead."""

from core.errors import ModelRefused
from core.language import said
from core.nn.inspect_view import LayerView

CODE = said("it carries Python code, which could do anything on this machine")
ELSEWHERE = said("it loads a program from a file or folder")
FILES = said("it reads a vocabulary, possibly from a file of this machine; a network for images needs none")
KERAS_2 = said("it is a TensorFlow operation that only Keras 2 can read; use a layer such as Rescaling instead")
RECURRENT = said("layers for sequences are not among those that MedLens knows")
REASONS = {
    "Lambda": CODE, "__lambda__": CODE, "TFSMLayer": ELSEWHERE, "TorchModuleWrapper": ELSEWHERE,
    "JaxLayer": ELSEWHERE, "FlaxLayer": ELSEWHERE,
    "StringLookup": FILES, "IntegerLookup": FILES, "TextVectorization": FILES, "IndexLookup": FILES,
    "TFOpLambda": KERAS_2, "SlicingOpLambda": KERAS_2, "TensorFlowOpLayer": KERAS_2,
    "LSTM": RECURRENT, "GRU": RECURRENT, "SimpleRNN": RECURRENT, "RNN": RECURRENT, "Bidirectional": RECURRENT,
}  # fmt: skip


def refused_class(view: LayerView, module: object, registered: object, *, outermost: bool = False) -> ModelRefused:
    """The refusal of a class that is not among the known ones, with the reason that helps most."""
    if view.kind in REASONS:
        return view.refuse(REASONS[view.kind])
    if view.kind == "function":
        return view.refuse(said("it is a function of the module {module}, not a layer", module=repr(str(module)[:60])))
    if isinstance(registered, str) and registered != view.kind:
        return view.refuse(
            said(
                "it is a custom class, registered as {registered}; only Keras' own layers are read",
                registered=repr(registered[:60]),
            )
        )
    package = module.split(".")[0] if isinstance(module, str) else "keras"
    if package != "keras":
        return view.refuse(
            said("it is a class of {package}; only Keras' own layers are read", package=repr(package[:60]))
        )
    if outermost:
        return view.refuse(
            said("it is no functional or Sequential network; a class of one's own cannot be read without its code")
        )
    return view.refuse(said("it is not among the layers that MedLens knows"))
