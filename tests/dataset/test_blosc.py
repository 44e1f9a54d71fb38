"""Some blocks of a Blosc frame decode to what they are in the whole."""

from __future__ import annotations

from dataclasses import dataclass

import numcodecs.blosc
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarr_edr.dataset.blosc import Frame


@dataclass
class Memory:
    """A frame in memory."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, start: int, stop: int) -> bytes:
        return self.data[start:stop]


def frames(values: np.ndarray) -> st.SearchStrategy[bytes]:
    """`values` compressed in any way that Blosc knows."""
    return st.builds(
        lambda name, level, shuffle, block: numcodecs.blosc.compress(values, name, level, shuffle, block),
        st.sampled_from([name.encode() for name in numcodecs.blosc.list_compressors()]),
        st.integers(0, 9),
        st.sampled_from([numcodecs.blosc.NOSHUFFLE, numcodecs.blosc.SHUFFLE, numcodecs.blosc.BITSHUFFLE]),
        st.sampled_from([0, 256, 1024, 4096, 65536]),
    )


def part(data: bytes, start: int, stop: int) -> tuple[bytes | bytearray, int]:
    """Decoded bytes about `start` to `stop`, and at which of all they begin."""
    memory = Memory(data)
    frame = Frame.read(memory)
    assert frame is not None
    found, at, plain = frame.part(memory, start, stop)
    decoded = found if plain else numcodecs.blosc.decompress(found)
    assert len(decoded) == frame.about(start, stop)
    return decoded, at


@given(st.data())
def test_any_part_is_that_of_the_whole(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(["u1", "i2", "f4", "f8"]))
    count = data.draw(st.integers(1, 60_000))
    values = (np.random.default_rng(count).normal(size=count) * 50).astype(dtype)
    whole = values.tobytes()
    start = data.draw(st.integers(0, len(whole) - 1))
    stop = data.draw(st.integers(start + 1, len(whole)))
    decoded, at = part(data.draw(frames(values)), start, stop)
    assert at <= start
    assert decoded[start - at : stop - at] == whole[start:stop]


VALUES = (np.random.default_rng(1).normal(size=100_000) * 50).astype("f4")
FRAME: bytes = numcodecs.blosc.compress(VALUES, b"zstd", 5, numcodecs.blosc.SHUFFLE, 16384)


def test_blocks_that_lie_in_another_order_are_found() -> None:
    offsets = np.frombuffer(FRAME[16 : 16 + 4 * 25], "<u4")
    first, second = FRAME[offsets[0] : offsets[1]], FRAME[offsets[1] : offsets[2]]
    moved = np.array([offsets[0] + len(second), offsets[0], *offsets[2:]], "<u4").tobytes()
    swapped = FRAME[:16] + moved + second + first + FRAME[offsets[2] :]
    for at in (0, 16384, 32768):
        assert part(swapped, at, at + 16384) == (VALUES.tobytes()[at : at + 16384], at)


@pytest.mark.parametrize("cut", [1, 4, 8, 100, len(FRAME) - 20, len(FRAME) - 3])
def test_a_frame_that_ends_early_is_damaged(cut: int) -> None:
    with pytest.raises(ValueError, match="Blosc"):
        Frame.read(Memory(FRAME[:-cut]))


@pytest.mark.parametrize("offset", [0, 15, 2**31, 2**32 - 1])
def test_a_block_outside_of_the_frame_is_damage(offset: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        Frame.read(Memory(FRAME[:16] + np.uint32(offset).tobytes() + FRAME[20:]))


@pytest.mark.parametrize("block", [0, 1, 2**32 - 1])
def test_a_size_of_blocks_that_cannot_be_is_damage(block: int) -> None:
    with pytest.raises(ValueError, match="blocks"):
        Frame.read(Memory(FRAME[:8] + np.uint32(block).tobytes() + FRAME[12:]))


def test_a_frame_of_another_version_is_left_to_the_codec() -> None:
    assert Frame.read(Memory(b"\x05" + FRAME[1:])) is None


@given(st.integers(16, len(FRAME) - 1), st.integers(1, 255))
def test_a_damaged_byte_gives_an_error_or_as_many_bytes_as_were_asked_for(at: int, flip: int) -> None:
    damaged = bytearray(FRAME)
    damaged[at] ^= flip
    try:
        decoded, begins = part(bytes(damaged), 200_000, 210_000)
    except (ValueError, RuntimeError):
        return
    assert begins <= 200_000
    assert begins + len(decoded) >= 210_000
