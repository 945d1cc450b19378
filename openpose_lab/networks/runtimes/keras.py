"""The Keras runtime, on TensorFlow: the reference for all others."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError
from openpose_lab.networks.importers.trained_weights import Weights, shown
from openpose_lab.networks.published import Precision
from openpose_lab.networks.reading import read_weights
from openpose_lab.networks.runtimes.base import BatchMaps, RuntimeSpec, StageMaps, last_stage, maps_of_stages
from openpose_lab.networks.runtimes.tensorflow_loading import use_tensorflow
from openpose_lab.networks.spec import NetworkSpec
from openpose_lab.paths import PACKAGE, keras_folder

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

_LARGEST_WEIGHT = 1e9


class KerasRuntime:
    """A Keras model as a runtime. One traced graph serves photos and batches of every size."""

    def __init__(self, model: keras.Model) -> None:
        """Prepare a model.

        Args:
            model: A model with the input and the outputs that ``NetworkSpec.build`` describes.
        """
        use_tensorflow()
        import tensorflow as tf

        signature = [tf.TensorSpec((None, None, None, 3), tf.uint8)]
        last = last_stage(model.output)

        def run_last(batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            outputs = model(batch, training=False)  # TensorFlow skips layers that the last stage does not need
            return outputs[last["heatmaps"]], outputs[last["pafs"]]

        def every_stage(batch: tf.Tensor) -> dict[str, tf.Tensor]:
            outputs: dict[str, tf.Tensor] = model(batch, training=False)
            return outputs

        self._last_stage = tf.function(run_last, input_signature=signature)
        self._every_stage = tf.function(every_stage, input_signature=signature)

    def run(self, batch: NDArray[np.uint8]) -> BatchMaps:
        """Compute the maps of the last stage: see ``Runtime.run``."""
        use_tensorflow()
        heatmaps, pafs = self._last_stage(batch)
        return BatchMaps(heatmaps.numpy(), pafs.numpy())

    def run_stages(self, batch: NDArray[np.uint8]) -> list[StageMaps]:
        """Compute the maps of every stage: see ``Runtime.run_stages``."""
        use_tensorflow()
        return maps_of_stages({name: maps.numpy() for name, maps in self._every_stage(batch).items()})

    def for_calls(self, calls: int) -> KerasRuntime:
        """Return this object, because TensorFlow shares its threads among all calls: see ``Runtime.for_calls``."""
        return self


def load(spec: NetworkSpec, weights: Path, precision: Precision | None = None) -> KerasRuntime:
    """Build a network with the weights of a file: see ``RuntimeSpec.load``."""
    if precision not in (None, "f32"):
        raise OpenPoseLabError(
            f"Keras computes in f32, not in {precision}; leave out --precision, or use --runtime openvino"
        )
    return KerasRuntime(build_trained(spec, read_weights(weights)[1].arrays, weights))


def build_trained(spec: NetworkSpec, arrays: Weights, path: Path) -> keras.Model:
    """Build a network's Keras model with trained weights.

    Args:
        spec: The network.
        arrays: The weights, keyed by ``layer/variable``.
        path: The weights file, for error messages.

    Returns:
        The model.

    Raises:
        OpenPoseLabError: As in ``set_weights``.
    """
    use_tensorflow()
    model = spec.build(spec.layout)
    set_weights(model, arrays, path, spec.name)
    return model


def set_weights(model: keras.Model, arrays: Weights, path: Path, network: str) -> None:
    """Put weights into a model.

    Args:
        model: The model. It is not changed if an error is raised.
        arrays: The weights, keyed by ``layer/variable``.
        path: The weights file, for error messages.
        network: The network's name, for error messages.

    Raises:
        OpenPoseLabError: A weight is missing, has another shape, has values that no trained network has, or belongs to
            no layer of the model.
    """
    variables = {f"{layer.name}/{variable.name}": variable for layer in model.layers for variable in layer.weights}
    found = {}
    for name, variable in variables.items():
        expected = tuple(variable.shape)
        if name not in arrays:
            raise OpenPoseLabError(f"{path} is not for {network}: {name} is missing, expected with shape {expected}")
        if arrays[name].shape != expected:
            raise OpenPoseLabError(
                f"{path} is not for {network}: {name} has shape {arrays[name].shape}, expected {expected}"
            )
        with np.errstate(all="ignore"):  # a value that is too large for the variable's dtype becomes infinite
            found[name] = np.asarray(arrays[name], variable.dtype)
        if not np.isfinite(found[name]).all():
            raise OpenPoseLabError(f"{path} is damaged: {name} has infinite values or NaN; use another weights file")
        if found[name].dtype.kind == "f" and np.abs(found[name]).max(initial=0) > _LARGEST_WEIGHT:
            raise OpenPoseLabError(f"{path} is damaged: {name} has a magnitude above 1e9; use another weights file")
        if variable.name.endswith("kernel") and not found[name].any():
            raise OpenPoseLabError(f"{path} is damaged: {name} is all zeros; use another weights file")
    if unknown := sorted(arrays.keys() - variables.keys()):
        raise OpenPoseLabError(f"{path} is not for {network}: the network has no layer for {shown(unknown[0])}")
    for name, variable in variables.items():
        variable.assign(found[name])


def keras_package() -> str:
    """Return the name of the package with the networks' Keras code, and make it importable.

    Returns:
        ``openpose_lab.keras_models``. In a clone this is the folder ``models`` of the clone, even if Python would find
        another package ``models``.

    Raises:
        OpenPoseLabError: The Keras code is missing.
    """
    name = "openpose_lab.keras_models"
    if name in sys.modules or (PACKAGE / "keras_models" / "__init__.py").is_file():
        return name
    path = keras_folder() / "__init__.py"
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=[str(path.parent)])
    if not path.is_file() or spec is None or spec.loader is None:
        raise OpenPoseLabError(
            f"the Keras code of the networks is missing: {path} does not exist; download the whole project again"
        )
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    spec.loader.exec_module(package)
    return name


def keras_code(name: str) -> ModuleType:
    """Import the Keras code of a network.

    Args:
        name: The module's name, as in ``models/NAME.py``.

    Returns:
        The module.

    Raises:
        OpenPoseLabError: The Keras code is missing, or this process was forked from one that has used TensorFlow.
        ImportError: The module is missing, or one of its own imports fails.
    """
    use_tensorflow()
    return importlib.import_module(f"{keras_package()}.{name}")


RUNTIME = RuntimeSpec("keras", load, "tensorflow")
