/*
 * trouble: what can be wrong with the store, and the sentence a person gets about it. Pure.
 */
#ifndef HALL_STORE_TROUBLE_H
#define HALL_STORE_TROUBLE_H

#include <stddef.h>

enum trouble_kind {
    TROUBLE_NONE,
    TROUBLE_BUSY,      /* another program holds the lock */
    TROUBLE_FULL,      /* disk or quota */
    TROUBLE_READ_ONLY, /* file system */
    TROUBLE_PERMISSION,
    TROUBLE_MISSING,    /* the folder */
    TROUBLE_NOT_A_FILE, /* a folder or device stands there */
    TROUBLE_BAD_PATH,   /* too long */
    TROUBLE_FOREIGN,    /* another program's database */
    TROUBLE_NEWER,      /* of a later version of Hall */
    TROUBLE_NO_LOG,     /* a file system without what the write-ahead log needs */
    TROUBLE_IO,
    TROUBLE_MEMORY,
    TROUBLE_SILENT,      /* the disk does not answer */
    TROUBLE_CORRUPT,     /* and could not be set aside */
    TROUBLE_MOVED,       /* the file was taken away while open */
    TROUBLE_INTERRUPTED, /* by us; none to people */
    TROUBLE_KINDS
};

enum { TROUBLE_SIZE = 1024 };

struct trouble {
    enum trouble_kind kind;
    char detail[160]; /* in the library's or the kernel's words */
};

/* error: -errno or errno. */
struct trouble trouble_of_errno(int error);
enum trouble_kind trouble_kind_of_errno(int error);

/* "The store PATH cannot be written: the disk is full (...). Free some space; ..." */
void trouble_describe(const struct trouble *trouble, const char *path, char *out, size_t size);

#endif
