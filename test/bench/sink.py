"""Takes log lines by UDP and counts them: sink.py prints its port, then their number at the end.

Usage: sink.py; ends with its standard input.
"""
import select
import socket
import sys

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    s.bind(("127.0.0.1", 0))
    print(s.getsockname()[1], flush=True)
    count, buffer = 0, bytearray(4096)
    poll = select.poll()
    poll.register(s, select.POLLIN)
    poll.register(sys.stdin, select.POLLIN | select.POLLHUP)
    s.setblocking(False)
    at_end = False
    while not at_end:
        at_end = any(fd == sys.stdin.fileno() for fd, _ in poll.poll())
        try:
            while True:
                s.recv_into(buffer)
                count += 1
        except BlockingIOError:
            pass
print(count)
