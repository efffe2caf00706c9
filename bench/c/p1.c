// SPDX-License-Identifier: Apache-2.0
// What do the calls of SystemCallBenchmark cost from C? Prints "name nanoseconds", the median of 9 rounds.
//
// glibc makes its wrappers cancellation points: in a process that has had a second thread each of them costs two atomic
// instructions more. A JVM has threads, so "threads" is the peer of Sluice; syscall() is no cancellation point.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 400, CALLS = 20000 };

static int ends[2], watch;
static char piece[64];
static struct iovec pieces = {piece, sizeof piece};
static volatile long sink;

static void splice_wrapper(void) { sink = splice(-1, NULL, -1, NULL, 1, SPLICE_F_NONBLOCK); }
static void splice_raw(void) { sink = syscall(SYS_splice, -1, NULL, -1, NULL, 1, SPLICE_F_NONBLOCK); }
static void tee_raw(void) { sink = syscall(SYS_tee, -1, -1, 1, SPLICE_F_NONBLOCK); }
static void vmsplice_raw(void) { sink = syscall(SYS_vmsplice, -1, &pieces, 1, SPLICE_F_NONBLOCK); }
static void write_raw(void) { sink = syscall(SYS_write, -1, piece, sizeof piece); }
static void write_read(void) {
  sink = syscall(SYS_write, ends[1], piece, sizeof piece) + syscall(SYS_read, ends[0], piece, sizeof piece);
}
static void vmsplice_read(void) {
  sink = syscall(SYS_vmsplice, ends[1], &pieces, 1, SPLICE_F_NONBLOCK) + syscall(SYS_read, ends[0], piece, sizeof piece);
}
static void poll_raw(void) {
  struct pollfd one = {ends[0], POLLIN, 0};
  struct timespec none = {0, 0};
  sink = syscall(SYS_ppoll, &one, 1, &none, NULL, 0);
}
static void epoll_raw(void) {
  struct epoll_event events[64];
  sink = syscall(SYS_epoll_pwait, watch, events, 64, 0, NULL, 0);
}
static void fionread_raw(void) {
  int bytes;
  sink = syscall(SYS_ioctl, ends[0], FIONREAD, &bytes);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void measure(const char *name, void (*call)(void)) {
  double rounds[ROUNDS];
  for (int r = 0; r < ROUNDS; r++) {
    double start = now();
    for (int i = 0; i < CALLS; i++) call();
    rounds[r] = (now() - start) / CALLS;
  }
  qsort(rounds, ROUNDS, sizeof rounds[0], ascending);
  printf("%s %.1f %.1f\n", name, rounds[ROUNDS / 2], rounds[0]);
}

static void *sleeper(void *unused) {
  pause();
  return unused;
}

int main(int argc, char **argv) {
  pthread_t second;
  struct epoll_event interest = {.events = EPOLLIN};
  if (argc > 1 && strcmp(argv[1], "threads") == 0) pthread_create(&second, NULL, sleeper, NULL);
  if (pipe2(ends, O_NONBLOCK) != 0 || (watch = epoll_create1(0)) < 0 ||
      epoll_ctl(watch, EPOLL_CTL_ADD, ends[0], &interest) != 0) {
    perror("p1");
    return 1;
  }
  measure("splice()", splice_wrapper);
  measure("spliceEbadf", splice_raw);
  measure("teeEbadf", tee_raw);
  measure("vmspliceEbadf", vmsplice_raw);
  measure("writeEbadf", write_raw);
  measure("writeRead", write_read);
  measure("vmspliceRead", vmsplice_read);
  measure("poll", poll_raw);
  measure("epollWait", epoll_raw);
  measure("fionread", fionread_raw);
  return 0;
}
