// SPDX-License-Identifier: Apache-2.0
// The other side of P6, and its bound: what the same system calls cost from C.
//
//   p6 feed BYTES                   writes BYTES to standard output, 64 KiB a call
//   p6 send PORT BYTES              the same to a TCP connection to the loopback
//   p6 splice FILE WARM_BYTES [PORT]
//                                   a pipe (standard input), or one connection taken on PORT, to FILE by splice
//
// The last prints "bytes seconds cpu-seconds" of what follows the first WARM_BYTES.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 64 << 10, PIPE_BYTES = 512 << 10, QUIET_MICROS = 300000 };

static void die(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static double cpu(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static struct sockaddr_in loopback(int port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int connected(int port) {
  struct sockaddr_in address = loopback(port);
  for (int tries = 0; tries < 2000; tries++) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    usleep(5000);  // the receiver is a process that still starts
  }
  die("connect");
  return -1;
}

static int accepted(int port) {
  struct sockaddr_in address = loopback(port);
  int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 1) != 0) die("listen");
  int fd = accept(listener, NULL, NULL);
  if (fd < 0) die("accept");
  close(listener);
  return fd;
}

static void feed(int fd, long long bytes) {
  static char piece[PIECE];
  memset(piece, 'x', sizeof piece);
  while (bytes > 0) {
    long put = write(fd, piece, bytes < PIECE ? bytes : PIECE);
    if (put < 0) die("feed");
    bytes -= put;
  }
}

static long long warm_bytes;
static double start, used;

// What has come so far; begins to measure once that is enough, and after a pause in which the sender fills the pipe or
// the socket: FileReceiver makes it for the JVM's compilers, and what waits in a socket is copied out of a cache or not.
static long long counted(long long before, long more) {
  if (before < warm_bytes && before + more >= warm_bytes) {
    usleep(QUIET_MICROS);
    start = now(), used = cpu();
  }
  return before + more;
}

static long long by_splice(int source, int file) {
  int ends[2];
  long long bytes = 0;
  fcntl(source, F_SETPIPE_SZ, PIPE_BYTES);  // a socket refuses, and needs none
  if (pipe2(ends, O_NONBLOCK) != 0 || fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES) < 0) die("pipe");
  for (;;) {
    long held = splice(source, NULL, ends[1], NULL, PIPE_BYTES, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (held == 0) return bytes;
    if (held < 0) {
      struct pollfd wait = {source, POLLIN, 0};
      if (errno != EAGAIN) die("splice from the source");
      poll(&wait, 1, -1);
      continue;
    }
    bytes = counted(bytes, held);
    while (held > 0) {
      long out = splice(ends[0], NULL, file, NULL, held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
      if (out <= 0) die("splice to the file");
      held -= out;
    }
  }
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "feed") == 0) {
    feed(1, atoll(argv[2]));
  } else if (argc == 4 && strcmp(argv[1], "send") == 0) {
    feed(connected(atoi(argv[2])), atoll(argv[3]));
  } else if (argc >= 4 && strcmp(argv[1], "splice") == 0) {
    int file = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int source = argc > 4 ? accepted(atoi(argv[4])) : 0;
    if (file < 0) die(argv[2]);
    if (argc > 4) fcntl(source, F_SETFL, O_NONBLOCK);
    warm_bytes = atoll(argv[3]), start = now(), used = cpu();
    long long bytes = by_splice(source, file);
    used = cpu() - used;
    printf("%lld %.3f %.3f\n", bytes - warm_bytes, now() - start, used);
  } else {
    return fprintf(stderr, "usage: see the head of p6.c\n"), 2;
  }
  return 0;
}
