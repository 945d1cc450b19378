"""The paths of the project's files, in a clone and in an installed package."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent
ROOT = PACKAGE.parent
"""The folder that contains ``estimation`` and ``openpose_lab``: a clone, an unpacked handout or site-packages."""


def in_clone() -> bool:
    """Return whether the package is in a clone or an unpacked handout, also after ``pip install -e .``."""
    return (ROOT / "demo_image.py").is_file() and (ROOT / "models").is_dir()


def keras_folder() -> Path:
    """Return the folder of the networks' Keras code: ``models`` in a clone, or ``keras_models`` in the package."""
    installed = PACKAGE / "keras_models"
    return installed if installed.is_dir() else ROOT / "models"


def embedded_weights() -> Path:
    """Return the folder of the weights that the project includes."""
    return (ROOT if in_clone() else PACKAGE) / "model_weights"


def sample_photo() -> Path:
    """Return the path of the sample photo with five skiers."""
    return (ROOT if in_clone() else PACKAGE) / "images" / "skiers.jpg"


def weights_folder() -> Path:
    """Return the folder for downloaded weights: ``model_weights`` in a clone, or in the user's cache folder."""
    return ROOT / "model_weights" if in_clone() else _user_cache() / "model_weights"


def cache_folder() -> Path:
    """Return the folder for cached maps of photos: ``.cache`` in a clone, or the user's cache folder."""
    return ROOT / ".cache" if in_clone() else _user_cache()


def _user_cache() -> Path:
    import platformdirs  # imported here, because a clone does not need it

    return Path(platformdirs.user_cache_dir("openpose-lab", appauthor=False))
