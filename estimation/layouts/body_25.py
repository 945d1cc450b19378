"""BODY_25: OpenPose's default layout, with mid hip and feet.

Parts, limbs and channels have the order of OpenPose's poseParameters.cpp.
"""

from estimation.layouts.coco_18 import BODY_PARTS as COCO_PARTS
from estimation.layouts.human import proportions_of, sigmas_of
from estimation.layouts.layout import Layout, Limb

BODY_PARTS = (
    *COCO_PARTS[:8],  # nose to left_wrist
    "mid_hip",
    *COCO_PARTS[8:],  # right_hip to left_ear
    "left_big_toe",
    "left_small_toe",
    "left_heel",
    "right_big_toe",
    "right_small_toe",
    "right_heel",
)

LAYOUT = Layout(
    name="BODY_25",
    body_parts=BODY_PARTS,
    limbs=(
        Limb(1, 8, 0, 1),
        Limb(1, 2, 14, 15),
        Limb(1, 5, 22, 23),
        Limb(2, 3, 16, 17),
        Limb(3, 4, 18, 19),
        Limb(5, 6, 24, 25),
        Limb(6, 7, 26, 27),
        Limb(8, 9, 6, 7),
        Limb(9, 10, 2, 3),
        Limb(10, 11, 4, 5),
        Limb(8, 12, 8, 9),
        Limb(12, 13, 10, 11),
        Limb(13, 14, 12, 13),
        Limb(1, 0, 30, 31),
        Limb(0, 15, 32, 33),
        Limb(15, 17, 36, 37),
        Limb(0, 16, 34, 35),
        Limb(16, 18, 38, 39),
        Limb(2, 17, 20, 21, redundant=True),
        Limb(5, 18, 28, 29, redundant=True),
        Limb(14, 19, 40, 41),
        Limb(19, 20, 42, 43),
        Limb(14, 21, 44, 45),
        Limb(11, 22, 46, 47),
        Limb(22, 23, 48, 49),
        Limb(11, 24, 50, 51),
    ),
    sigmas=sigmas_of(BODY_PARTS),
    proportions=proportions_of(BODY_PARTS),
)
