/* Who listens on which TCP port: /proc/net/tcp and tcp6 name the sockets (proc(5)), /proc/PID/fd
 * the programs that hold them. */
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hallctl/setup/setup.h"

enum { LISTEN_STATE = 0x0a, LINE_SIZE = 512, PATH_SIZE = 300 };

struct seen {
    struct setup_listener *out;
    unsigned long inodes[SETUP_LISTENERS_MAX];
    size_t n, size;
};

/* "  0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 12345 ..." */
static void read_line(struct seen *seen, const char *line, bool is_v6)
{
    char address[40];
    unsigned port, state;
    unsigned long inode;

    /* The kernel wrote these numbers. NOLINTNEXTLINE(cert-err34-c) */
    if (sscanf(line, " %*u: %39[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*u %*u %lu", address,
               &port, &state, &inode) != 4 ||
        state != LISTEN_STATE || seen->n == seen->size || port > UINT16_MAX)
        return;
    if (is_v6 && address[strspn(address, "0")] != '\0')
        return; /* of one address of IPv6, which takes nothing from IPv4 */
    struct setup_listener *listener = &seen->out[seen->n];
    *listener = (struct setup_listener){.port = (uint16_t)port};
    if (!is_v6)
        listener->address.s_addr = (in_addr_t)strtoul(address, NULL, 16);
    seen->inodes[seen->n++] = inode;
}

static void read_table(struct seen *seen, const char *path, bool is_v6)
{
    char line[LINE_SIZE];
    FILE *file = fopen(path, "re");

    while (file && fgets(line, sizeof(line), file))
        read_line(seen, line, is_v6);
    if (file)
        (void)fclose(file);
}

static void name_program(struct setup_listener *listener, const char *pid)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof(path), "/proc/%s/comm", pid);
    FILE *file = fopen(path, "re");
    if (file && fgets(listener->program, sizeof(listener->program), file))
        listener->program[strcspn(listener->program, "\n")] = '\0';
    if (file)
        (void)fclose(file);
}

static void look_at_process(struct seen *seen, const char *pid)
{
    char path[PATH_SIZE], target[64];
    unsigned long inode;

    snprintf(path, sizeof(path), "/proc/%s/fd", pid);
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        const ssize_t length = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);
        target[length > 0 ? length : 0] = '\0';
        /* The kernel wrote these numbers. NOLINTNEXTLINE(cert-err34-c) */
        if (sscanf(target, "socket:[%lu]", &inode) != 1)
            continue;
        for (size_t i = 0; i < seen->n; i++)
            if (seen->inodes[i] == inode)
                name_program(&seen->out[i], pid);
    }
    if (folder)
        closedir(folder);
}

size_t setup_find_listeners(struct setup_listener *out, size_t size)
{
    struct seen seen = {.out = out,
                        .size = size < SETUP_LISTENERS_MAX ? size : SETUP_LISTENERS_MAX};

    read_table(&seen, "/proc/net/tcp", false);
    read_table(&seen, "/proc/net/tcp6", true);
    DIR *processes = opendir("/proc");
    for (struct dirent *entry; processes && (entry = readdir(processes));)
        if (isdigit((unsigned char)entry->d_name[0]))
            look_at_process(&seen, entry->d_name);
    if (processes)
        closedir(processes);
    return seen.n;
}
