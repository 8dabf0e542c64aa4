#include "bridges/agent/watch/proc.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/text.h"

enum { SECTOR = 512, PROC_KERNEL_THREAD = 0x00200000 };

bool proc_load(const char *path, char *text, size_t size)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    ssize_t got = -1;
    if (fd < 0)
        return false;
    while (length < size - 1 && (got = read(fd, text + length, size - 1 - length)) > 0)
        length += (size_t)got;
    close(fd);
    text[length] = '\0';
    return got == 0;
}

/* The start of the next line, or NULL behind the last. */
static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end && end[1] != '\0' ? end + 1 : NULL;
}

/* A counter in decimal; moves *at behind it. strtoull alone would take a sign. */
static bool take_counter(const char **at, uint64_t *ret)
{
    char *end;
    *at += strspn(*at, " \t");
    if (!isdigit((unsigned char)**at))
        return false;
    const unsigned long long value = strtoull(*at, &end, 10);
    if (value >= INT64_MAX || (*end != '\0' && !isspace((unsigned char)*end)))
        return false;
    *at = end;
    *ret = value;
    return true;
}

/* A word up to white space; moves *at behind it. */
static bool take_word(const char **at, char *out, size_t size)
{
    *at += strspn(*at, " \t");
    const size_t length = strcspn(*at, " \t\n");
    if (length == 0 || length >= size)
        return false;
    memcpy(out, *at, length);
    out[length] = '\0';
    *at += length;
    return true;
}

static bool skip_words(const char **at, unsigned n)
{
    while (n-- > 0) {
        *at += strspn(*at, " \t");
        const size_t length = strcspn(*at, " \t\n");
        if (length == 0)
            return false;
        *at += length;
    }
    return true;
}

/* ---- load, uptime, memory ---- */

static bool read_positive(const char *text, double *ret)
{
    char *end;
    if (!isdigit((unsigned char)text[0]))
        return false;
    const double value = strtod(text, &end);
    if (!isfinite(value) || value > 1e12 || (*end != ' ' && *end != '\n'))
        return false;
    *ret = value;
    return true;
}

bool proc_read_load(const char *text, double *ret_load)
{
    return read_positive(text, ret_load);
}

/* "cpu  user nice system idle iowait irq softirq steal ...": guests' time is in user's. */
bool proc_read_ticks(const char *text, struct proc_ticks *ret)
{
    uint64_t ticks[7], idle;
    const char *at = text + 4;
    struct proc_ticks sum = {0};
    if (strncmp(text, "cpu ", 4) != 0)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(ticks); i++) {
        if (!take_counter(&at, &ticks[i]))
            return false;
        idle = i == 3 || i == 4 ? ticks[i] : 0;
        sum.all += ticks[i];
        sum.busy += ticks[i] - idle;
    }
    *ret = sum;
    return true;
}

bool proc_read_uptime(const char *text, int64_t *ret_seconds)
{
    double seconds;
    if (!read_positive(text, &seconds))
        return false;
    *ret_seconds = (int64_t)seconds;
    return true;
}

/* "MemTotal:        8048024 kB" */
static bool read_megabytes(const char *text, const char *key, int64_t *ret)
{
    const size_t length = strlen(key);
    uint64_t kilobytes;
    for (const char *line = text; line; line = next_line(line)) {
        const char *at = line + length;
        if (strncmp(line, key, length) != 0)
            continue;
        if (!take_counter(&at, &kilobytes))
            return false;
        *ret = (int64_t)(kilobytes / 1024);
        return true;
    }
    return false;
}

bool proc_read_memory(const char *text, struct proc_memory *ret)
{
    struct proc_memory memory;
    if (!read_megabytes(text, "MemTotal:", &memory.total_mb) ||
        !read_megabytes(text, "MemAvailable:", &memory.available_mb))
        return false;
    *ret = memory;
    return true;
}

/* ---- traffic ---- */

