/* A disk that can be watched and made to fail: preloaded into a child process, it records everything done to the files
 * of one directory and those below it (with the data, in order), and on demand drops a sync or fails a call. It syncs nothing itself:
 * what would have survived a power cut is worked out afterwards from the record.
 *
 * A record: operation (1 byte), inode (8), offset or size (8), length of a (4), length of b (4), a, b; little-endian.
 *   C a=name         created          W a=data         written at offset    T                truncated to size
 *   F / f            synced / failed  D / d a=name     directory synced / failed ("" is the directory itself)
 *   R a=old b=new    renamed          L a=name         linked               U a=name         unlinked
 *   M a=text         said by the program itself            X                made to fail (of kind "inode")
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum { SYNC, WRITE, CREATE, UNLINK, TRUNCATE, NAME, KINDS };
static const int errors[KINDS] = {EIO, ENOSPC, EROFS, EIO, ENOSPC, ENOSPC};

#define MOST 1024
static struct { int kind; uint64_t inode; char name[128]; } known[MOST]; /* kind: 0 not ours, 1 file, 2 directory */
static char directory[4096];
static int record = -1, counted[KINDS], fail_kind = -1, fail_at, lasting, next_fails, dropping;

static void emit(char op, uint64_t inode, uint64_t offset, const void *a, uint32_t la, const void *b, uint32_t lb) {
  unsigned char head[25];
  if (record < 0) return;
  head[0] = (unsigned char)op;
  memcpy(head + 1, &inode, 8); memcpy(head + 9, &offset, 8); memcpy(head + 17, &la, 4); memcpy(head + 21, &lb, 4);
  syscall(SYS_write, record, head, sizeof head);
  if (la) syscall(SYS_write, record, a, la);
  if (lb) syscall(SYS_write, record, b, lb);
}

void disk_start(const char *path, const char *log) {
  snprintf(directory, sizeof directory, "%s", path);
  if (record >= 0) syscall(SYS_close, record);
  record = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  memset(counted, 0, sizeof counted);
  memset(known, 0, sizeof known);
  fail_kind = -1; next_fails = dropping = 0;
}
void disk_fail(int kind, int at, int lasts) { fail_kind = kind; fail_at = at; lasting = lasts; next_fails = 0; }
void disk_heal(void) { fail_kind = -1; next_fails = 0; }
void disk_drop(int what) { dropping = what; } /* 1: syncs of files, 2: syncs of the directory */
void disk_mark(const char *text) { emit('M', 0, 0, text, (uint32_t)strlen(text), 0, 0); }
int disk_count(int kind) { return counted[kind]; }

/* Is this call to fail? */
static int fails(int kind) {
  counted[kind]++;
  if (fail_kind != kind || !(counted[kind] == fail_at || (lasting && counted[kind] > fail_at))) return 0;
  emit('X', (uint64_t)kind, 0, 0, 0, 0, 0);
  errno = errors[kind];
  return 1;
}

static const char *ours(const char *path) {
  size_t n = strlen(directory);
  if (record < 0 || !path || !n || strncmp(path, directory, n) || path[n] != '/') return 0;
  return path + n + 1;
}
static int file(int fd) { return record >= 0 && fd >= 0 && fd < MOST ? known[fd].kind : 0; }
static uint64_t inode_of(const char *path) { struct stat s; return stat(path, &s) ? 0 : (uint64_t)s.st_ino; }
static uint32_t size(const char *s) { return (uint32_t)strlen(s); }

#define REAL(type, name, ...) \
  static type (*real)(__VA_ARGS__); \
  if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static int opened(int fd, const char *path, int created) {
  struct stat s;
  const char *name = ours(path);
  if (fd < 0 || fd >= MOST || fstat(fd, &s)) return fd;
  known[fd].kind = name ? (S_ISDIR(s.st_mode) ? 2 : 1) : record >= 0 && path && !strcmp(path, directory) ? 2 : 0;
  known[fd].inode = (uint64_t)s.st_ino;
  snprintf(known[fd].name, sizeof known[fd].name, "%s", name ? name : "");
  if (created) emit('C', (uint64_t)s.st_ino, 0, name, size(name), 0, 0);
  return fd;
}
static int creates(const char *path, int flags) {
  return ours(path) && (flags & O_CREAT) && access(path, F_OK) != 0;
}

