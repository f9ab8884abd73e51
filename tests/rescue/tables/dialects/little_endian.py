# little_endian.py
from construct import BitsInteger, BitStruct, Bytes, Bytewise, Computed, Flag, If, Switch, this

HEADER = BitStruct(
    "fin" / Flag,
    "rsv" / BitsInteger(3),
    "opcode" / BitsInteger(4),
    "masked" / Flag,
    "length7" / BitsInteger(7),
    "length"
    / Switch(
        this.length7,
        {126: BitsInteger(16, swapped=True), 127: BitsInteger(64, swapped=True)},
        default=Computed(this.length7),
    ),
    "masking_key" / If(this.masked, Bytewise(Bytes(4))),
)
