/*
 * hall-handout: hands out over HTTPS, each for one token and each once, what hallctl enroll gives
 * it. A program of its own, so that what strangers can reach has no rights and knows nothing else.
 *
 * On stdin, in this order: "listen ADDRESS PORT", which is answered by "ready PORT PIN"; then "item
 * NAME TOKEN LENGTH" with as many bytes behind its newline, "ask NAME TOKEN", and at last "serve";
 * later "yes" or "no" to what was asked. The end of stdin ends it. On stdout a line for each thing
 * that happens: "fetched NAME ADDRESS", "asked NAME ADDRESS", "again NAME ADDRESS", "wrong
 * ADDRESS", or "failed WHY". The exit status is 1 where it could not begin.
 */
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/number.h"
#include "handout/door.h"

enum { LINE_MAX_BYTES = 256, WORDS_MAX = 4, NOBODY = 65534, FILES_MAX = 64, COMPLAINTS_MAX = 20 };

/* Complaints of each kind: a flood of one hides none of the other. */
struct told {
    unsigned again, wrong;
};

struct handout {
    struct items items;
    struct tls_identity *identity;
    struct door *door; /* NULL: nobody said yet where to listen */
    struct told told;
};

static int fail(const char *why)
{
    printf("failed %s\n", why);
    fflush(stdout);
    return -EIO;
}

/* ---- what it tells ---- */

static void tell(const char *what, const struct item *item, const char *address)
{
    printf("%s %s %s\n", what, item->name, address);
    fflush(stdout);
}

static void on_fetched(void *context, const struct item *item, const char *address)
{
    (void)context;
    tell("fetched", item, address);
}

static void on_asked(void *context, const struct item *item, const char *address)
{
    (void)context;
    tell("asked", item, address);
}

static void on_again(void *context, const struct item *item, const char *address)
{
    struct told *told = context;

    if (told->again++ < COMPLAINTS_MAX)
        tell("again", item, address);
}

static void on_wrong(void *context, const char *address)
{
    struct told *told = context;

    if (told->wrong++ >= COMPLAINTS_MAX)
        return;
    printf("wrong %s\n", address);
    fflush(stdout);
}

/* ---- listening ---- */

/* All files of the machine are out of reach: its root is an empty folder that is deleted, in which
 * nothing can be made. */
static int leave_files(void)
{
    char folder[] = "/run/hall-handout-XXXXXX";

    if (!mkdtemp(folder))
        return -errno;
    const bool inside = chdir(folder) == 0;
    return rmdir(folder) < 0 || !inside || chroot(".") < 0 ? -errno : 0;
}

static int become_nobody(void)
{
    const bool done = setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
                      setresuid(NOBODY, NOBODY, NOBODY) == 0;

    return done ? 0 : -errno;
}

/* From now on it can open no file, start no program and read no other's memory. */
static int give_up_rights(void)
{
    const struct rlimit none = {0, 0}, files = {FILES_MAX, FILES_MAX};
    int error = 0;

    if (geteuid() == 0 && ((error = leave_files()) < 0 || (error = become_nobody()) < 0))
        return error;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
        setrlimit(RLIMIT_CORE, &none) < 0 || setrlimit(RLIMIT_FSIZE, &none) < 0 ||
        setrlimit(RLIMIT_NPROC, &none) < 0 || setrlimit(RLIMIT_NOFILE, &files) < 0)
        return -errno;
    return 0;
}

static int open_door(struct handout *handout, struct address address, uint16_t port)
{
    const struct door_listener listener = {.fetched = on_fetched,
                                           .asked = on_asked,
                                           .again = on_again,
                                           .wrong = on_wrong,
                                           .context = &handout->told};
    char pin[PIN_SIZE];

    handout->identity = tls_identity_create(pin);
    if (!handout->identity)
        return fail("OpenSSL cannot make a certificate");
    int error =
        door_create(&handout->items, handout->identity, address, port, &listener, &handout->door);
    if (error == 0)
        error = give_up_rights();
    if (error < 0)
        return fail(strerror(-error));
    printf("ready %u %s\n", (unsigned)door_port(handout->door), pin);
    fflush(stdout);
    return 0;
}

/* ---- what hallctl says ---- */

static int read_line(char line[LINE_MAX_BYTES])
{
    if (!fgets(line, LINE_MAX_BYTES, stdin))
        return -EPIPE;
    char *end = strchr(line, '\n');
    if (!end)
        return -EINVAL;
    *end = '\0';
    return 0;
}

static size_t split(char *line, char *ret_words[WORDS_MAX])
{
    size_t n = 0;
    char *rest = line, *word;

    while (n < WORDS_MAX && (word = strsep(&rest, " ")))
        ret_words[n++] = word;
    return rest ? 0 : n;
}

static int take_item(struct handout *handout, char *words[])
{
    int64_t length;

    if (number_parse(words[3], 1, ITEM_BYTES_MAX, &length) < 0)
        return -EINVAL;
    char *bytes = malloc((size_t)length);
    if (!bytes)
        return -ENOMEM;
    if (fread(bytes, 1, (size_t)length, stdin) != (size_t)length) {
        free(bytes);
        return -EPIPE;
    }
    return items_add(&handout->items, words[1], words[2], bytes, (size_t)length);
}

static int take_listen(struct handout *handout, char *words[])
{
    struct address address;
    int64_t port;

    if (handout->door || address_parse(words[1], &address) < 0 ||
        number_parse(words[2], 0, 65535, &port) < 0)
        return -EINVAL;
    return open_door(handout, address, (uint16_t)port);
}

/* 1: serve. */
static int take_line(struct handout *handout, char *line)
{
    char *words[WORDS_MAX] = {NULL};
    const size_t n = split(line, words);

    if (n == 4 && strcmp(words[0], "item") == 0)
        return take_item(handout, words);
    if (n == 3 && strcmp(words[0], "ask") == 0)
        return items_add(&handout->items, words[1], words[2], NULL, 0);
    if (n == 3 && strcmp(words[0], "listen") == 0)
        return take_listen(handout, words);
    return n == 1 && handout->door && strcmp(words[0], "serve") == 0 ? 1 : -EINVAL;
}

static int read_orders(struct handout *handout)
{
    char line[LINE_MAX_BYTES];
    int result = 0;

    while (result == 0) {
        result = read_line(line);
        if (result == 0)
            result = take_line(handout, line);
    }
    explicit_bzero(line, sizeof(line));
    return result < 0 ? result : 0;
}

/* ---- serving ---- */

static int serve(struct door *door)
{
    char answer[LINE_MAX_BYTES];
    int result = 0;

    while (result >= 0) {
        result = door_run(door, STDIN_FILENO);
        if (result <= 0)
            continue;
        if (read_line(answer) < 0)
            return 0; /* hallctl has ended */
        door_answer(door, strcmp(answer, "yes") == 0);
    }
    return result;
}

int main(void)
{
    static struct handout handout;

    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdin, NULL, _IONBF, 0); /* poll is to see all that is not read yet */
    int result = read_orders(&handout);
    if (result == -EINVAL)
        fail("its input is not understood");
    if (result == 0)
        result = serve(handout.door);
    door_destroy(handout.door);
    tls_identity_destroy(handout.identity);
    items_finish(&handout.items);
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
