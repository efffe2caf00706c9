// SPDX-License-Identifier: Apache-2.0
// Runs a command for which the kernel refuses some system calls, as containers do by their seccomp profiles:
//
//   refuse vmsplice=EPERM splice=ENOSYS -- ./sluice copy ...
//
// The filter is passed on to every process that the command starts. Build: cc -o refuse refuse.c
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#endif

struct name {
  const char *text;
  int number;
};

static const struct name calls[] = {
    {"splice", SYS_splice},   {"tee", SYS_tee},           {"vmsplice", SYS_vmsplice},
    {"sendfile", SYS_sendfile}, {"statx", SYS_statx},     {"copy_file_range", SYS_copy_file_range},
    {"pipe2", SYS_pipe2},     {"memfd_create", SYS_memfd_create}, {"epoll_pwait", SYS_epoll_pwait},
    {NULL, 0}};

static const struct name errors[] = {{"EPERM", EPERM},   {"ENOSYS", ENOSYS}, {"EINVAL", EINVAL}, {"EAGAIN", EAGAIN},
                                     {"EMFILE", EMFILE}, {"ENOMEM", ENOMEM}, {"EIO", EIO},       {"ENOSPC", ENOSPC},
                                     {NULL, 0}};

static int look_up(const struct name *names, const char *text, size_t length) {
  for (; names->text != NULL; names++)
    if (strlen(names->text) == length && strncmp(names->text, text, length) == 0) return names->number;
  fprintf(stderr, "refuse: unknown name in %s\n", text);
  _exit(2);
}

int main(int argc, char **argv) {
  // Room for four instructions at the start, two for each refused call, one at the end.
  struct sock_filter program[5 + 2 * 16] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
  };
  int length = 4, i = 1;
  for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
    const char *equals = strchr(argv[i], '=');
    if (equals == NULL || length + 3 > (int)(sizeof program / sizeof program[0])) break;
    int call = look_up(calls, argv[i], (size_t)(equals - argv[i]));
    int error = look_up(errors, equals + 1, strlen(equals + 1));
    program[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1);
    program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error);
  }
  if (i + 1 >= argc || strcmp(argv[i], "--") != 0) {
    fprintf(stderr, "usage: refuse CALL=ERRNO... -- COMMAND [ARGUMENT...]\n");
    return 2;
  }
  program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog filter = {(unsigned short)length, program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    perror("refuse: seccomp");
    return 77;
  }
  execvp(argv[i + 1], argv + i + 1);
  perror(argv[i + 1]);
  return 127;
}
