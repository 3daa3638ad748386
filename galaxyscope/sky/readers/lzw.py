"""Unpack ``.Z`` files of Unix ``compress`` (Welch 1984, IEEE Computer 17, 8)."""

from __future__ import annotations

_CLEAR = 256


def unpack_lzw(packed: bytes, limit: int) -> bytes:
    """Unpack the bytes of a ``.Z`` file.

    Parameters
    ----------
    packed : bytes
        The file, with its three bytes of header.
    limit : int
        Unpacking stops as soon as more than this many bytes are out.

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        If the bytes are not LZW data.
    """
    if len(packed) < 3 or packed[:2] != b"\x1f\x9d":
        raise ValueError("not LZW data")
    widest, block_mode = packed[2] & 0x1F, bool(packed[2] & 0x80)
    if not 9 <= widest <= 16:
        raise ValueError("LZW codes of impossible width")
    out = bytearray()
    # Each entry is text that was written before: entry = out[start : start + length].
    # That keeps a hostile file from growing a table of ever longer strings.
    first = 257 if block_mode else 256
    starts, lengths = [0] * first, [1] * first
    width, previous, position = 9, None, 3
    while position < len(packed):
        # `compress` writes eight codes at a time and throws the rest away when the width changes.
        group = packed[position : position + width]
        bits, count = int.from_bytes(group, "little"), len(group) * 8 // width
        position += len(group)
        mask = (1 << width) - 1
        for _ in range(count):
            code = bits & mask
            bits >>= width
            if code == _CLEAR and block_mode:
                del starts[first:], lengths[first:]
                width, previous = 9, None
                break
            here = len(out)
            if code < 256:
                out.append(code)
            elif code < len(starts):
                out += out[starts[code] : starts[code] + lengths[code]]
            elif code == len(starts) and previous is not None:
                start, length = previous
                out += out[start : start + length] + out[start : start + 1]
            else:
                raise ValueError("damaged LZW data")
            if len(out) > limit:
                return bytes(out)
            if previous is not None and len(starts) < (1 << widest):
                starts.append(previous[0])
                lengths.append(previous[1] + 1)
            previous = (here, len(out) - here)
            if len(starts) >= (1 << width) and width < widest:
                width += 1
                break
    return bytes(out)
