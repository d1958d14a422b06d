/* Runs a program whose calls to the system fail where they are told to. Of all calls, in all threads,
 * that concern a file in one directory, one is picked by its kind and its number; it fails with an
 * error, is cut short, or the whole program is killed at the moment it is made. The calls are written
 * down, one a line, before they happen.
 *
 * strace can inject faults, too, but it counts for each thread by itself, so the third write of a
 * program that writes from a pool of threads cannot be named. Here the kernel asks one process about
 * each call (seccomp_unotify(2)), whatever thread or library makes it; that process is the judge. The
 * program keeps the process id that this one is started with.
 *
 * usage: fault <list of calls> <directory> <fault> <program> <argument>...
 *
 * A fault is `none`, or <kind>:<number>:<what>, or <kind>:<number>+:<what> for that call and all later
 * ones. The kind may be `any`; `<kind>@<path>` counts the calls about one file only, and `read` is then
 * `pread`, too. What happens is the number of an error, `short`, or `kill`.
 *
 * A line is: number among all, number in its kind, kind, path below the directory, `injected` if it
 * was. The last line is `ended` and the milliseconds since the first injection, or since the start.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "say what AUDIT_ARCH_ this machine is"
#endif

#define COUNT(list) ((int)(sizeof(list) / sizeof((list)[0])))
#define NONE (-1)
/* A transfer that is cut short goes through this process, so it is cut to this at the most. */
#define SHORT_BYTES_MAX (1024 * 1024)

/* Which argument of a call is the descriptor of a file, and which its path, relative to that
 * descriptor if there is both. */
struct call {
    int number;
    const char *kind;
    int descriptor;
    int path;
};

static const struct call calls[] = {
    {SYS_openat, "open", 0, 1},
    {SYS_openat2, "open", 0, 1},
    {SYS_read, "read", 0, NONE},
    {SYS_readv, "read", 0, NONE},
    {SYS_pread64, "pread", 0, NONE},
    {SYS_preadv, "pread", 0, NONE},
    {SYS_preadv2, "pread", 0, NONE},
    {SYS_write, "write", 0, NONE},
    {SYS_writev, "write", 0, NONE},
    {SYS_pwrite64, "pwrite", 0, NONE},
    {SYS_pwritev, "pwrite", 0, NONE},
    {SYS_pwritev2, "pwrite", 0, NONE},
    {SYS_copy_file_range, "copy", 2, NONE},
    {SYS_sendfile, "copy", 0, NONE},
    {SYS_fsync, "fsync", 0, NONE},
    {SYS_syncfs, "fsync", 0, NONE},
    {SYS_fdatasync, "fdatasync", 0, NONE},
    {SYS_sync_file_range, "sync_file_range", 0, NONE},
    {SYS_ftruncate, "ftruncate", 0, NONE},
    {SYS_truncate, "ftruncate", NONE, 0},
    {SYS_fallocate, "ftruncate", 0, NONE},
    {SYS_renameat2, "rename", 2, 3},
    {SYS_unlinkat, "unlink", 0, 1},
    {SYS_mkdirat, "mkdir", 0, 1},
    {SYS_linkat, "link", 2, 3},
    {SYS_symlinkat, "link", 1, 2},
    {SYS_fchmod, "chmod", 0, NONE},
    {SYS_fchmodat, "chmod", 0, 1},
    {SYS_statfs, "statfs", NONE, 0},
    {SYS_fstatfs, "statfs", 0, NONE},
    {SYS_statx, "stat", 0, 1},
    {SYS_fstat, "stat", 0, NONE},
    {SYS_newfstatat, "stat", 0, 1},
    {SYS_faccessat, "stat", 0, 1},
    {SYS_getdents64, "getdents", 0, NONE},
    {SYS_flock, "flock", 0, NONE},
    {SYS_lseek, "lseek", 0, NONE},
    {SYS_mmap, "mmap", 4, NONE},
#ifdef SYS_renameat
    {SYS_renameat, "rename", 2, 3},
#endif
    /* The older calls, which a machine of a newer kind does not have. */
#ifdef SYS_open
    {SYS_open, "open", NONE, 0},
    {SYS_creat, "open", NONE, 0},
    {SYS_rename, "rename", NONE, 1},
    {SYS_unlink, "unlink", NONE, 0},
    {SYS_rmdir, "unlink", NONE, 0},
    {SYS_mkdir, "mkdir", NONE, 0},
    {SYS_link, "link", NONE, 1},
    {SYS_symlink, "link", NONE, 1},
    {SYS_chmod, "chmod", NONE, 0},
    {SYS_stat, "stat", NONE, 0},
    {SYS_lstat, "stat", NONE, 0},
    {SYS_access, "stat", NONE, 0},
    {SYS_getdents, "getdents", 0, NONE},
#endif
};

enum what { NOTHING, FAIL, SHORT, KILL };

