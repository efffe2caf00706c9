// SPDX-License-Identifier: Apache-2.0
// The bound of P8: a relay with one event loop that makes the same system calls as sluice relay does for small messages,
// and nothing else: an edge-triggered epoll, a recv and a send for what comes, in turn for whatever epoll tells of.
//
//   relay LISTEN_PORT SERVER_PORT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, FDS_MAX = 1 << 16, BUFFER = 64 << 10 };

static int peers[FDS_MAX]; // by descriptor
static int ended[FDS_MAX];

static void die(const char *what) {
  perror(what);
  exit(1);
}

static struct sockaddr_in loopback(int port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void watch(int epoll, int fd) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.fd = fd};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

// A peer that takes no more for the moment is waited for: with requests and answers there is none.
static int say(int fd, const char *bytes, ssize_t count) {
  while (count > 0) {
    ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN) {
      struct pollfd one = {.fd = fd, .events = POLLOUT};
      poll(&one, 1, -1);
    } else if (sent < 0) {
      return 0;
    } else {
      bytes += sent;
      count -= sent;
    }
  }
  return 1;
}

static void end(int fd) {
  ended[fd] = 1;
  shutdown(peers[fd], SHUT_WR);
  if (ended[peers[fd]]) {
    close(peers[fd]);
    close(fd);
  }
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  static char buffer[BUFFER];
  struct sockaddr_in from = loopback(atoi(argv[1])), to = loopback(atoi(argv[2]));
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), epoll = epoll_create1(0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
  if (bind(listener, (struct sockaddr *)&from, sizeof from) != 0 || listen(listener, 4096) != 0) die("listen");
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0) die("epoll_ctl");
  for (;;) {
    struct epoll_event events[EVENTS];
    int count = epoll_wait(epoll, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK), server = socket(AF_INET, SOCK_STREAM, 0);
        if (client < 0 || server < 0 || client >= FDS_MAX || server >= FDS_MAX) die("accept");
        if (connect(server, (struct sockaddr *)&to, sizeof to) != 0) die("connect");
        peers[client] = server;
        peers[server] = client;
        ended[client] = ended[server] = 0;
        watch(epoll, client);
        watch(epoll, server);
      } else if (events[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP) && !ended[fd]) {
        ssize_t got;
        do {
          got = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
          if (got == 0 || (got < 0 && errno != EAGAIN) || (got > 0 && !say(peers[fd], buffer, got))) {
            end(fd);
            break;
          }
        } while (got == sizeof buffer || (got > 0 && events[i].events & EPOLLRDHUP));
      }
    }
  }
}
