// SPDX-License-Identifier: Apache-2.0
// How fast do references go through a pipe from C? The peer of PipeThroughput.java: the same calls, sizes and memory.
//
//   p2 MODE PIECE_BYTES SECONDS     says "ready"; then, for each line of its input, measures so long and prints GiB/s
//
// MODE: sleeping (vmsplice and splice block), spinning (both with SPLICE_F_NONBLOCK, again and again), copying (write
// and read). One thread feeds the pipe from 2-MiB-page memory, the other empties it into /dev/null. Between two rounds
// it only waits for the next line.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { PIPE_BYTES = 1 << 20, HUGE_BYTES = 2 << 20 };

static int ends[2];
static size_t piece;
static unsigned flags;
static int copying;
static char *source, *target;
static int null;
static atomic_int stopped;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

// Mapped, advised, then touched: in another order the pages stay small.
static char *huge_pages(void) {
  char *memory = mmap(NULL, 2 * HUGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) die("mmap");
  memory = (char *)(((unsigned long)memory + HUGE_BYTES - 1) & -(unsigned long)HUGE_BYTES);
  madvise(memory, HUGE_BYTES, MADV_HUGEPAGE);
  memset(memory, 1, HUGE_BYTES);
  return memory;
}

static void *feed(void *unused) {
  size_t at = 0;
  while (!atomic_load_explicit(&stopped, memory_order_relaxed)) {
    struct iovec rest = {source + at, piece};
    while (rest.iov_len > 0 && !atomic_load_explicit(&stopped, memory_order_relaxed)) {
      long put = copying ? syscall(SYS_write, ends[1], rest.iov_base, rest.iov_len)
                         : syscall(SYS_vmsplice, ends[1], &rest, 1, flags);
      if (put < 0) {
        if (errno != EAGAIN) die("feeding");
        continue;
      }
      rest.iov_base = (char *)rest.iov_base + put;
      rest.iov_len -= put;
    }
    at = (at + piece) % HUGE_BYTES;
  }
  close(ends[1]);
  return unused;
}

static double measure(double seconds) {
  pthread_t feeder;
  if (pipe(ends) != 0 || fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES) < 0) die("making the pipe");
  atomic_store(&stopped, 0);
  pthread_create(&feeder, NULL, feed, NULL);
  double start = now(), rate = 0;
  unsigned long long bytes = 0;
  for (long calls = 1;; calls++) {
    long taken = copying ? syscall(SYS_read, ends[0], target, piece)
                         : syscall(SYS_splice, ends[0], NULL, null, NULL, piece, flags);
    if (taken > 0) {
      bytes += taken;
    } else if (taken == 0) {
      break;
    } else if (errno != EAGAIN) {
      die("taking");
    }
    if (calls % 64 != 0 || rate > 0) continue;
    double elapsed = now() - start;
    if (elapsed >= seconds) {
      rate = bytes / elapsed / (1 << 30);
      atomic_store(&stopped, 1);
    }
  }
  pthread_join(feeder, NULL);
  close(ends[0]);
  return rate;
}

int main(int argc, char **argv) {
  if (argc != 4) return fprintf(stderr, "usage: p2 sleeping|spinning|copying PIECE_BYTES SECONDS\n"), 2;
  copying = strcmp(argv[1], "copying") == 0;
  flags = strcmp(argv[1], "spinning") == 0 ? SPLICE_F_NONBLOCK : 0;
  piece = strtoul(argv[2], NULL, 10);
  double seconds = strtod(argv[3], NULL);
  source = huge_pages();
  target = huge_pages();
  null = open("/dev/null", O_WRONLY);
  if (null < 0) die("/dev/null");
  puts("ready");
  fflush(stdout);
  while (getchar() != EOF) {
    printf("%.2f\n", measure(seconds));
    fflush(stdout);
  }
  return 0;
}
