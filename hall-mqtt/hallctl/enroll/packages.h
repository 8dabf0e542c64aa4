/*
 * packages: a program's packages that lie in a folder, one for each kind of processor:
 * hall-agent-VERSION-linux-MACHINE.tar.gz. Of several versions the highest counts.
 */
#ifndef HALL_HALLCTL_ENROLL_PACKAGES_H
#define HALL_HALLCTL_ENROLL_PACKAGES_H

#include "hallctl/enroll/script.h"

struct enroll_packages {
    struct enroll_package all[ENROLL_PACKAGES_MAX];
    size_t n;
};

enum { PACKAGE_BYTES_MAX = 32 << 20 };

/* -ENOENT: there is none; -EFBIG, -errno of the folder or the file that is named in ret_file, which
 * has room for size. */
int enroll_packages_read(const char *folder, const char *program,
                         struct enroll_packages *ret_packages, char *ret_file, size_t size);
void enroll_packages_finish(struct enroll_packages *packages);

/* A file of up to limit bytes, NUL behind them; to be freed. -EFBIG, -EINVAL: not a regular file,
 * -errno. */
int enroll_read_file(const char *path, size_t limit, char **ret_bytes, size_t *ret_length);

#endif
