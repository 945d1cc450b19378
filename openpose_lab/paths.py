"""Where the project's files are: in a clone, or beside an installed package."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent
ROOT = PACKAGE.parent
"""The folder that ``estimation`` and ``openpose_lab`` are in: a clone, an unpacked handout or site-packages."""


def in_clone() -> bool:
    """Tell whether the package lies in a clone or an unpacked handout, as it also does after ``pip install -e .``."""
    return (ROOT / "demo_image.py").is_file() and (ROOT / "models").is_dir()


def keras_folder() -> Path:
    """The Keras code of the networks: ``models`` of the clone, or the package's own ``keras_models``."""
    installed = PACKAGE / "keras_models"
    return installed if installed.is_dir() else ROOT / "models"


def embedded_weights() -> Path:
    """The folder of the weights that come with the project."""
    return (ROOT if in_clone() else PACKAGE) / "model_weights"


def sample_photo() -> Path:
    """The sample photo of five skiers."""
    return (ROOT if in_clone() else PACKAGE) / "images" / "skiers.jpg"


def weights_folder() -> Path:
    """Where weights are kept: ``model_weights`` of the clone, or the user's cache folder."""
    return ROOT / "model_weights" if in_clone() else _user_cache() / "model_weights"


def cache_folder() -> Path:
    """Where maps of photos are kept: ``.cache`` of the clone, or the user's cache folder."""
    return ROOT / ".cache" if in_clone() else _user_cache()


def _user_cache() -> Path:
    import platformdirs  # which a clone does not need

    return Path(platformdirs.user_cache_dir("openpose-lab", appauthor=False))
