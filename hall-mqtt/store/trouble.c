#include "store/trouble.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const struct {
    const char *what, *advice;
} words[TROUBLE_KINDS] = {
    [TROUBLE_NONE] = {"is well", ""},
    [TROUBLE_BUSY] = {"is locked by another program",
                      "End the sqlite3 shell or backup that holds it."},
    [TROUBLE_FULL] = {"cannot be written: the disk is full",
                      "Free some space, or lower store.max_mb."},
    [TROUBLE_READ_ONLY] = {"cannot be written: it is read-only",
                           "Remount the file system read-write, and look for disk errors in the "
                           "kernel's log."},
    [TROUBLE_PERMISSION] = {"cannot be opened: permission denied",
                            "Give the folder and the file to the user Hall runs as."},
    [TROUBLE_MISSING] = {"cannot be made: its folder is missing",
                         "Make the folder, or mount what holds it."},
    [TROUBLE_NOT_A_FILE] = {"is not a file",
                            "Remove what stands there, or name another file in store.path."},
    [TROUBLE_BAD_PATH] = {"has a path that is too long", "Name a shorter one in store.path."},
    [TROUBLE_FOREIGN] = {"is another program's database and is left alone",
                         "Name another file in store.path."},
    [TROUBLE_NEWER] = {"was written by a newer version of Hall and is left alone",
                       "Run that version, or name another file in store.path."},
    [TROUBLE_NO_LOG] = {"is on a file system that cannot share memory between programs",
                        "Put it on a local disk."},
    [TROUBLE_IO] = {"cannot be read or written",
                    "Look for disk errors in the kernel's log; an SD card may be worn out."},
    [TROUBLE_MEMORY] = {"cannot be written: no memory is left", "End what uses it up."},
    [TROUBLE_SILENT] = {"does not answer: a write has not ended for seconds",
                        "Look for disk errors in the kernel's log; an SD card may be worn out."},
    [TROUBLE_CORRUPT] = {"is corrupt and could not be set aside",
                         "Make its folder writable for the user Hall runs as, or move the file "
                         "away."},
    [TROUBLE_MOVED] = {"was moved or removed while in use", "Leave it where it is."},
    [TROUBLE_INTERRUPTED] = {"was interrupted", ""},
};

enum trouble_kind trouble_kind_of_errno(int error)
{
    switch (abs(error)) {
    case ENOSPC:
    case EDQUOT:
        return TROUBLE_FULL;
    case EROFS:
        return TROUBLE_READ_ONLY;
    case EACCES:
    case EPERM:
        return TROUBLE_PERMISSION;
    case ENOENT:
        return TROUBLE_MISSING;
    case EISDIR:
    case ENOTDIR:
    case ELOOP:
        return TROUBLE_NOT_A_FILE;
    case ENAMETOOLONG:
        return TROUBLE_BAD_PATH;
    case ENOMEM:
        return TROUBLE_MEMORY;
    default:
        return TROUBLE_IO;
    }
}

struct trouble trouble_of_errno(int error)
{
    struct trouble trouble = {.kind = trouble_kind_of_errno(error)};
    const char *said = strerrordesc_np(abs(error));
    text_copy(trouble.detail, sizeof(trouble.detail), said ? said : "unknown error");
    return trouble;
}

void trouble_describe(const struct trouble *trouble, const char *path, char *out, size_t size)
{
    char text[TROUBLE_SIZE];
    char shown[512];
    text_show(shown, sizeof(shown), path, strlen(path));
    snprintf(text, sizeof(text),
             "The store %s %s (%s). %s Hall goes on without it and tries again by itself.", shown,
             words[trouble->kind].what, trouble->detail, words[trouble->kind].advice);
    text_copy(out, size, text);
}
