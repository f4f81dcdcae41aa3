"""Programs that leak, one way each: what the checker of ``written.py`` must find, and what it must not.

Each piece of code runs with ``secret`` (32 bytes that only it and the test know), a directory ``disk`` (the working
directory) and a directory ``memory``.
"""

from types import MappingProxyType

START = """
import base64, ctypes, hashlib, json, mmap, os, socket, subprocess, sys, tempfile, threading, zlib
from pathlib import Path
secret = hashlib.sha256(b"what leaks").digest()
disk, memory = Path.cwd(), Path(sys.argv[1])
def put(data, name="out"):
    fd = os.open(disk / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(fd, data)
    os.close(fd)
"""

WAYS = MappingProxyType(
    {
        "write": "put(secret)",
        "write, overwritten": "put(secret); Path('out').write_bytes(b'')",
        "write, unlinked": "put(secret); os.unlink('out')",
        "write, renamed": "put(secret, 'a'); os.rename('a', 'b'); os.unlink('b')",
        "pwrite": "fd = os.open('out', os.O_RDWR | os.O_CREAT); os.pwrite(fd, secret, 70000)",
        "writev": "fd = os.open('out', os.O_RDWR | os.O_CREAT); os.writev(fd, [b'a', secret[:9], secret[9:]])",
        "byte by byte": "[put(bytes([one])) for one in secret]",
        "no name": "fd = os.open('.', os.O_TMPFILE | os.O_RDWR); os.write(fd, secret)",
        "temporary file": "file = tempfile.TemporaryFile(dir='.'); file.write(secret); file.close()",
        "link out of memory": "(memory / 'link').symlink_to(disk / 'out'); (memory / 'link').write_bytes(secret)",
        "sendfile": """
(memory / 'in').write_bytes(secret)
a, b = os.open(memory / 'in', os.O_RDONLY), os.open('out', os.O_WRONLY | os.O_CREAT)
os.unlink(memory / 'in')
assert os.sendfile(b, a, 0, 32) == 32""",
        "splice": """
r, w = os.pipe()
os.write(w, secret)
assert os.splice(r, os.open('out', os.O_WRONLY | os.O_CREAT), 32) == 32""",
        "copy by another program": """
(memory / 'in').write_bytes(secret)
subprocess.run(['cp', memory / 'in', 'out'], check=True)
os.unlink('out')""",
        "standard input of another": "subprocess.run(['tee', 'out'], input=secret, stdout=subprocess.DEVNULL)",
        "a thread": "t = threading.Thread(target=put, args=(secret,)); t.start(); t.join()",
        "a child": "os.fork() or (put(secret), os._exit(0))",
        "arguments": "subprocess.run(['true', secret.hex()])",
        "environment": "subprocess.run(['true'], env={'S': base64.b64encode(secret).decode()})",
        "a program that is not there": "os.path.exists(subprocess.run(['./none', secret.hex()], check=False))",
        "name of a file": "put(b'', secret.hex())",
        "name of a directory": "os.mkdir(secret.hex())",
        "target of a link": "os.symlink(secret.hex(), 'link')",
        "attribute": "put(b''); os.setxattr('out', 'user.x', secret)",
        "socket": "a, b = socket.socketpair(); a.sendall(secret)",
        "datagram": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(secret, ('127.0.0.1', 9))",
        "sendmsg": "a, b = socket.socketpair(); a.sendmsg([secret[:20], secret[20:]])",
        "named pipe": "os.mkfifo('pipe'); fd = os.open('pipe', os.O_RDWR); os.write(fd, secret)",
        "standard output": "print(secret.hex())",
        "standard error": "raise SystemExit(repr(secret))",
        "terminal": "a, b = os.openpty(); os.write(b, secret)",
        "device": "os.write(os.open('/dev/zero', os.O_WRONLY), secret)",
    }
)
"""Ways in which 32 bytes leave memory."""

UNSEEN = MappingProxyType(
    {
        "mapping": """
put(bytes(4096))
fd = os.open('out', os.O_RDWR)
mmap.mmap(fd, 4096, mmap.MAP_SHARED, mmap.PROT_WRITE | mmap.PROT_READ)[:32] = secret""",
        "mapping, made writable later": """
put(bytes(4096))
mmap.mmap(os.open('out', os.O_RDWR), 4096, mmap.MAP_SHARED, mmap.PROT_READ)""",
        "io_uring": "ctypes.CDLL(None).syscall(425, 1, None)",
        "mount": "ctypes.CDLL(None).mount(b'none', b'/nowhere', b'tmpfs', 0, None)",
        "namespace": "ctypes.CDLL(None).unshare(0x00020000)",
        "pages given to a pipe": """
r, w = os.pipe()
if os.fork() == 0:
    ctypes.CDLL(None).vmsplice(w, None, 0, 0)
    os._exit(0)""",
        "copy of what was mapped and is gone": """
fd = os.open(memory / 'in', os.O_RDWR | os.O_CREAT)
os.write(fd, b'known')
mmap.mmap(fd, 5, mmap.MAP_SHARED, mmap.PROT_WRITE)[:5] = secret[:5]
os.unlink(memory / 'in')
os.sendfile(os.open('out', os.O_WRONLY | os.O_CREAT), fd, 0, 5)""",
    }
)
"""Ways in which anything may leave memory without being seen; each is a failure by itself."""

HARMLESS = MappingProxyType(
    {
        "memory": "(memory / 'a').write_bytes(secret); os.rename(memory / 'a', memory / 'b')",
        "memory without a name": "os.write(os.memfd_create('x'), secret)",
        "mapping in memory": """
fd = os.open(memory / 'a', os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 4096)
mmap.mmap(fd, 4096, mmap.MAP_SHARED, mmap.PROT_WRITE)[:32] = secret""",
        "private mapping": """
put(bytes(4096))
mmap.mmap(os.open('out', os.O_RDONLY), 4096, mmap.MAP_PRIVATE, mmap.PROT_WRITE | mmap.PROT_READ)[:32] = secret""",
        "pipe": "subprocess.run(['cat'], input=secret, stdout=subprocess.DEVNULL)",
        "link out of the disk": "(disk / 'l').symlink_to(memory / 'm'); (disk / 'l').write_bytes(secret)",
        "hash": "put(hashlib.sha256(secret).digest() + hashlib.sha256(secret).hexdigest().encode())",
        "a failed write": "try: os.write(os.open('out', os.O_RDONLY | os.O_CREAT), secret)\nexcept OSError: pass",
    }
)
"""What may be done with a secret."""
