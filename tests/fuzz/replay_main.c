/*
 * Runs the files named on the command line, or all files of the folders named, through one fuzz
 * target. So past crashers and seeds are tests with every compiler, without libFuzzer.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 8 * 1024 * 1024 };

static int fail(const char *path)
{
    perror(path);
    return 1;
}

/* The input is in memory of exactly its size, so that a sanitizer sees a byte read too many. */
static int replay_file(const char *path)
{
    struct stat status;
    FILE *file = fopen(path, "re");
    if (file == NULL || fstat(fileno(file), &status) < 0 || status.st_size > INPUT_MAX) {
        if (file != NULL)
            fclose(file);
        return fail(path);
    }
    size_t size = (size_t)status.st_size;
    uint8_t *data = malloc(size > 0 ? size : 1);
    int bad = data == NULL || fread(data, 1, size, file) != size;
    fclose(file);
    if (!bad)
        LLVMFuzzerTestOneInput(data, size);
    free(data);
    return bad ? fail(path) : 0;
}

static int replay_folder(DIR *folder, const char *path, unsigned *runs)
{
    char name[4096];
    int bad = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        bad |= replay_file(name);
        (*runs)++;
    }
    return bad;
}

int main(int argc, char **argv)
{
    unsigned runs = 0;
    int bad = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        if (folder == NULL) {
            bad |= replay_file(argv[i]);
            runs++;
        } else {
            bad |= replay_folder(folder, argv[i], &runs);
            closedir(folder);
        }
    }
    printf("%u inputs replayed\n", runs);
    return bad != 0 || runs == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
