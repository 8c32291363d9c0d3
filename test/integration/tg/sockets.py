"""The TCP sockets that another process has open.

/proc/net/tcp lists those of the whole machine; the kernel goes through all of its table for that, empty as it
may be: 8 ms, more than most tests need for everything else. So each socket is asked itself, by a
descriptor of our own (pidfd_getfd(2)). Where that is not allowed, the list must do.
"""
import contextlib
import ctypes
import errno
import os
import socket

PIDFD_GETFD = 438  # the same everywhere; Python has no name for it
LISTENING = 0x0A

_syscall = ctypes.CDLL(None, use_errno=True).syscall


def descriptors(pid):
    """{descriptor: inode} of its sockets of any kind."""
    folder, found = f"/proc/{pid}/fd", {}
    for fd in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):
            link = os.readlink(os.path.join(folder, fd))
            if link.startswith("socket:["):
                found[int(fd)] = link[len("socket:["):-1]
    return found


def tcp_sockets(pid):
    """{descriptor: (its port, its peer's or None)}."""
    sockets = descriptors(pid)
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        return listed(pid, sockets)
    try:
        asked = {fd: _ask(pidfd, fd) for fd in sockets}
    except PermissionError:
        return listed(pid, sockets)
    finally:
        os.close(pidfd)
    return {fd: ports for fd, ports in asked.items() if ports is not None}


def _ask(pidfd, fd):
    """None: it is of another kind, or was closed meanwhile."""
    ours = _syscall(PIDFD_GETFD, pidfd, fd, 0)
    if ours < 0:
        if ctypes.get_errno() == errno.EBADF:
            return None
        raise PermissionError(ctypes.get_errno(), "pidfd_getfd")
    try:
        theirs = socket.socket(fileno=ours)
    except OSError:  # its number is another's by now, which is no socket
        os.close(ours)
        return None
    with theirs:
        if theirs.family == socket.AF_UNIX or theirs.type != socket.SOCK_STREAM:
            return None
        try:
            peer = theirs.getpeername()[1]
        except OSError:
            peer = None
        return theirs.getsockname()[1], peer


def listed(pid, sockets):
    """The same, by the list."""
    ports = {}
    with open(f"/proc/{pid}/net/tcp", encoding="ascii") as f:
        for columns in map(str.split, f.readlines()[1:]):
            here, there = (int(columns[i].split(":")[1], 16) for i in (1, 2))
            ports[columns[9]] = here, None if int(columns[3], 16) == LISTENING else there
    return {fd: ports[inode] for fd, inode in sockets.items() if inode in ports}
