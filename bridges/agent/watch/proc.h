/*
 * proc: reads the texts of /proc, line by line or whole. Pure: every function is given text,
 * NUL-terminated, and believes none of it; what cannot be read is false. Numbers beyond what a
 * counter can hold are refused.
 */
#ifndef HALL_BRIDGES_AGENT_WATCH_PROC_H
#define HALL_BRIDGES_AGENT_WATCH_PROC_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The whole of a small file, NUL-terminated; false where it is not there, or has no room. The one
 * function here that is not pure. */
bool proc_load(const char *path, char *text, size_t size);

enum { PROC_NAME_SIZE = 64, PROC_COMM_SIZE = 16 };

/* /proc/loadavg: the first number. */
bool proc_read_load(const char *text, double *ret_load);

/* /proc/stat: ticks that all processors have worked, and had. Those that a host took from a guest
 * are in neither. */
struct proc_ticks {
    uint64_t busy, all;
};
bool proc_read_ticks(const char *text, struct proc_ticks *ret);

/* /proc/uptime: whole seconds. */
bool proc_read_uptime(const char *text, int64_t *ret_seconds);

/* /proc/meminfo: MemTotal and MemAvailable, in MB. */
struct proc_memory {
    int64_t total_mb, available_mb;
};
bool proc_read_memory(const char *text, struct proc_memory *ret);

/* /proc/net/dev: bytes received and sent by that interface; NULL: by all but the loopback. False
 * when it is not there. */
bool proc_read_traffic(const char *text, const char *interface, uint64_t *ret_bytes);

/* /proc/net/route: the interface of the default route with the least metric. */
bool proc_read_default_interface(const char *text, char ret_interface[IF_NAMESIZE]);

/* /proc/diskstats: bytes read and written by whole disks; what stands for other devices (loop, ram,
 * dm, md) is left out. */
bool proc_read_disks(const char *text, uint64_t *ret_bytes);

/* /proc/N/comm: the name without its line end. */
bool proc_read_comm(const char *text, char ret_name[PROC_COMM_SIZE]);
/* A line of /proc/locks: the file that is locked, by its device and number. False also of those
 * that only wait. */
struct proc_lock {
    unsigned major, minor;
    uint64_t inode;
};
bool proc_read_lock(const char *line, struct proc_lock *ret);

/* /proc/N/stat */
struct proc_stat {
    int32_t pid, parent;
    char name[PROC_COMM_SIZE];
    bool kernel, terminal;
    int64_t start_ticks; /* since the machine was started */
};
bool proc_read_stat(const char *text, struct proc_stat *ret);
/* The kernel keeps 15 bytes of a name: as many are compared. */
bool proc_is_named(const char *comm, const char *name);

/* A boot id: 36 characters of hexadecimal digits and dashes. */
bool proc_read_boot_id(const char *text, char ret_id[37]);

#endif
