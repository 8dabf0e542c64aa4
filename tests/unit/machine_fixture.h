/*
 * machine_fixture: a machine that is made of files, for the checks of the agent that look at
 * processes, locks, units and guests: a /proc and control groups of its own below a folder, and a
 * watch that looks there. What asks logind is answered at once.
 */
#ifndef HALL_TESTS_MACHINE_FIXTURE_H
#define HALL_TESTS_MACHINE_FIXTURE_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "bridges/agent/watch/watch_internal.h"
#include "say/say.h"
#include "unit.h"

enum { NOW = 10000000, TICK = 10, OLD = 600000, KERNEL = 0x00200000, PATH = 600 };

static char root[64];
static struct watch_config config;
static struct watch *watch;
static struct vetoes vetoes;
static struct logind_units busy; /* of systemd */

/* ---- the fakes: each is linked in place of what it is named after ---- */

void logind_list_sessions(struct logind *logind, struct logind_sessions *sessions,
                          void (*done)(void *context), void *context)
{
    done(context);
}

void logind_list_inhibitors(struct logind *logind, struct logind_inhibitors *inhibitors,
                            void (*done)(void *context), void *context)
{
    done(context);
}

void logind_ask_can(struct logind *logind, struct logind_can *can, void (*done)(void *context),
                    void *context)
{
    done(context);
}

void logind_list_busy_units(struct logind *logind, struct logind_units *units,
                            void (*done)(void *context), void *context)
{
    *units = busy;
    done(context);
}

/* ---- the machine ---- */

static void make_folders(char *path)
{
    for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        (void)mkdir(path, 0755);
        *at = '/';
    }
}

static void put_bytes(const char *name, const char *bytes, size_t length)
{
    char path[PATH];
    snprintf(path, sizeof path, "%s%s", root, name);
    make_folders(path);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void put(const char *name, const char *text)
{
    put_bytes(name, text, strlen(text));
}

struct made {
    int pid, parent;
    const char *name;
    const char *words; /* of its command line, '|' between them */
    int64_t age;       /* 0: long */
    bool terminal;
    unsigned flags;
};

static void run(struct made made)
{
    char path[PATH], text[512];
    const int64_t age = made.age > 0 ? made.age : OLD;
    snprintf(path, sizeof path, "/proc/%d/stat", made.pid);
    snprintf(text, sizeof text,
             "%d (%s) S %d 1 1 %d -1 %u 0 0 0 0 0 0 0 0 20 0 1 0 %d 0 0 18446744073709551615\n",
             made.pid, made.name, made.parent, made.terminal ? 34816 : 0, made.flags,
             (int)((NOW - age) / TICK));
    put(path, text);
    snprintf(path, sizeof path, "/proc/%d/cmdline", made.pid);
    snprintf(text, sizeof text, "%s|", made.words ? made.words : made.name);
    const size_t length = strlen(text);
    for (size_t i = 0; i < length; i++)
        if (text[i] == '|')
            text[i] = '\0';
    put_bytes(path, text, length);
}

static int forget(const char *path, const struct stat *status, int type, struct FTW *place)
{
    return remove(path);
}

static int begin(void **state)
{
    snprintf(root, sizeof root, "/tmp/hall-checks-XXXXXX");
    if (!mkdtemp(root))
        return -1;
    watch = calloc(1, sizeof *watch);
    busy = (struct logind_units){0};
    config = (struct watch_config){0};
    watch->config = &config;
    watch->walk.root = root;
    watch->pending = 1;
    run((struct made){.pid = 1, .parent = 0, .name = "systemd", .words = "/sbin/init"});
    run((struct made){.pid = 2, .parent = 0, .name = "kthreadd", .words = "", .flags = KERNEL});
    return watch ? 0 : -1;
}

static int end(void **state)
{
    walk_finish(&watch->walk);
    free(watch);
    return nftw(root, forget, 16, FTW_DEPTH | FTW_PHYS);
}

static void look(const struct veto_check *check)
{
    walk_take(&watch->walk, NOW, true);
    check->look(watch);
    assert_int_equal(watch->pending, 1);
    vetoes_judge(&config, &watch->sight.sample, false, &vetoes);
}

/* All vetoes, in English, one a line. */
static void expect(const struct veto_check *check, const char *sentences)
{
    char all[2048] = "", one[512];
    look(check);
    for (size_t i = 0; i < vetoes.n; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s\n",
                 say_fact_text(&vetoes.list[i], NULL, (struct say_how){0}, one, sizeof one));
    assert_string_equal(all, sentences);
}

#define CHECK(test_) cmocka_unit_test_setup_teardown(test_, begin, end)

#endif