#define OPEN(symbol) \
  int symbol(const char *path, int flags, ...) { \
    va_list rest; va_start(rest, flags); mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest); \
    REAL(int, #symbol, const char *, int, ...); \
    int created = creates(path, flags); \
    if (created && fails(CREATE)) return -1; \
    return opened(real(path, flags, mode), path, created); \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(symbol) \
  int symbol(int at, const char *path, int flags, ...) { \
    va_list rest; va_start(rest, flags); mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest); \
    REAL(int, #symbol, int, const char *, int, ...); \
    int created = creates(path, flags); \
    if (created && fails(CREATE)) return -1; \
    return opened(real(at, path, flags, mode), path, created); \
  }
OPENAT(openat)
OPENAT(openat64)

int close(int fd) {
  REAL(int, "close", int);
  if (fd >= 0 && fd < MOST) known[fd].kind = 0;
  return real(fd);
}

/* A full disk takes half of the first write and nothing of the next. */
static ssize_t shortened(size_t n) {
  if (next_fails) { next_fails = lasting; errno = errors[WRITE]; counted[WRITE]++; return -1; }
  if (!fails(WRITE)) return (ssize_t)n;
  if (n < 2) return -1;
  next_fails = 1;
  return (ssize_t)(n / 2);
}

ssize_t write(int fd, const void *data, size_t n) {
  REAL(ssize_t, "write", int, const void *, size_t);
  if (file(fd) != 1) return real(fd, data, n);
  off_t at = lseek(fd, 0, SEEK_CUR);
  ssize_t some = shortened(n);
  if (some < 0) return -1;
  some = real(fd, data, (size_t)some);
  if (some > 0) emit('W', known[fd].inode, (uint64_t)at, data, (uint32_t)some, 0, 0);
  return some;
}

#define PWRITE(symbol) \
  ssize_t symbol(int fd, const void *data, size_t n, off_t at) { \
    REAL(ssize_t, #symbol, int, const void *, size_t, off_t); \
    if (file(fd) != 1) return real(fd, data, n, at); \
    ssize_t some = shortened(n); \
    if (some < 0) return -1; \
    some = real(fd, data, (size_t)some, at); \
    if (some > 0) emit('W', known[fd].inode, (uint64_t)at, data, (uint32_t)some, 0, 0); \
    return some; \
  }
PWRITE(pwrite)
PWRITE(pwrite64)

#define FTRUNCATE(symbol) \
  int symbol(int fd, off_t length) { \
    REAL(int, #symbol, int, off_t); \
    if (file(fd) == 1 && fails(TRUNCATE)) return -1; \
    int result = real(fd, length); \
    if (!result && file(fd) == 1) emit('T', known[fd].inode, (uint64_t)length, 0, 0, 0, 0); \
    return result; \
  }
FTRUNCATE(ftruncate)
FTRUNCATE(ftruncate64)

static int synced(int fd) {
  int kind = file(fd);
  const char *name = kind == 2 ? known[fd].name : "";
  if (fails(SYNC)) { emit(kind == 1 ? 'f' : 'd', known[fd].inode, 0, name, size(name), 0, 0); return -1; }
  if (!(dropping & kind)) emit(kind == 1 ? 'F' : 'D', known[fd].inode, 0, name, size(name), 0, 0);
  return 0;
}
int fsync(int fd) { REAL(int, "fsync", int); return file(fd) ? synced(fd) : real(fd); }
int fdatasync(int fd) { REAL(int, "fdatasync", int); return file(fd) ? synced(fd) : real(fd); }

static void renamed(const char *old, const char *new, uint64_t inode) {
  emit('R', inode, 0, ours(old), size(ours(old)), ours(new), size(ours(new)));
}
int rename(const char *old, const char *new) {
  REAL(int, "rename", const char *, const char *);
  if (!ours(old) || !ours(new)) return real(old, new);
  if (fails(NAME)) return -1;
  uint64_t inode = inode_of(old);
  int result = real(old, new);
  if (!result) renamed(old, new, inode);
  return result;
}
int renameat2(int a, const char *old, int b, const char *new, unsigned flags) {
  REAL(int, "renameat2", int, const char *, int, const char *, unsigned);
  if (!ours(old) || !ours(new)) return real(a, old, b, new, flags);
  if (fails(NAME)) return -1;
  uint64_t inode = inode_of(old);
  int result = real(a, old, b, new, flags);
  if (!result) renamed(old, new, inode);
  return result;
}
int link(const char *old, const char *new) {
  REAL(int, "link", const char *, const char *);
  if (!ours(new)) return real(old, new);
  if (fails(NAME)) return -1;
  int result = real(old, new);
  if (!result) emit('L', inode_of(new), 0, ours(new), size(ours(new)), 0, 0);
  return result;
}
int unlink(const char *path) {
  REAL(int, "unlink", const char *);
  if (!ours(path) || access(path, F_OK)) return real(path);
  if (fails(UNLINK)) return -1;
  int result = real(path);
  if (!result) emit('U', 0, 0, ours(path), size(ours(path)), 0, 0);
  return result;
}
