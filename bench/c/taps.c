// SPDX-License-Identifier: Apache-2.0
// The bound of P11 and P12: a relay of one connection at a time that makes the same system calls as sluice relay does for
// bulk, and nothing else. Bytes go from the client to the server by splice through a pipe; with a mirror, tee duplicates
// them into a second pipe, which is spliced to the mirror; with a recording, into a second pipe which is read into
// memory, in blocks of pcapng, from where the file gets a MiB at a time, past the page cache. What the server answers is
// copied.
//
//   taps LISTEN_PORT SERVER_PORT [mirror PORT | record FILE]
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIPE_BYTES = 512 << 10, BLOCK = 65495, HEADER = 68, PAGE = 4096, WRITE = 1 << 20 };

static void die(const char *what) {
  perror(what);
  exit(1);
}

static struct sockaddr_in loopback(int port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int connected(int port) {
  struct sockaddr_in to = loopback(port);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) die("connect");
  if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) die("fcntl");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  return fd;
}

static void await(int fd, short events) {
  struct pollfd one = {.fd = fd, .events = events};
  if (poll(&one, 1, -1) < 0 && errno != EINTR) die("poll");
}

static void pipe_of(int *ends) {
  if (pipe2(ends, O_NONBLOCK) != 0 || fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES) < 0) die("pipe");
}

// All that the pipe holds.
static void out(int from, int to, ssize_t count) {
  while (count > 0) {
    ssize_t moved = splice(from, NULL, to, NULL, count, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (moved < 0 && errno == EAGAIN) {
      await(to, POLLOUT);
    } else if (moved <= 0) {
      die("splice out");
    } else {
      count -= moved;
    }
  }
}

// Where a connection is recorded to: what the file has, and what waits in memory; at the end, that is left.
static int file;
static off_t written;
static size_t held;

static void record(int from, ssize_t count) {
  static _Alignas(PAGE) char memory[WRITE + PAGE + HEADER + BLOCK + 8];
  while (count > 0) {
    ssize_t block = count < BLOCK ? count : BLOCK;
    memset(memory + held, 0, HEADER);
    held += HEADER;
    for (ssize_t left = block; left > 0;) {
      ssize_t got = read(from, memory + held, left);
      if (got <= 0) die("read");
      left -= got;
      held += got;
    }
    memset(memory + held, 0, 8);
    held += 8;
    count -= block;
    if (held >= WRITE) {
      size_t whole = held / PAGE * PAGE;
      if (pwrite(file, memory, whole, written) != (ssize_t)whole) die("pwrite");
      written += whole;
      held -= whole;
      memmove(memory, memory + whole, held);
    }
  }
}

// Whether there was anything.
static int answers(int from, int to) {
  static char buffer[64 << 10];
  ssize_t got = recv(from, buffer, sizeof buffer, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return 0;
  if (got < 0) die("recv");
  if (got == 0) shutdown(to, SHUT_WR);
  if (got > 0 && send(to, buffer, got, MSG_NOSIGNAL) != got) die("send");
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 3 && argc != 5) return 2;
  const char *kind = argc == 5 ? argv[3] : "";
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in at = loopback(atoi(argv[1]));
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
  if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 16) != 0) die("listen");
  int main_pipe[2], second[2];
  pipe_of(main_pipe);
  pipe_of(second);
  for (;;) {
    int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (client < 0) die("accept");
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    int server = connected(atoi(argv[2]));
    int mirror = strcmp(kind, "mirror") == 0 ? connected(atoi(argv[4])) : -1;
    file = strcmp(kind, "record") == 0 ? open(argv[4], O_WRONLY | O_CREAT | O_TRUNC | O_DIRECT, 0600) : -1;
    if (strcmp(kind, "record") == 0 && file < 0) die("open with O_DIRECT");
    written = 0;
    held = 0;
    for (int open = 1; open;) {
      ssize_t got = splice(client, NULL, main_pipe[1], NULL, PIPE_BYTES, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
      if (got < 0 && errno == EAGAIN) {
        struct pollfd both[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
        if (poll(both, 2, -1) < 0 && errno != EINTR) die("poll");
        if (both[1].revents && !answers(server, client)) continue;
      } else if (got < 0) {
        die("splice in");
      } else if (got == 0) {
        open = 0;
      } else {
        int taps = mirror >= 0 || file >= 0;
        if (taps && tee(main_pipe[0], second[1], got, SPLICE_F_NONBLOCK) != got) die("tee");
        out(main_pipe[0], server, got);
        if (mirror >= 0) out(second[0], mirror, got);
        if (file >= 0) record(second[0], got);
      }
    }
    close(client);
    close(server);
    if (mirror >= 0) close(mirror);
    if (file >= 0) close(file);
  }
}
