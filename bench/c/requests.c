// SPDX-License-Identifier: Apache-2.0
// Requests and answers through a relay, for bench/relay.sh.
//
//   requests serve PORT SIZE keep|close      answers every SIZE bytes with SIZE bytes, until it is killed; with "close"
//                                            it closes after one answer
//   requests ask PORT SIZE keep|close CONNECTIONS SECONDS
//                                            a closed loop: each connection asks again when it has its answer; with
//                                            "close" by a new connection. Half a second warms up. Prints requests per
//                                            second and, of their time in milliseconds, the median and the percentiles
//                                            99, 90 and 99.9
//   requests hold PORT SIZE CONNECTIONS      asks once on each, prints "held", and keeps them open until it is killed
//
// One thread each, with epoll, so that on a small machine the load takes as little of it as it can.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, FDS_MAX = 1 << 20, MICROS_MAX = 2000000 };

struct connection {
  long left;       // of the request that is being read, or of the answer
  double asked;    // when the request went out
};

static struct connection *connections; // by descriptor
static char *bytes;
static long size;
static int closes;
static unsigned *histogram;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static struct sockaddr_in loopback(int port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void watch(int epoll, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// Messages are small beside a socket's buffer, and one at a time is under way: a blocking send does not wait.
static void say(int fd) {
  for (long sent = 0; sent < size;) {
    ssize_t n = send(fd, bytes, size - sent, MSG_NOSIGNAL);
    if (n <= 0) die("send");
    sent += n;
  }
}

static void serve(int port) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in address = loopback(port);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) die("bind");
  listen(listener, 4096);
  int epoll = epoll_create1(0);
  watch(epoll, listener);
  puts("ready");
  fflush(stdout);
  for (;;) {
    struct epoll_event events[EVENTS];
    int count = epoll_wait(epoll, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        for (int taken; (taken = accept4(listener, NULL, NULL, 0)) >= 0;) {
          connections[taken].left = size;
          watch(epoll, taken);
        }
        continue;
      }
      ssize_t got = recv(fd, bytes, connections[fd].left, MSG_DONTWAIT);
      if (got < 0 && errno == EAGAIN) continue;
      if (got <= 0) {
        close(fd);
        continue;
      }
      if ((connections[fd].left -= got) == 0) {
        connections[fd].left = size;
        say(fd);
        if (closes) close(fd);
      }
    }
  }
}

static int begin(int epoll, int port) {
  struct sockaddr_in address = loopback(port);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) die("socket");
  double asked = now();
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) die("connect");
  watch(epoll, fd);
  connections[fd] = (struct connection){size, asked};
  say(fd);
  return fd;
}

static void ask(int port, int count, double seconds) {
  int epoll = epoll_create1(0);
  for (int i = 0; i < count; i++) begin(epoll, port);
  double begun = now() + 0.5, end = begun + seconds, time = 0;
  long answered = 0;
  while ((time = now()) < end) {
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(epoll, events, EVENTS, 1000);
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      ssize_t got = recv(fd, bytes, size, MSG_DONTWAIT);
      if (got < 0 && errno == EAGAIN) continue;
      if (got < 0) die("recv");
      if (got > 0 && (connections[fd].left -= got) > 0) continue;
      if (got == 0 && (connections[fd].left > 0 || !closes)) {
        fprintf(stderr, "a connection ended before its answer\n");
        exit(1);
      }
      if (closes && got > 0) continue; // the end belongs to it
      time = now();
      if (time >= begun) {
        long micros = (time - connections[fd].asked) * 1e6;
        histogram[micros < MICROS_MAX ? micros : MICROS_MAX - 1]++;
        answered++;
      }
      if (closes) {
        close(fd);
        begin(epoll, port);
      } else {
        connections[fd] = (struct connection){size, time};
        say(fd);
      }
    }
  }
  double percentile[] = {0.5, 0.99, 0.9, 0.999}, found[4];
  for (int p = 0; p < 4; p++) {
    long left = answered * percentile[p], micros = 0;
    while (micros < MICROS_MAX - 1 && (left -= histogram[micros]) > 0) micros++;
    found[p] = micros / 1e3;
  }
  printf("%.0f %.3f %.3f %.3f %.3f\n", answered / (time - begun), found[0], found[1], found[2], found[3]);
}

static void hold(int port, int count) {
  int epoll = epoll_create1(0);
  for (int i = 0; i < count; i++) {
    int fd = begin(epoll, port);
    for (long left = size; left > 0;) {
      ssize_t got = recv(fd, bytes, left, 0);
      if (got <= 0) die("recv");
      left -= got;
    }
  }
  puts("held");
  fflush(stdout);
  pause();
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  int port = atoi(argv[2]);
  size = atol(argv[3]);
  connections = calloc(FDS_MAX, sizeof *connections);
  bytes = calloc(1, size);
  histogram = calloc(MICROS_MAX, sizeof *histogram);
  if (!strcmp(argv[1], "hold") && argc == 5) {
    hold(port, atoi(argv[4]));
    return 0;
  }
  if (argc < 5) return 2;
  closes = !strcmp(argv[4], "close");
  if (!strcmp(argv[1], "serve")) serve(port);
  if (strcmp(argv[1], "ask") || argc != 7) return 2;
  ask(port, atoi(argv[5]), atof(argv[6]));
  return 0;
}
