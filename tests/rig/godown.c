/* Shuts an ext4 file system down as a power cut does: from here on nothing reaches the device, and
 * what the journal holds in memory is not written either. The tests in Rust forbid unsafe code, and
 * an ioctl needs it. xfstests has a program of the same name for the same purpose.
 *
 * usage: godown <mount point>
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>

/* From the kernel's fs/ext4/ext4.h, which no package installs: _IOR('X', 125, __u32). */
#define EXT4_IOC_SHUTDOWN 0x8004587dUL
#define EXT4_GOING_FLAGS_NOLOGFLUSH 2

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: godown <mount point>\n");
        return 2;
    }
    int mount_point = open(argv[1], O_RDONLY | O_DIRECTORY);
    if (mount_point < 0) {
        perror(argv[1]);
        return 1;
    }
    uint32_t how = EXT4_GOING_FLAGS_NOLOGFLUSH;
    if (ioctl(mount_point, EXT4_IOC_SHUTDOWN, &how) != 0) {
        perror("EXT4_IOC_SHUTDOWN");
        return 1;
    }
    return 0;
}