static struct {
    char kind[32];
    char path[256];
    long first;
    int goes_on;
    enum what what;
    int error;
} fault;

static const char *directory;
static int listing;
static pid_t program;

static void die(const char *what) {
    perror(what);
    exit(2);
}

static void read_fault(const char *text) {
    char kind[300], number[32], what[32];
    if (strcmp(text, "none") == 0) {
        return;
    }
    if (sscanf(text, "%299[^:]:%31[^:]:%31s", kind, number, what) != 3 ||
        sscanf(kind, "%31[^@]@%255s", fault.kind, fault.path) < 1) {
        fprintf(stderr, "not a fault: %s\n", text);
        exit(2);
    }
    fault.first = atol(number);
    fault.goes_on = strchr(number, '+') != NULL;
    fault.error = atoi(what);
    fault.what = strcmp(what, "kill") == 0 ? KILL : strcmp(what, "short") == 0 ? SHORT : FAIL;
}

/* Puts this process, and what it becomes, under a filter that asks about all calls of the table. */
static int install_filter(void) {
    struct sock_filter code[COUNT(calls) + 5];
    struct sock_fprog filter = {.len = COUNT(code), .filter = code};
    int at = 0;
    code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 0, COUNT(calls) + 1);
    code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int i = 0; i < COUNT(calls); i++) {
        code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, COUNT(calls) - i, 0);
    }
    code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        die("no_new_privs");
    }
    int listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
    if (listener < 0) {
        die("seccomp");
    }
    return listener;
}

