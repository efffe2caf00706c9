// SPDX-License-Identifier: Apache-2.0
// The load on the relays of bench/netty.sh.
//
//   netty RELAY_PORT SERVER_PORT BYTES CONNECTIONS
//
// Listens on SERVER_PORT, where the relay connects to, sends BYTES through the relay, shared out between CONNECTIONS at
// once, and counts what arrives, which it drops unread (MSG_TRUNC). Prints the seconds from the first byte to the last.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 128 << 10, CONNECTIONS_MAX = 1000 };

static int relay_port;
static long long bytes_each;

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

static void *sender(void *unused) {
  (void)unused;
  struct sockaddr_in address = loopback(relay_port);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) die("connect");
  char *piece = calloc(1, PIECE);
  for (long long left = bytes_each; left > 0;) {
    ssize_t sent = send(fd, piece, left < PIECE ? left : PIECE, 0);
    if (sent <= 0) die("send");
    left -= sent;
  }
  // Only a receipt ends it: on a half-close, not every relay brings out what it still has.
  if (recv(fd, piece, 1, 0) != 1) die("no receipt");
  close(fd);
  free(piece);
  return NULL;
}

static void *receiver(void *argument) {
  int fd = (int)(long)argument;
  long long got = 0;
  while (got < bytes_each) {
    ssize_t count = recv(fd, NULL, 1 << 20, MSG_TRUNC);
    if (count < 0) die("recv");
    if (count == 0) {
      fprintf(stderr, "%lld bytes arrived of %lld\n", got, bytes_each);
      exit(1);
    }
    got += count;
  }
  if (send(fd, "", 1, 0) != 1) die("send");
  char end;
  recv(fd, &end, 1, 0);
  close(fd);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  relay_port = atoi(argv[1]);
  int connections = atoi(argv[4]);
  if (connections < 1 || connections > CONNECTIONS_MAX) return 2;
  bytes_each = atoll(argv[3]) / connections;
  int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in address = loopback(atoi(argv[2]));
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) die("bind");
  listen(listener, connections);
  pthread_t senders[CONNECTIONS_MAX], receivers[CONNECTIONS_MAX];
  double begun = now();
  for (int i = 0; i < connections; i++) pthread_create(&senders[i], NULL, sender, NULL);
  for (int i = 0; i < connections; i++) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) die("accept");
    pthread_create(&receivers[i], NULL, receiver, (void *)(long)fd);
  }
  for (int i = 0; i < connections; i++) pthread_join(receivers[i], NULL);
  double seconds = now() - begun;
  for (int i = 0; i < connections; i++) pthread_join(senders[i], NULL);
  printf("%.6f\n", seconds);
  return 0;
}
