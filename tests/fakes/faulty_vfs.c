#include "faulty_vfs.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES_MAX = 16, NAME_SIZE = 64, SECTOR = 512 };

enum operation_kind { WRITE, TRUNCATE, SYNC, DELETE, MARK };

struct operation {
    enum operation_kind kind;
    size_t file; /* in names */
    uint64_t at; /* offset, size, or mark */
    size_t length;
    unsigned char *bytes;
};

/* One for the whole process, as SQLite's list of VFSes is. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t released;
    bool hangs;
    sqlite3_vfs *real;
    uint64_t written, syncs;
    long countdown, failures;
    bool failed, recording;
    char names[FILES_MAX][NAME_SIZE];
    size_t n_names, n, size;
    struct operation *operations;
} faulty = {.lock = PTHREAD_MUTEX_INITIALIZER, .released = PTHREAD_COND_INITIALIZER};

struct faulty_file {
    sqlite3_file base;
    size_t name;
    bool tracked; /* a database or its log */
    sqlite3_file *real;
};

static struct faulty_file *of(sqlite3_file *file)
{
    return (struct faulty_file *)file;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return of(file)->real;
}

/* ---- failing and recording ---- */

static bool must_fail(void)
{
    pthread_mutex_lock(&faulty.lock);
    bool fails = faulty.countdown > 0 && --faulty.countdown == 0;
    if (fails) {
        faulty.failed = true;
        faulty.countdown = --faulty.failures > 0 ? 1 : 0;
    }
    pthread_mutex_unlock(&faulty.lock);
    return fails;
}

static size_t name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    size_t i = 0;
    while (i < faulty.n_names && strcmp(faulty.names[i], name) != 0)
        i++;
    if (i == faulty.n_names) {
        assert(i < FILES_MAX);
        snprintf(faulty.names[faulty.n_names++], NAME_SIZE, "%s", name);
    }
    return i;
}

static void record_locked(struct operation operation, const void *bytes)
{
    if (!faulty.recording)
        return;
    if (faulty.n == faulty.size) {
        faulty.size = faulty.size > 0 ? 2 * faulty.size : 1024;
        faulty.operations = realloc(faulty.operations, faulty.size * sizeof *faulty.operations);
        assert(faulty.operations != NULL);
    }
    if (bytes != NULL) {
        operation.bytes = malloc(operation.length + 1);
        assert(operation.bytes != NULL);
        memcpy(operation.bytes, bytes, operation.length);
    }
    faulty.operations[faulty.n++] = operation;
}

static void record(struct operation operation, const void *bytes)
{
    pthread_mutex_lock(&faulty.lock);
    if (operation.kind == WRITE)
        faulty.written += operation.length;
    if (operation.kind == SYNC)
        faulty.syncs++;
    record_locked(operation, bytes);
    pthread_mutex_unlock(&faulty.lock);
}

/* ---- a file ---- */

static int file_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int file_read(sqlite3_file *file, void *bytes, int length, sqlite3_int64 at)
{
    if (must_fail())
        return SQLITE_IOERR_READ;
    return real_of(file)->pMethods->xRead(real_of(file), bytes, length, at);
}

static int file_write(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 at)
{
    if (must_fail())
        return SQLITE_IOERR_WRITE;
    if (of(file)->tracked)
        record((struct operation){WRITE, of(file)->name, (uint64_t)at, (size_t)length, NULL},
               bytes);
    return real_of(file)->pMethods->xWrite(real_of(file), bytes, length, at);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    if (must_fail())
        return SQLITE_IOERR_TRUNCATE;
    if (of(file)->tracked)
        record((struct operation){TRUNCATE, of(file)->name, (uint64_t)size, 0, NULL}, NULL);
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static void hang(void)
{
    pthread_mutex_lock(&faulty.lock);
    while (faulty.hangs)
        pthread_cond_wait(&faulty.released, &faulty.lock);
    pthread_mutex_unlock(&faulty.lock);
}

void faulty_vfs_hang(bool on)
{
    pthread_mutex_lock(&faulty.lock);
    faulty.hangs = on;
    pthread_cond_broadcast(&faulty.released);
    pthread_mutex_unlock(&faulty.lock);
}

static int file_sync(sqlite3_file *file, int flags)
{
    hang();
    if (must_fail())
        return SQLITE_IOERR_FSYNC;
    if (of(file)->tracked)
        record((struct operation){SYNC, of(file)->name, 0, 0, NULL}, NULL);
    return real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    if (must_fail())
        return SQLITE_IOERR_FSTAT;
    return real_of(file)->pMethods->xFileSize(real_of(file), ret_size);
}

static int file_lock(sqlite3_file *file, int level)
{
    return must_fail() ? SQLITE_IOERR_LOCK : real_of(file)->pMethods->xLock(real_of(file), level);
}

static int file_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int file_check_lock(sqlite3_file *file, int *ret_held)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), ret_held);
}