/* Hands a descriptor to another process, or takes it. */
union control {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

static void send_descriptor(int channel, int descriptor) {
    char byte = 0;
    struct iovec data = {&byte, 1};
    union control control;
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
    if (sendmsg(channel, &message, 0) != 1) {
        die("sendmsg");
    }
}

static int receive_descriptor(int channel) {
    char byte;
    int descriptor;
    struct iovec data = {&byte, 1};
    union control control;
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    if (recvmsg(channel, &message, 0) != 1 || CMSG_FIRSTHDR(&message) == NULL) {
        exit(2);
    }
    memcpy(&descriptor, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
    return descriptor;
}

static void read_link(const char *link, char *path, size_t size) {
    ssize_t length = readlink(link, path, size - 1);
    path[length < 0 ? 0 : length] = 0;
}

/* Reads a text of the program's memory, page by page, since what follows it may not be there. */
static void read_text(pid_t pid, uint64_t address, char *text, size_t size) {
    size_t have = 0;
    while (have < size - 1) {
        size_t part = 4096 - (address + have) % 4096;
        if (part > size - 1 - have) {
            part = size - 1 - have;
        }
        struct iovec ours = {text + have, part};
        struct iovec theirs = {(void *)(address + have), part};
        ssize_t got = process_vm_readv(pid, &ours, 1, &theirs, 1, 0);
        if (got <= 0) {
            break;
        }
        have += got;
        if (memchr(text + have - got, 0, got) != NULL) {
            return;
        }
    }
    text[have] = 0;
}

/* Finds the path that a call is about, below the directory; or says no. */
static int path_of(const struct seccomp_notif *asked, const struct call *call, char *found, size_t size) {
    char base[4096] = "", given[4096] = "", whole[8200], link[64];
    if (call->path != NONE) {
        read_text(asked->pid, asked->data.args[call->path], given, sizeof given);
    }
    if (given[0] == '/') {
        snprintf(whole, sizeof whole, "%s", given);
    } else {
        int descriptor = call->descriptor == NONE ? AT_FDCWD : (int)asked->data.args[call->descriptor];
        if (descriptor == AT_FDCWD) {
            snprintf(link, sizeof link, "/proc/%d/cwd", asked->pid);
        } else {
            snprintf(link, sizeof link, "/proc/%d/fd/%d", asked->pid, descriptor);
        }
        read_link(link, base, sizeof base);
        snprintf(whole, sizeof whole, given[0] ? "%s/%s" : "%s", base, given);
    }
    size_t length = strlen(directory);
    if (strncmp(whole, directory, length) != 0 || (whole[length] != '/' && whole[length] != 0)) {
        return 0;
    }
    snprintf(found, size, "%s", whole[length] == 0 ? "." : whole + length + 1);
    return 1;
}

/* Does a part of a transfer for the program, so that it is told of fewer bytes than it wanted. Gives
 * the number of bytes, or -1 where the call cannot be cut. */
static ssize_t cut_short(const struct seccomp_notif *asked) {
    static char bytes[SHORT_BYTES_MAX];
    int number = asked->data.nr;
    size_t count = asked->data.args[2] / 2;
    if (count == 0 || (number != SYS_read && number != SYS_pread64 && number != SYS_write && number != SYS_pwrite64)) {
        return -1;
    }
    if (count > SHORT_BYTES_MAX) {
        count = SHORT_BYTES_MAX;
    }
    int process = syscall(SYS_pidfd_open, program, 0);
    int file = syscall(SYS_pidfd_getfd, process, (int)asked->data.args[0], 0);
    struct iovec ours = {bytes, count}, theirs = {(void *)asked->data.args[1], count};
    off_t offset = asked->data.args[3];
    ssize_t done = -1;
    if (file >= 0 && (number == SYS_write || number == SYS_pwrite64)) {
        if (process_vm_readv(asked->pid, &ours, 1, &theirs, 1, 0) == (ssize_t)count) {
            done = number == SYS_write ? write(file, bytes, count) : pwrite(file, bytes, count, offset);
        }
    } else if (file >= 0) {
        done = number == SYS_read ? read(file, bytes, count) : pread(file, bytes, count, offset);
        if (done > 0) {
            ours.iov_len = theirs.iov_len = done;
            done = process_vm_writev(asked->pid, &ours, 1, &theirs, 1, 0);
        }
    }
    close(file);
    close(process);
    return done;
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int is_picked(const struct call *call, const char *path, long of_all, long of_kind) {
    static long of_path;
    int any = strcmp(fault.kind, "any") == 0;
    const char *kind = call->kind;
    if (fault.path[0]) {
        if (strcmp(fault.path, path) != 0) {
            return 0;
        }
        kind += strcmp(kind, "pread") == 0;
    }
    if (fault.what == NOTHING || (!any && strcmp(fault.kind, kind) != 0)) {
        return 0;
    }
    long number = fault.path[0] ? ++of_path : any ? of_all : of_kind;
    return number == fault.first || (fault.goes_on && number > fault.first);
}

/* Judges one call. Says whether a fault was injected. */
static int judge(const struct seccomp_notif *asked, struct seccomp_notif_resp *answer) {
    static long of_all, of_kind[COUNT(calls)];
    const struct call *call = calls;
    char path[4096], line[4400];
    answer->id = asked->id;
    answer->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    while (call < calls + COUNT(calls) && call->number != asked->data.nr) {
        call++;
    }
    if (call == calls + COUNT(calls) || !path_of(asked, call, path, sizeof path)) {
        return 0;
    }
    int kind = 0;
    while (strcmp(calls[kind].kind, call->kind) != 0) {
        kind++;
    }
    of_all++;
    of_kind[kind]++;
    int injected = is_picked(call, path, of_all, of_kind[kind]);
    if (injected && fault.what == FAIL) {
        answer->flags = 0;
        answer->error = -fault.error;
    } else if (injected && fault.what == SHORT) {
        ssize_t done = cut_short(asked);
        injected = done >= 0;
        if (injected) {
            answer->flags = 0;
            answer->val = done;
        }
    }
    int length = snprintf(line, sizeof line, "%ld %ld %s %s%s\n", of_all, of_kind[kind], call->kind, path,
                          injected ? " injected" : "");
    if (write(listing, line, length) != length) {
        exit(2);
    }
    if (injected && fault.what == KILL) {
        kill(program, SIGKILL);
    }
    return injected;
}

/* Answers the kernel until the program has ended. */
static void supervise(int listener) {
    struct pollfd ready = {listener, POLLIN, 0};
    int64_t since = now_ms();
    int any_injected = 0;
    for (;;) {
        struct seccomp_notif asked = {0};
        struct seccomp_notif_resp answer = {0};
        if (poll(&ready, 1, -1) < 0 && errno != EINTR) {
            exit(2);
        }
        if (ready.revents & POLLIN) {
            /* A thread that is killed before it is heard is no longer there. */
            if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) {
                continue;
            }
            if (judge(&asked, &answer) && !any_injected) {
                any_injected = 1;
                since = now_ms();
            }
            ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
        } else if (ready.revents & POLLHUP) {
            dprintf(listing, "ended %ld\n", (long)(now_ms() - since));
            exit(0);
        }
    }
}

int main(int argc, char **argv) {
    if (argc < 5) {
        fprintf(stderr, "usage: fault <list of calls> <directory> <fault> <program> <argument>...\n");
        return 2;
    }
    listing = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    if (listing < 0) {
        die(argv[1]);
    }
    directory = argv[2];
    read_fault(argv[3]);
    program = getpid();
    int channel[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) != 0) {
        die("socketpair");
    }
    /* Forked twice, so that the program is not the parent of a process that it does not know. */
    pid_t between = fork();
    if (between == 0) {
        if (fork() == 0) {
            close(channel[1]);
            int listener = receive_descriptor(channel[0]);
            for (int standard = 0; standard <= 2; standard++) {
                close(standard);
            }
            supervise(listener);
        }
        _exit(0);
    }
    waitpid(between, NULL, 0);
    int listener = install_filter();
    send_descriptor(channel[1], listener);
    close(listener);
    execvp(argv[4], argv + 4);
    die(argv[4]);
}
