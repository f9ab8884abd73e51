"""What the kernel knows of a loopback connection: whether the receiver has taken what was sent."""

import fcntl
import socket
import struct
import sys
import termios

_SOCK_DIAG_BY_FAMILY = 20
_NETLINK_SOCK_DIAG = 4
_NLM_F_REQUEST = 1
_NLMSG_HEADER = struct.Struct("=IHHII")
_ANY_STATE = 0xFFFFFFFF
_ANY_COOKIE = b"\xff" * 8
_RECEIVE_QUEUE_AT = _NLMSG_HEADER.size + 4 + 48 + 4


def receiver_is_drained(sender: socket.socket) -> bool:
    """Whether everything `sender` sent was read by the process at the other end of the loopback.

    Only Linux tells; elsewhere True, and segments may then be joined on their way.
    """
    if sys.platform != "linux" or sender.fileno() < 0:
        return True
    unsent = struct.unpack("i", fcntl.ioctl(sender.fileno(), termios.TIOCOUTQ, b"\0" * 4))[0]
    return unsent == 0 and _receive_queue(sender.getpeername(), sender.getsockname()) == 0


def _receive_queue(local: tuple[str, int], remote: tuple[str, int]) -> int:
    """Bytes waiting in the socket with these addresses, asked for over netlink (inet_diag_req_v2)."""
    addresses = (
        struct.pack("!HH", local[1], remote[1])
        + socket.inet_aton(local[0]).ljust(16, b"\0")
        + socket.inet_aton(remote[0]).ljust(16, b"\0")
    )
    request = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, _ANY_STATE)
    body = request + addresses + struct.pack("=I", 0) + _ANY_COOKIE
    header = _NLMSG_HEADER.pack(_NLMSG_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as netlink:
        netlink.send(header + body)
        answer = netlink.recv(4096)
    if _NLMSG_HEADER.unpack_from(answer)[1] != _SOCK_DIAG_BY_FAMILY:
        return 0
    return int(struct.unpack_from("=I", answer, _RECEIVE_QUEUE_AT)[0])
