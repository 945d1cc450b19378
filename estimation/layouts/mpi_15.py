"""MPI_15: the 15 parts of OpenPose's MPII network, without a face.

Parts, limbs and channels have the order of OpenPose's poseParameters.cpp.
"""

from estimation.layouts.coco_18 import BODY_PARTS as COCO_PARTS
from estimation.layouts.human import proportions_of, sigmas_of
from estimation.layouts.layout import Layout, Limb

BODY_PARTS = ("head", *COCO_PARTS[1:14], "chest")

LAYOUT = Layout(
    name="MPI_15",
    body_parts=BODY_PARTS,
    limbs=(
        Limb(0, 1, 0, 1),
        Limb(1, 2, 2, 3),
        Limb(2, 3, 4, 5),
        Limb(3, 4, 6, 7),
        Limb(1, 5, 8, 9),
        Limb(5, 6, 10, 11),
        Limb(6, 7, 12, 13),
        Limb(1, 14, 14, 15),
        Limb(14, 8, 16, 17),
        Limb(8, 9, 18, 19),
        Limb(9, 10, 20, 21),
        Limb(14, 11, 22, 23),
        Limb(11, 12, 24, 25),
        Limb(12, 13, 26, 27),
    ),
    sigmas=sigmas_of(BODY_PARTS),
    proportions=proportions_of(BODY_PARTS),
)
