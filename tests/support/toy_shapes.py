"""Photos of beetles, a shape of six parts, with their annotations: something to train on within minutes."""

import json

import cv2
import numpy as np

LAYOUT = {
    "name": "BEETLE",
    "parts": ["head", "tail", "left_claw", "right_claw", "left_foot", "right_foot"],
    "limbs": [
        ["head", "tail"],
        ["head", "left_claw"],
        ["head", "right_claw"],
        ["tail", "left_foot"],
        ["tail", "right_foot"],
    ],
    "sigmas": [0.08] * 6,
}
STANDING = np.array([(0, -0.35), (0, 0.35), (0.3, -0.5), (-0.3, -0.5), (0.25, 0.5), (-0.25, 0.5)])
"""A beetle seen from above, head up, in units of its height. Its left is on the right, as a person's is."""
COLOURS = [(60, 60, 230), (230, 120, 40), (60, 200, 240), (60, 200, 240), (80, 220, 80), (80, 220, 80)]
"""Left and right have one colour: the place tells them apart."""


def draw_beetles(rng, side=160, most=2):
    """A photo of beetles on noise: (side, side, 3) uint8, and their keypoints (n, 6, 2) in pixels."""
    noise = rng.integers(60, 150, (side // 8, side // 8, 3)).astype(np.uint8)
    photo = cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC)
    beetles = []
    for number in range(rng.integers(1, most + 1)):
        size = rng.uniform(0.35, 0.5) * side
        angle = rng.uniform(-0.4, 0.4)
        turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        middle = side * np.array([(2 * number + 1) / (2 * most), 0.5]) + rng.uniform(-0.06, 0.06, 2) * side
        points = (STANDING + rng.uniform(-0.05, 0.05, STANDING.shape)) @ turn.T + middle
        for start, end in LAYOUT["limbs"]:
            ends = [np.round(points[LAYOUT["parts"].index(part)]).astype(int).tolist() for part in (start, end)]
            cv2.line(photo, *ends, (240, 240, 240), 2, cv2.LINE_AA)
        for point, colour in zip(points, COLOURS):
            centre = np.round(16 * point).astype(int).tolist()
            cv2.circle(photo, centre, round(16 * 0.06 * size), colour, -1, cv2.LINE_AA, 4)
        beetles.append(points)
    return photo, np.array(beetles)


def write_beetles(folder, count, seed=0):
    """Write photos and ``annotations.json`` into a folder. Returns the keypoints of each photo by its id."""
    rng = np.random.default_rng(seed)
    images, annotations, truth = [], [], {}
    for image_id in range(1, count + 1):
        photo, beetles = draw_beetles(rng)
        cv2.imwrite(str(folder / f"{image_id}.png"), photo)
        images.append({"id": image_id, "file_name": f"{image_id}.png"})
        truth[image_id] = beetles
        for points in beetles:
            corner, size = points.min(axis=0), np.ptp(points, axis=0)
            annotations.append(
                {
                    "image_id": image_id,
                    "category_id": 1,
                    "bbox": [*corner.tolist(), *size.tolist()],
                    "area": float(np.prod(size)),
                    "iscrowd": 0,
                    "keypoints": np.column_stack([points, np.full(6, 2)]).ravel().tolist(),
                }
            )
    category = {"id": 1, "name": "beetle", "keypoints": LAYOUT["parts"]}
    content = {"images": images, "annotations": annotations, "categories": [category]}
    (folder / "annotations.json").write_text(json.dumps(content))
    (folder / "beetle.json").write_text(json.dumps(LAYOUT))
    return truth
