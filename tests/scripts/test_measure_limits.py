import pytest

from scripts.measure_limits import count_operations, large_convolutions, main

ov = pytest.importorskip("openvino", reason="needs openvino")


@pytest.mark.slow
@pytest.mark.parametrize("int8", [True, False])
def test_operations_of_convolutions_are_counted(int8):
    assert count_operations(large_convolutions(int8)) == 4 * 2 * 46 * 92 * 256 * 256 * 9


@pytest.mark.slow
def test_operations_of_grouped_convolutions_are_those_of_their_groups():
    import numpy as np
    from openvino import opset13 as ops

    given = ops.parameter([1, 8, 4, 5], np.float32)
    kernel = ops.constant(np.zeros((8, 1, 1, 3, 3), np.float32))
    grouped = ops.group_convolution(given, kernel, [1, 1], [1, 1], [1, 1], [1, 1])
    assert count_operations(ov.Model([grouped], [given], "grouped")) == 2 * 8 * 4 * 5 * 9


@pytest.mark.slow
def test_the_limits_are_printed(call_program):
    status, out, _ = call_program("measure_limits", main, "--repeat", 1)
    assert status == 0
    assert "large convolutions, int8" in out
    assert "736x368, OpenVINO alone" in out
