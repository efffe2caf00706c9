// SPDX-License-Identifier: Apache-2.0
// What a mirror is in benchmarks: takes connections at a port of this machine and drops what they bring, unread.
//
//   drop PORT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 1024, PIECE = 1 << 20 };

static void die(const char *what) {
    fprintf(stderr, "drop: %s: %s\n", what, strerror(errno));
    exit(1);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fputs("drop PORT\n", stderr);
        return 2;
    }
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof at) < 0 || listen(listener, SOMAXCONN) < 0) die("listen");
    puts("ready");
    fflush(stdout);
    static struct pollfd all[MOST];
    static char unused[PIECE];
    int count = 1;
    all[0] = (struct pollfd){.fd = listener, .events = POLLIN};
    for (;;) {
        if (poll(all, count, -1) < 0 && errno != EINTR) die("poll");
        for (int i = count - 1; i > 0; i--) {
            if (all[i].revents == 0) continue;
            ssize_t got = recv(all[i].fd, unused, PIECE, MSG_TRUNC | MSG_DONTWAIT);
            if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
                close(all[i].fd);
                all[i] = all[--count];
            }
        }
        while (count < MOST && (all[0].revents & POLLIN)) {
            int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
            if (fd < 0) break;
            all[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
        }
    }
}