/* "  eth0: 1296 10 0 0 0 0 0 0 648 8 ...": the first and the ninth number. */
static bool read_interface(const char *line, char ret_name[PROC_NAME_SIZE], uint64_t *ret_bytes)
{
    uint64_t received, sent;
    line += strspn(line, " ");
    const size_t length = strcspn(line, ":\n");
    if (length == 0 || length >= PROC_NAME_SIZE || line[length] != ':')
        return false;
    const char *at = line + length + 1;
    if (!take_counter(&at, &received) || !skip_words(&at, 7) || !take_counter(&at, &sent))
        return false;
    memcpy(ret_name, line, length);
    ret_name[length] = '\0';
    *ret_bytes = received + sent;
    return true;
}

bool proc_read_traffic(const char *text, const char *interface, uint64_t *ret_bytes)
{
    char name[PROC_NAME_SIZE];
    uint64_t bytes, sum = 0;
    bool found = false;
    for (const char *line = text; line; line = next_line(line)) {
        if (!read_interface(line, name, &bytes))
            continue;
        if (interface ? strcmp(name, interface) != 0 : strcmp(name, "lo") == 0)
            continue;
        found = true;
        sum += bytes;
    }
    if (found)
        *ret_bytes = sum;
    return found;
}

/* "eth0 00000000 0101A8C0 0003 0 0 100 00000000 0 0 0": name, destination, ..., metric, mask. */
static bool read_default_route(const char *line, char ret_name[IF_NAMESIZE], uint64_t *ret_metric)
{
    char destination[16], mask[16];
    return take_word(&line, ret_name, IF_NAMESIZE) &&
           take_word(&line, destination, sizeof(destination)) && skip_words(&line, 4) &&
           take_counter(&line, ret_metric) && take_word(&line, mask, sizeof(mask)) &&
           strcmp(destination, "00000000") == 0 && strcmp(mask, "00000000") == 0;
}

bool proc_read_default_interface(const char *text, char ret_interface[IF_NAMESIZE])
{
    char name[IF_NAMESIZE];
    uint64_t metric, least = UINT64_MAX;
    for (const char *line = text; line; line = next_line(line)) {
        if (!read_default_route(line, name, &metric) || metric >= least)
            continue;
        least = metric;
        text_copy(ret_interface, IF_NAMESIZE, name);
    }
    return least != UINT64_MAX;
}

/* ---- disks ---- */

