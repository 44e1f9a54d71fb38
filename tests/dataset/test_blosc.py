"""Some blocks of a Blosc frame decode to what they are in the whole."""

from __future__ import annotations

from dataclasses import dataclass

import numcodecs.blosc
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from zarr_edr.dataset.blosc import Blocks, Frame, frame_of


@dataclass
class Memory:
    """A frame in memory."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, start: int, stop: int) -> bytes:
        return self.data[start:stop]

    def read_into(self, start: int, into: memoryview) -> int:
        data = self.data[start : start + len(into)]
        into[: len(data)] = data
        return len(data)


def frames(values: np.ndarray) -> st.SearchStrategy[bytes]:
    """`values` compressed in any way that Blosc knows."""
    return st.builds(
        lambda name, level, shuffle, block: numcodecs.blosc.compress(values, name, level, shuffle, block),
        st.sampled_from([name.encode() for name in numcodecs.blosc.list_compressors()]),
        st.integers(0, 9),
        st.sampled_from([numcodecs.blosc.NOSHUFFLE, numcodecs.blosc.SHUFFLE, numcodecs.blosc.BITSHUFFLE]),
        st.sampled_from([0, 256, 1024, 4096, 65536]),
    )


def frames_of(data: st.DataObject, chunks: list[np.ndarray]) -> list[bytes]:
    """Chunks compressed in one of the ways that Blosc knows."""
    name = data.draw(st.sampled_from(numcodecs.blosc.list_compressors())).encode()
    level, shuffle = data.draw(st.integers(1, 9)), data.draw(st.sampled_from([0, 1, 2]))
    block = data.draw(st.sampled_from([0, 256, 1024, 4096, 65536]))
    return [numcodecs.blosc.compress(values, name, level, shuffle, block) for values in chunks]


def blocks_of(data: bytes, start: int, stop: int) -> Blocks:
    """Those about decoded bytes `start` to `stop`."""
    memory = Memory(data)
    frame = Frame.read(memory)
    assert frame is not None
    found = frame.part(memory, start, stop)
    assert found.decoded_bytes == frame.about(start, stop)
    return found


def part(data: bytes, start: int, stop: int) -> tuple[bytes | bytearray | memoryview, int]:
    """Decoded bytes about `start` to `stop`, and at which of all they begin."""
    found = blocks_of(data, start, stop)
    decoded = found.encoded if found.stored else numcodecs.blosc.decompress(frame_of([found]))
    assert len(decoded) == found.decoded_bytes
    return decoded, found.at


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


@given(st.data())
def test_whole_blocks_of_several_frames_decode_together(data: st.DataObject) -> None:
    """As those of one, whatever the compressor."""
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    chunks = [(rng.normal(size=30_000) * 50).astype("f4") for _ in range(data.draw(st.integers(1, 5)))]
    found = frames_of(data, chunks)
    parts: list[Blocks] = []
    wanted = b""
    for frame, values in zip(found, chunks, strict=True):
        at = data.draw(st.integers(0, values.nbytes - 1))
        blocks = blocks_of(frame, at, data.draw(st.integers(at + 1, values.nbytes)))
        if blocks.kind is not None and (not parts or blocks.kind == parts[0].kind):
            parts.append(blocks)
            wanted += values.tobytes()[blocks.at : blocks.at + blocks.decoded_bytes]
    assume(parts)
    assert numcodecs.blosc.decompress(frame_of(parts)) == wanted


@pytest.mark.parametrize(
    "other",
    [("zstd", 5, 1, 4096), ("lz4", 5, 1, 16384), ("zstd", 5, 2, 16384), ("zstd", 0, 1, 16384)],
    ids=["size of blocks", "compressor", "shuffle", "stored"],
)
def test_blocks_that_were_made_in_another_way_make_no_frame(other: tuple[str, int, int, int]) -> None:
    name, *how = other
    values = VALUES[:50_000]
    with pytest.raises(ValueError, match="cannot be one"):
        frame_of([blocks_of(FRAME, 0, 1), blocks_of(numcodecs.blosc.compress(values, name.encode(), *how), 0, 1)])


def test_a_short_last_block_makes_no_frame_with_others() -> None:
    with pytest.raises(ValueError, match="cannot be one"):
        frame_of([blocks_of(FRAME, 0, 1), blocks_of(FRAME, VALUES.nbytes - 1, VALUES.nbytes)])


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
