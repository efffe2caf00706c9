// SPDX-License-Identifier: Apache-2.0
// Runs a command between a feeder and a drain, and tells what it took.
//
//   p5 IN OUT COMMAND...
//
// IN is the command's standard input: a path, or |PATH for a pipe that cat(1) fills from that file. OUT is its standard
// output: a path, which is emptied first, or | for a pipe that cat(1) drains into /dev/null, or 1 for a pipe that is read
// here. Prints: seconds until all have ended (with OUT 1: until the first byte came), the command's CPU seconds, and its
// largest resident set in KiB.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what) {
  perror(what);
  exit(1);
}

static int opened(const char *path, int flags) {
  int fd = open(path, flags | O_CLOEXEC, 0666);
  if (fd < 0) die(path);
  return fd;
}

static pid_t started(int in, int out, char *const command[]) {
  pid_t pid = fork();
  if (pid == 0) {
    if (dup2(in, 0) < 0 || dup2(out, 1) < 0) die("dup2");
    execvp(command[0], command);
    die(command[0]);
  }
  if (pid < 0) die("fork");
  close(in);
  close(out);
  return pid;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static double seconds(struct timeval t) { return t.tv_sec + t.tv_usec / 1e6; }

int main(int count, char **words) {
  if (count < 4) {
    fprintf(stderr, "usage: p5 IN OUT COMMAND...\n");
    return 2;
  }
  char *cat[] = {"cat", NULL};
  int in, out, first = -1, ends[2];
  pid_t others[2];
  int other_count = 0;
  double start = now();

  if (words[1][0] == '|') {
    if (pipe2(ends, O_CLOEXEC)) die("pipe2");
    others[other_count++] = started(opened(words[1] + 1, O_RDONLY), ends[1], cat);
    in = ends[0];
  } else {
    in = opened(words[1], O_RDONLY);
  }
  if (!strcmp(words[2], "|") || !strcmp(words[2], "1")) {
    if (pipe2(ends, O_CLOEXEC)) die("pipe2");
    out = ends[1];
    if (words[2][0] == '|')
      others[other_count++] = started(ends[0], opened("/dev/null", O_WRONLY), cat);
    else
      first = ends[0];
  } else {
    out = opened(words[2], O_WRONLY | O_CREAT | O_TRUNC);
  }

  pid_t command = started(in, out, words + 3);
  double wall = 0;
  if (first >= 0) {
    char byte;
    if (read(first, &byte, 1) != 1) die("no byte came");
    wall = now() - start;
  }
  int status;
  struct rusage used;
  if (wait4(command, &status, 0, &used) < 0) die("wait4");
  for (int i = 0; i < other_count; i++) waitpid(others[i], NULL, 0);
  if (first < 0) wall = now() - start;
  if (status != 0) {
    fprintf(stderr, "%s ended with %d\n", words[3], WIFEXITED(status) ? WEXITSTATUS(status) : -status);
    return 1;
  }
  printf("%.4f %.4f %ld\n", wall, seconds(used.ru_utime) + seconds(used.ru_stime), used.ru_maxrss);
  return 0;
}
