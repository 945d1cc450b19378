import numpy as np
import pytest

from estimation.field_maps import FieldMaps, cells_to_photo, cells_to_pixels, pixels_to_cells


def test_centre_of_the_first_cell_is_the_middle_of_its_pixels():
    assert cells_to_pixels([0, 0], 8).tolist() == [3.5, 3.5]
    assert cells_to_pixels([1, 2], (8, 4)).tolist() == [11.5, 9.5]


def test_the_whole_map_covers_the_whole_photo():
    # 46 x 62 cells of 8 pixels cover pixel edges -0.5 to 367.5 and -0.5 to 495.5
    assert cells_to_pixels([-0.5, -0.5], 8).tolist() == [-0.5, -0.5]
    assert cells_to_pixels([61.5, 45.5], 8).tolist() == [495.5, 367.5]


def test_round_trip(rng):
    xy = rng.uniform(-5, 5000, (100, 2))
    cell_size = rng.uniform(0.1, 90, 2)
    np.testing.assert_allclose(cells_to_pixels(pixels_to_cells(xy, cell_size), cell_size), xy, atol=1e-9)


def test_field_maps_must_match():
    with pytest.raises(ValueError, match=r"same height and width but got \(4, 5\) and \(5, 4\)"):
        FieldMaps(np.zeros((4, 5, 19), np.float32), np.zeros((5, 4, 38), np.float32), (8, 8))
    with pytest.raises(ValueError, match=r"must be \(h, w, channels\) but got \(4, 5\)"):
        FieldMaps(np.zeros((4, 5), np.float32), np.zeros((4, 5, 38), np.float32), (8, 8))


def test_a_position_beyond_the_photo_moves_to_its_nearest_pixel():
    # 3 x 2 cells of 8 x 4 pixels; the photo covers 20 x 6 of these pixels
    cells = [[-0.5, -0.5], [1, 1], [2.4, 1.4], [np.nan, 1], [2, 0]]
    found = cells_to_photo(cells, (8, 4), (0.0, 0.0), (20, 6))
    np.testing.assert_array_equal(found, [[0, 0], [11.5, 5], [19, 5], [np.nan, 5], [19, 1.5]])


def test_the_offset_is_added_before_a_position_is_moved_into_the_photo():
    assert cells_to_photo([2, 0], 8, (-0.25, -0.5), (20, 6)).tolist() == [17.5, 0]


def test_without_a_photo_positions_stay():
    assert cells_to_photo([-0.5, 99], 8, (0.25, 0)).tolist() == [1.5, 795.5]
