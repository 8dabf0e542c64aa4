#include "hallctl/enroll/packages.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/text.h"
#include "secret/secret.h"

static const char *const machines[] = {"x86_64", "aarch64", "armv7l"};
_Static_assert(ARRAY_SIZE(machines) == ENROLL_PACKAGES_MAX, "one package each");

/* ---- files ---- */

static int read_all(int fd, size_t limit, char **ret_bytes, size_t *ret_length)
{
    struct stat status;
    size_t length = 0;

    if (fstat(fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -EINVAL;
    if ((uint64_t)status.st_size > limit)
        return -EFBIG;
    char *bytes = malloc((size_t)status.st_size + 1);
    if (!bytes)
        return -ENOMEM;
    while (length < (size_t)status.st_size) {
        const ssize_t n = read(fd, bytes + length, (size_t)status.st_size - length);
        if (n <= 0) {
            free(bytes);
            return n < 0 ? -errno : -EIO;
        }
        length += (size_t)n;
    }
    bytes[length] = '\0';
    *ret_bytes = bytes;
    *ret_length = length;
    return 0;
}

int enroll_read_file(const char *path, size_t limit, char **ret_bytes, size_t *ret_length)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return -errno;
    const int error = read_all(fd, limit, ret_bytes, ret_length);
    close(fd);
    return error;
}

/* ---- names ---- */

/* Of which program and for which processor. */
struct wanted {
    const char *program, *machine;
};

/* The version within "hall-agent-VERSION-linux-MACHINE.tar.gz"; 0: it is not what is wanted. */
static size_t version_of(const char *name, struct wanted wanted, const char **ret_version)
{
    char tail[48];
    const size_t n = strlen(name), program = strlen(wanted.program), begin = program + 1;
    const size_t end = (size_t)snprintf(tail, sizeof(tail), "-linux-%s.tar.gz", wanted.machine);

    if (n <= begin + end || memcmp(name, wanted.program, program) != 0 || name[program] != '-' ||
        strcmp(name + n - end, tail) != 0)
        return 0;
    *ret_version = name + begin;
    return n - begin - end;
}

static bool is_newer(const char *name, const char *than, struct wanted wanted)
{
    char versions[2][NAME_MAX + 1];
    const char *names[2] = {name, than}, *version = "";

    if (than[0] == '\0')
        return true;
    for (size_t i = 0; i < 2; i++) {
        const size_t length = version_of(names[i], wanted, &version);
        memcpy(versions[i], version, length);
        versions[i][length] = '\0';
    }
    return strverscmp(versions[0], versions[1]) > 0;
}

static int find(const char *folder, struct wanted wanted, char ret_name[NAME_MAX + 1])
{
    DIR *directory = opendir(folder);
    const struct dirent *entry;
    const char *version;

    ret_name[0] = '\0';
    if (!directory)
        return -errno;
    while ((entry = readdir(directory)))
        if (version_of(entry->d_name, wanted, &version) > 0 &&
            is_newer(entry->d_name, ret_name, wanted))
            text_copy(ret_name, NAME_MAX + 1, entry->d_name);
    closedir(directory);
    return ret_name[0] == '\0' ? -ENOENT : 0;
}

static int digest(struct enroll_package *package)
{
    uint8_t sum[SECRET_DIGEST_SIZE];
    const int error = secret_sha256(package->bytes, package->length, sum);

    for (size_t i = 0; i < sizeof(sum); i++)
        snprintf(package->sha256 + 2 * i, 3, "%02x", sum[i]);
    return error;
}

int enroll_packages_read(const char *folder, const char *program,
                         struct enroll_packages *ret_packages, char *ret_file, size_t size)
{
    char name[NAME_MAX + 1];
    int error = 0;

    *ret_packages = (struct enroll_packages){.n = 0};
    for (size_t i = 0; i < ARRAY_SIZE(machines) && error == 0; i++) {
        struct enroll_package *package = &ret_packages->all[ret_packages->n];

        snprintf(ret_file, size, "%s", folder);
        error = find(folder, (struct wanted){program, machines[i]}, name);
        if (error == -ENOENT) {
            error = access(folder, F_OK) == 0 ? 0 : -ENOENT;
            continue;
        }
        if (error < 0)
            break;
        snprintf(ret_file, size, "%s/%s", folder, name);
        error = enroll_read_file(ret_file, PACKAGE_BYTES_MAX, &package->bytes, &package->length);
        if (error < 0)
            break;
        ret_packages->n++;
        snprintf(package->machine, sizeof(package->machine), "%s", machines[i]);
        error = digest(package);
    }
    if (error == 0 && ret_packages->n == 0)
        error = -ENOENT;
    if (error < 0)
        enroll_packages_finish(ret_packages);
    return error;
}

void enroll_packages_finish(struct enroll_packages *packages)
{
    for (size_t i = 0; i < packages->n; i++)
        free(packages->all[i].bytes);
    packages->n = 0;
}
