"""What the common tools print for some bytes, written again so that any bytes can be tried."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path


def _rows(data: bytes) -> Iterator[tuple[int, bytes]]:
    return ((at, data[at : at + 16]) for at in range(0, len(data), 16))


def _characters(row: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)


def _words(row: bytes, size: int = 2) -> str:
    return " ".join(row[at : at + size].hex() for at in range(0, len(row), size))


def xxd(data: bytes) -> str:
    return "".join(f"{at:08x}: {_words(row):<39}  {_characters(row)}\n" for at, row in _rows(data))


def hexdump_c(data: bytes) -> str:
    lines = [
        f"{at:08x}  {row[:8].hex(' '):<23}  {row[8:].hex(' '):<23}  |{_characters(row)}|\n"
        for at, row in _rows(data)
    ]
    return "".join([*lines, f"{len(data):08x}\n"])


def hexdump(data: bytes) -> str:
    def words(row: bytes) -> str:
        padded = row + bytes(len(row) % 2)
        return " ".join(padded[at : at + 2][::-1].hex() for at in range(0, len(padded), 2))

    return "".join([*(f"{at:07x} {words(row):<39}\n" for at, row in _rows(data)), f"{len(data):07x}\n"])


def od_x1(data: bytes) -> str:
    return "".join([*(f"{at:07o} {row.hex(' ')}\n" for at, row in _rows(data)), f"{len(data):07o}\n"])


def od_x1z(data: bytes) -> str:
    lines = [f"{at:06x} {row.hex(' '):<47}  >{_characters(row)}<\n" for at, row in _rows(data)]
    return "".join([*lines, f"{len(data):06x}\n"])


def od_b(data: bytes) -> str:
    def octal(row: bytes) -> str:
        return " ".join(f"{byte:03o}" for byte in row)

    return "".join([*(f"{at:07o} {octal(row)}\n" for at, row in _rows(data)), f"{len(data):07o}\n"])


def wireshark(data: bytes) -> str:
    return "".join(f"{at:04x}  {row.hex(' '):<47}   {_characters(row)}\n" for at, row in _rows(data))


def tcpdump(data: bytes) -> str:
    return "".join(f"\t0x{at:04x}:  {_words(row):<39}  {_characters(row)}\n" for at, row in _rows(data))


def format_hex(data: bytes) -> str:
    heading = "\n           00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F\n\n"
    lines = (f"{at:08X}   {row.hex(' ').upper():<47}  {_characters(row)}\n" for at, row in _rows(data))
    return heading + "".join(lines)


def gdb(data: bytes) -> str:
    rows = ((at, data[at : at + 8]) for at in range(0, len(data), 8))
    return "".join(
        f"0x{0x7FFE0000 + at:x}:\t" + "\t".join(f"0x{byte:02x}" for byte in row) + "\n" for at, row in rows
    )


def c_array(data: bytes) -> str:
    values = ", ".join(f"0x{byte:02x}" for byte in data)
    return f"/* Packet 1 */\nstatic const unsigned char pkt1[{len(data)}] = {{\n{values} /* end */\n}};\n"


def xxd_i(data: bytes) -> str:
    values = ", ".join(f"0x{byte:02x}" for byte in data)
    return f"unsigned char a_bin[] = {{\n  {values}\n}};\nunsigned int a_bin_len = {len(data)};\n"


def java(data: bytes) -> str:
    return "new byte[] { " + ", ".join(f"(byte) 0x{byte:02X}" for byte in data) + " };"


DUMPERS: dict[str, Callable[[bytes], str]] = {
    "xxd": xxd,
    "hexdump -C": hexdump_c,
    "hexdump": hexdump,
    "od -t x1": od_x1,
    "od -A x -t x1z": od_x1z,
    "od -b": od_b,
    "wireshark": wireshark,
    "tcpdump": tcpdump,
    "Format-Hex": format_hex,
    "gdb": gdb,
}

LISTS: dict[str, Callable[[bytes], str]] = {
    "spaces": lambda data: data.hex(" "),
    "upper-case": lambda data: data.hex(" ").upper(),
    "colons": lambda data: data.hex(":"),
    "dashes": lambda data: data.hex("-").upper(),
    "commas": lambda data: data.hex(","),
    "lines": lambda data: data.hex("\n"),
    "0x": lambda data: " ".join(f"0x{byte:02x}" for byte in data),
    "0x commas": lambda data: ", ".join(f"0x{byte:x}" for byte in data),
    "one 0x": lambda data: "0x" + data.hex(),
    "h": lambda data: " ".join(f"{byte:02X}h" for byte in data),
    "percent": lambda data: "".join(f"%{byte:02X}" for byte in data),
    "backslash x": lambda data: "".join(f"\\x{byte:02x}" for byte in data),
    "octal escapes": lambda data: "".join(f"\\{byte:03o}" for byte in data),
    "$''": lambda data: "$'" + "".join(f"\\x{byte:02x}" for byte in data) + "'",
    "C string": lambda data: "\n".join(f'"\\x{byte:02x}" \\' for byte in data).rstrip("\\ "),
    "Python bytes": repr,
    "Python bytearray": lambda data: repr(bytearray(data)),
    "fromhex": lambda data: f"bytes.fromhex('{data.hex(' ')}')",
    "Node buffer": lambda data: f"<Buffer {data.hex(' ')}>",
    "C array": c_array,
    "xxd -i": xxd_i,
    "Java": java,
    "Rust": lambda data: "vec![" + ", ".join(f"0x{byte:02X}" for byte in data) + "]",
}


def real_tools() -> list[list[str]]:
    """The command lines of dump tools that are installed here."""
    lines = [
        ["xxd"],
        ["xxd", "-g1"],
        ["xxd", "-p"],
        ["xxd", "-i"],
        ["hexdump", "-C"],
        ["hexdump"],
        ["od"],
        ["od", "-x"],
        ["od", "-b"],
        ["od", "-c"],
        ["od", "-t", "x1"],
        ["od", "-A", "x", "-t", "x1z"],
        ["od", "-t", "u1"],
        ["od", "-t", "d1"],
        ["xxd", "-b"],
        ["cat", "-v"],
    ]
    return [line for line in lines if shutil.which(line[0])]


def run_tool(line: list[str], data: bytes, folder: Path) -> str:
    """What the tool prints for a file with this data."""
    path = folder / "frames.bin"
    path.write_bytes(data)
    done = subprocess.run([*line, str(path)], capture_output=True, text=True, check=True, timeout=20)
    return done.stdout