static int file_control(sqlite3_file *file, int what, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), what, argument);
}

static int file_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int file_traits(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int file_shm_map(sqlite3_file *file, int region, int size, int extend,
                        void volatile **ret_region)
{
    if (must_fail())
        return SQLITE_IOERR_SHMMAP;
    return real_of(file)->pMethods->xShmMap(real_of(file), region, size, extend, ret_region);
}

static int file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int file_shm_unmap(sqlite3_file *file, int and_delete)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), and_delete);
}

static const sqlite3_io_methods methods = {
    2,           file_close,   file_read,     file_write,       file_truncate,  file_sync,
    file_size,   file_lock,    file_unlock,   file_check_lock,  file_control,   file_sector,
    file_traits, file_shm_map, file_shm_lock, file_shm_barrier, file_shm_unmap, NULL,
    NULL};

/* ---- the file system; what is not here is the real one's ---- */

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
                    int *ret_flags)
{
    struct faulty_file *mine = of(file);
    (void)vfs;
    mine->base.pMethods = NULL;
    mine->real = (sqlite3_file *)(mine + 1);
    if (must_fail())
        return SQLITE_CANTOPEN;
    int code = faulty.real->xOpen(faulty.real, path, mine->real, flags, ret_flags);
    if (mine->real->pMethods == NULL)
        return code;
    mine->base.pMethods = &methods;
    mine->tracked =
        path != NULL &&
        (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
    if (mine->tracked) {
        pthread_mutex_lock(&faulty.lock);
        mine->name = name_of(path);
        pthread_mutex_unlock(&faulty.lock);
    }
    return code;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_folder)
{
    (void)vfs;
    if (must_fail())
        return SQLITE_IOERR_DELETE;
    pthread_mutex_lock(&faulty.lock);
    record_locked((struct operation){DELETE, name_of(path), 0, 0, NULL}, NULL);
    pthread_mutex_unlock(&faulty.lock);
    return faulty.real->xDelete(faulty.real, path, sync_folder);
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *ret_may)
{
    (void)vfs;
    return must_fail() ? SQLITE_IOERR_ACCESS
                       : faulty.real->xAccess(faulty.real, path, flags, ret_may);
}

int faulty_vfs_install(void)
{
    static sqlite3_vfs vfs;
    faulty.real = sqlite3_vfs_find(NULL);
    assert(faulty.real != NULL);
    vfs = *faulty.real;
    vfs.zName = "faulty";
    vfs.pNext = NULL;
    vfs.szOsFile = (int)sizeof(struct faulty_file) + faulty.real->szOsFile;
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    vfs.xAccess = vfs_access;
    return sqlite3_vfs_register(&vfs, 1) == SQLITE_OK ? 0 : -1;
}

uint64_t faulty_vfs_written(void)
{
    pthread_mutex_lock(&faulty.lock);
    uint64_t written = faulty.written;
    pthread_mutex_unlock(&faulty.lock);
    return written;
}

uint64_t faulty_vfs_syncs(void)
{
    pthread_mutex_lock(&faulty.lock);
    uint64_t syncs = faulty.syncs;
    pthread_mutex_unlock(&faulty.lock);
    return syncs;
}

void faulty_vfs_reset_counts(void)
{
    pthread_mutex_lock(&faulty.lock);
    faulty.written = faulty.syncs = 0;
    pthread_mutex_unlock(&faulty.lock);
}

void faulty_vfs_fail(long nth, long count)
{
    pthread_mutex_lock(&faulty.lock);
    faulty.countdown = nth;
    faulty.failures = count;
    faulty.failed = false;
    pthread_mutex_unlock(&faulty.lock);
}

bool faulty_vfs_failed(void)
{
    pthread_mutex_lock(&faulty.lock);
    bool failed = faulty.failed;
    pthread_mutex_unlock(&faulty.lock);
    return failed;
}

void faulty_vfs_record(bool on)
{
    pthread_mutex_lock(&faulty.lock);
    for (size_t i = 0; on && i < faulty.n; i++)
        free(faulty.operations[i].bytes);
    faulty.n = on ? 0 : faulty.n;
    faulty.recording = on;
    pthread_mutex_unlock(&faulty.lock);
}

void faulty_vfs_mark(uint64_t value)
{
    record((struct operation){MARK, 0, value, 0, NULL}, NULL);
}

size_t faulty_vfs_operations(void)
{
    pthread_mutex_lock(&faulty.lock);
    size_t n = faulty.n;
    pthread_mutex_unlock(&faulty.lock);
    return n;
}

/* ---- rebuilding ---- */

struct image {
    bool exists;
    size_t size, room;
    unsigned char *bytes;
    size_t synced; /* operations before that one are in */
};

static void image_resize(struct image *image, size_t size)
{
    if (size > image->room) {
        image->room = 2 * size;
        image->bytes = realloc(image->bytes, image->room);
        assert(image->bytes != NULL);
    }
    if (size > image->size)
        memset(image->bytes + image->size, 0, size - image->size);
    image->size = size;
}

static void image_write(struct image *image, size_t at, const unsigned char *bytes, size_t length)
{
    if (at + length > image->size)
        image_resize(image, at + length);
    assert(image->bytes != NULL);
    memcpy(image->bytes + at, bytes, length);
}

static bool keeps(enum faulty_loss loss, unsigned *seed)
{
    return loss == FAULTY_KEPT || (loss == FAULTY_TORN && rand_r(seed) % 2 == 0);
}

static void write_torn(struct image *image, const struct operation *operation,
                       enum faulty_loss loss, unsigned *seed)
{
    for (size_t done = 0; done < operation->length;) {
        size_t part = SECTOR - ((size_t)operation->at + done) % SECTOR;
        part = part < operation->length - done ? part : operation->length - done;
        if (keeps(loss, seed))
            image_write(image, (size_t)operation->at + done, operation->bytes + done, part);
        done += part;
    }
}

static void image_apply(struct image *image, const struct operation *operation,
                        enum faulty_loss loss, unsigned *seed)
{
    image->exists = true;
    if (operation->kind == WRITE)
        write_torn(image, operation, loss, seed);
    else if (operation->kind == TRUNCATE && keeps(loss, seed))
        image_resize(image, (size_t)operation->at);
}

static void image_catch_up(struct image *image, size_t file, size_t until, enum faulty_loss loss,
                           unsigned *seed)
{
    for (size_t i = image->synced; i < until; i++)
        if (faulty.operations[i].file == file && faulty.operations[i].kind != MARK)
            image_apply(image, &faulty.operations[i], loss, seed);
    image->synced = until;
}

static void image_save(const struct image *image, const char *folder, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
    if (!image->exists)
        return;
    FILE *file = fopen(path, "we");
    assert(file != NULL);
    if (image->bytes != NULL)
        assert(fwrite(image->bytes, 1, image->size, file) == image->size);
    assert(fclose(file) == 0);
}

uint64_t faulty_vfs_rebuild(size_t n, enum faulty_loss loss, unsigned *seed, const char *folder)
{
    struct image images[FILES_MAX] = {0};
    uint64_t mark = 0;
    for (size_t i = 0; i < n; i++) {
        const struct operation *operation = &faulty.operations[i];
        struct image *image = &images[operation->file];
        if (operation->kind == MARK)
            mark = operation->at;
        if (operation->kind == SYNC)
            image_catch_up(image, operation->file, i, FAULTY_KEPT, seed);
        if (operation->kind == DELETE) {
            image->exists = false;
            image->size = 0;
            image->synced = i + 1;
        }
    }
    for (size_t i = 0; i < faulty.n_names; i++) {
        image_catch_up(&images[i], i, n, loss, seed);
        image_save(&images[i], folder, faulty.names[i]);
        free(images[i].bytes);
    }
    return mark;
}
