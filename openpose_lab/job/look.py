"""Which people of a photo or frame are kept, and how they are drawn."""

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
    """Which people of a photo are kept, and how they are drawn.

    Attributes:
        most_people: Only so many people are kept, those with the highest person scores; None for all.
        blank: Whether they are drawn on black.
        blur_faces: Whether the faces of all people who are found are blurred, also of those who are not kept.
    """

    most_people: int | None = None
    blank: bool = False
    blur_faces: bool = False

    def keep(self, found: Skeletons) -> Skeletons:
        """Choose the people to keep."""
        return found if self.most_people is None else best_people(found, self.most_people)

    def draw(self, estimator: PoseEstimator, photo: NDArray[np.uint8], found: Skeletons) -> NDArray[np.uint8]:
        """Draw those who are kept of the people found."""
        if self.blur_faces and not self.blank:
            photo = blur_faces(estimator.config, photo, found)
        return estimator.draw(photo, self.keep(found), blank=self.blank)