static bool is_stacked(const char *name)
{
    static const char *const prefixes[] = {"loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd"};
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/* "sda1" of "sda", "nvme0n1p2" of "nvme0n1": the kernel lists a disk before its partitions. */
static bool is_partition_of(const char *name, const char *disk)
{
    const size_t length = strlen(disk);
    if (length == 0 || strncmp(name, disk, length) != 0)
        return false;
    const char *rest = name + length;
    if (*rest == 'p' && isdigit((unsigned char)disk[length - 1]))
        rest++;
    return *rest != '\0' && rest[strspn(rest, "0123456789")] == '\0';
}

/* "8 0 sda 100 0 2048 9 50 0 1024 ...": sectors read and written are the sixth and the tenth. */
static bool read_disk(const char *line, char ret_name[PROC_NAME_SIZE], uint64_t *ret_bytes)
{
    uint64_t read, written;
    if (!skip_words(&line, 2) || !take_word(&line, ret_name, PROC_NAME_SIZE) ||
        !skip_words(&line, 2) || !take_counter(&line, &read) || !skip_words(&line, 3) ||
        !take_counter(&line, &written) || read > INT64_MAX / SECTOR || written > INT64_MAX / SECTOR)
        return false;
    *ret_bytes = (read + written) * SECTOR;
    return true;
}

bool proc_read_disks(const char *text, uint64_t *ret_bytes)
{
    char name[PROC_NAME_SIZE], disk[PROC_NAME_SIZE] = "";
    uint64_t bytes, sum = 0;
    bool found = false;
    for (const char *line = text; line; line = next_line(line)) {
        if (!read_disk(line, name, &bytes) || is_stacked(name) || is_partition_of(name, disk))
            continue;
        text_copy(disk, sizeof(disk), name);
        found = true;
        sum += bytes;
    }
    if (found)
        *ret_bytes = sum;
    return found;
}

/* ---- locks ---- */

/* A number and the sign behind it. */
static bool take_number(const char **at, int base, char sign, uint64_t most, uint64_t *ret)
{
    char *end;
    if (!isxdigit((unsigned char)**at))
        return false;
    const unsigned long long value = strtoull(*at, &end, base);
    if (value > most || *end != sign)
        return false;
    *at = end + 1;
    *ret = value;
    return true;
}

/* "1: POSIX  ADVISORY  WRITE 1234 08:01:131090 0 EOF"; "->" in front of the kind of those that
 * wait. */
bool proc_read_lock(const char *line, struct proc_lock *ret)
{
    char kind[16];
    uint64_t major, minor, inode;
    if (!skip_words(&line, 1) || !take_word(&line, kind, sizeof(kind)) || strcmp(kind, "->") == 0 ||
        !skip_words(&line, 3))
        return false;
    line += strspn(line, " \t");
    if (!take_number(&line, 16, ':', UINT32_MAX, &major) ||
        !take_number(&line, 16, ':', UINT32_MAX, &minor) ||
        !take_number(&line, 10, ' ', INT64_MAX, &inode))
        return false;
    *ret = (struct proc_lock){.major = (unsigned)major, .minor = (unsigned)minor, .inode = inode};
    return true;
}

/* ---- names ---- */

bool proc_read_comm(const char *text, char ret_name[PROC_COMM_SIZE])
{
    const size_t length = strcspn(text, "\n");
    if (length == 0 || length >= PROC_COMM_SIZE)
        return false;
    memcpy(ret_name, text, length);
    ret_name[length] = '\0';
    return true;
}

/* "12 (a (b) c) S 1 12 12 0 -1 4194560 ...": the name may hold anything, so it ends with the last
 * bracket; those of kernel threads are longer than others. Behind it: state, parent, group,
 * session, terminal, its group, flags, 12 others, and the start. */
bool proc_read_stat(const char *text, struct proc_stat *ret)
{
    const char *at = text, *name = strchr(text, '('), *end = strrchr(text, ')');
    uint64_t pid, parent, flags, start;
    if (!name || !end || end <= name || !take_counter(&at, &pid))
        return false;
    const size_t length = (size_t)(end - name - 1);
    at = end + 1;
    if (!skip_words(&at, 1) || !take_counter(&at, &parent) || !skip_words(&at, 2))
        return false;
    const bool has_terminal = strncmp(at, " 0 ", 3) != 0;
    if (!skip_words(&at, 2) || !take_counter(&at, &flags) || !skip_words(&at, 12) ||
        !take_counter(&at, &start) || pid < 1 || pid > INT32_MAX || parent > INT32_MAX)
        return false;
    *ret = (struct proc_stat){.pid = (int32_t)pid,
                              .parent = (int32_t)parent,
                              .kernel = (flags & PROC_KERNEL_THREAD) != 0,
                              .terminal = has_terminal,
                              .start_ticks = (int64_t)start};
    memcpy(ret->name, name + 1, length < PROC_COMM_SIZE ? length : PROC_COMM_SIZE - 1);
    return true;
}

bool proc_is_named(const char *comm, const char *name)
{
    return strncmp(comm, name, PROC_COMM_SIZE - 1) == 0;
}

bool proc_read_boot_id(const char *text, char ret_id[37])
{
    if (strspn(text, "0123456789abcdefABCDEF-") != 36 || (text[36] != '\0' && text[36] != '\n'))
        return false;
    memcpy(ret_id, text, 36);
    ret_id[36] = '\0';
    return true;
}
