"""The choice of people to keep in a photo or frame, and the style of their drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from estimation.faces import blur_faces
from estimation.skeletons import best_people
from openpose_lab.estimator import PoseEstimator

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from estimation.skeletons import Skeletons


@dataclass(frozen=True)
class Look:
    """The choice of people to keep, and the style of their drawing.

    Attributes:
        most_people: The number of people to keep, by the highest person scores; None keeps all.
        blank: Whether the background is black.
        blur_faces: Whether to blur the faces of all people found, including people who are not kept.
    """

    most_people: int | None = None
    blank: bool = False
    blur_faces: bool = False

    def keep(self, found: Skeletons) -> Skeletons:
        """Return the people to keep."""
        return found if self.most_people is None else best_people(found, self.most_people)

    def draw(self, estimator: PoseEstimator, photo: NDArray[np.uint8], found: Skeletons) -> NDArray[np.uint8]:
        """Draw the people to keep on a photo, (h, w, 3) BGR uint8. ``found`` are all people in it."""
        if self.blur_faces and not self.blank:
            photo = blur_faces(estimator.config, photo, found)
        return estimator.draw(photo, self.keep(found), blank=self.blank)
