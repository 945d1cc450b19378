"""COCO_18: COCO's 17 keypoints and the neck; the layout of the lab.

Parts and PAF channels have the order of CMU's COCO networks. Limbs have the lab's order, so the rows for ``merge`` have
the order of the handout's example.
"""

from estimation.layouts.human import proportions_of, sigmas_of
from estimation.layouts.layout import Layout, Limb

BODY_PARTS = (
    "nose",
    "neck",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_hip",
    "left_knee",
    "left_ankle",
    "right_eye",
    "left_eye",
    "right_ear",
    "left_ear",
)

LAYOUT = Layout(
    name="COCO_18",
    body_parts=BODY_PARTS,
    limbs=(
        Limb(1, 2, 12, 13),
        Limb(1, 5, 20, 21),
        Limb(2, 3, 14, 15),
        Limb(3, 4, 16, 17),
        Limb(5, 6, 22, 23),
        Limb(6, 7, 24, 25),
        Limb(1, 8, 0, 1),
        Limb(8, 9, 2, 3),
        Limb(9, 10, 4, 5),
        Limb(1, 11, 6, 7),
        Limb(11, 12, 8, 9),
        Limb(12, 13, 10, 11),
        Limb(1, 0, 28, 29),
        Limb(0, 14, 30, 31),
        Limb(14, 16, 34, 35),
        Limb(0, 15, 32, 33),
        Limb(15, 17, 36, 37),
        Limb(2, 16, 18, 19, redundant=True),
        Limb(5, 17, 26, 27, redundant=True),
    ),
    sigmas=sigmas_of(BODY_PARTS),
    proportions=proportions_of(BODY_PARTS),
)
