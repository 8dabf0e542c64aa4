/* What this machine has: files, programs, users. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "base/places.h"
#include "base/zone.h"
#include "hallctl/setup/network.h"
#include "hallctl/setup/setup.h"

enum { FILE_MAX = 4 << 20, HOSTNAME_SIZE = 256 };

#define BROKER_FOLDER "/etc/mosquitto"
#define CERTIFICATES  "/etc/letsencrypt/live"

/* ---- files ---- */

static char *read_open(struct arena *arena, int fd, int *ret_error)
{
    struct stat status = {0};

    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
        *ret_error = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
        return NULL;
    }
    *ret_error = EFBIG;
    if (status.st_size > FILE_MAX)
        return NULL;
    char *text = arena_alloc(arena, (size_t)status.st_size + 1, 1);
    ssize_t length = 0, n = 1;
    while (text && length < status.st_size && n > 0)
        if ((n = read(fd, text + length, (size_t)(status.st_size - length))) > 0)
            length += n;
    *ret_error = text && n >= 0 ? 0 : text ? errno : ENOMEM;
    return *ret_error == 0 ? text : NULL;
}

const char *setup_read(struct arena *arena, const char *path, struct setup_notes *notes)
{
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    int error = fd < 0 ? errno : 0;
    const char *text = fd < 0 ? NULL : read_open(arena, fd, &error);

    if (fd >= 0)
        (void)close(fd);
    if (error != 0 && error != ENOENT && error != ENOTDIR)
        setup_note(notes, SETUP_UNREADABLE, path, strerror(error), NULL);
    return text;
}

static struct setup_file look(const char *path, struct setup_notes *notes)
{
    return (struct setup_file){.path = path, .text = setup_read(notes->arena, path, notes)};
}

/* Where Hall's package put its own files; HALL_SHARE names the folder of the broker's. */
static const char *share_of(struct arena *arena, const char *folder, const char *name)
{
    const char *share = getenv("HALL_SHARE");

    if (!share || share[0] != '/')
        share = "/usr/share/hall/broker";
    return strcmp(folder, "broker") == 0 ? arena_printf(arena, "%s/%s", share, name)
                                         : arena_printf(arena, "%s/../%s/%s", share, folder, name);
}

const char *setup_share(struct arena *arena, const char *name)
{
    return share_of(arena, "broker", name);
}

/* ---- the broker ---- */

/* What says who may listen and enter. Debian's own main file has none of these. */
static const char *const foreign_words[] = {"listener",
                                            "port",
                                            "bind_address",
                                            "socket_domain",
                                            "per_listener_settings",
                                            "allow_anonymous",
                                            "password_file",
                                            "acl_file",
                                            "psk_file",
                                            "plugin",
                                            "auth_plugin",
                                            "cafile",
                                            "certfile",
                                            "use_username_as_clientid",
                                            "use_identity_as_username",
                                            "use_subject_as_username",
                                            NULL};

static const char *foreign_word(const char *text)
{
    for (const char *line = text; line && *line;) {
        line += strspn(line, " \t\r\n");
        const size_t length = strcspn(line, " \t\r\n");
        for (const char *const *word = foreign_words; *word; word++)
            if (strlen(*word) == length && memcmp(line, *word, length) == 0)
                return *word;
        line += strcspn(line, "\n");
    }
    return NULL;
}

static void look_foreign(struct setup_broker *broker, const char *path, struct setup_notes *notes)
{
    const char *word = foreign_word(setup_read(notes->arena, path, notes));

    if (!word)
        return;
    broker->foreign_file = path;
    broker->foreign_word = word;
}

static bool ends_in(const char *name, const char *end)
{
    const size_t length = strlen(name), tail = strlen(end);

    return length > tail && strcmp(name + length - tail, end) == 0;
}

static void find_broker(struct setup_broker *broker, struct setup_notes *notes)
{
    struct arena *arena = notes->arena;
    DIR *folder = opendir(BROKER_FOLDER "/conf.d");

    look_foreign(broker, BROKER_FOLDER "/mosquitto.conf", notes);
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        if (ends_in(entry->d_name, ".conf") && strcmp(entry->d_name, "hall.conf") != 0)
            look_foreign(broker, arena_printf(arena, BROKER_FOLDER "/conf.d/%s", entry->d_name),
                         notes);
    if (folder)
        closedir(folder);
    broker->installed = access("/usr/sbin/mosquitto", X_OK) == 0;
    broker->has_certificate = access(BROKER_FOLDER "/certs/server.crt", F_OK) == 0;
    broker->drop_in = look(BROKER_FOLDER "/conf.d/hall.conf", notes);
    broker->acl = look(BROKER_FOLDER "/acl", notes);
    broker->users = look(BROKER_FOLDER "/passwords", notes);
    broker->names = look(BROKER_FOLDER "/certs/server.names", notes);
    broker->share_drop_in = setup_read(arena, share_of(arena, "broker", "mosquitto.conf"), notes);
    broker->share_acl = setup_read(arena, share_of(arena, "broker", "acl"), notes);
}

/* ---- the proxies ---- */

static void find_proxy(const struct proxy_place *place, struct proxy_found *found,
                       struct setup_notes *notes)
{
    struct arena *arena = notes->arena;

    found->installed = access(place->program, F_OK) == 0;
    if (!found->installed)
        return;
    found->file = place->file ? setup_read(arena, place->file, notes) : NULL;
    found->includer = place->includer ? setup_read(arena, place->includer, notes) : NULL;
    found->script = place->script ? setup_read(arena, place->script, notes) : NULL;
    found->share =
        place->share ? setup_read(arena, share_of(arena, "proxy", place->share), notes) : NULL;
}

static void find_certificates(struct arena *arena, struct setup_found *found)
{
    DIR *folder = opendir(CERTIFICATES);

    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        const char *file = arena_printf(arena, CERTIFICATES "/%s/fullchain.pem", entry->d_name);
        if (file && access(file, F_OK) == 0 && found->n_certificates < SETUP_LIST_MAX)
            found->certificates[found->n_certificates++] = arena_copy(arena, entry->d_name);
    }
    if (folder)
        closedir(folder);
}

/* ---- users ---- */

static void add_home(struct setup_found *found, const struct passwd *user,
                     struct setup_notes *notes)
{
    if (!user || user->pw_dir[0] != '/')
        return;
    struct setup_home *home = &found->homes[found->n_homes++];
    home->settings =
        look(arena_printf(notes->arena, "%s/.config/hall/hallctl.json", user->pw_dir), notes);
    home->uid = user->pw_uid;
    home->gid = user->pw_gid;
}

/* root's, and that of who ran sudo. */
static void find_homes(struct setup_found *found, struct setup_notes *notes)
{
    const char *text = getenv("SUDO_UID");
    int64_t uid;

    add_home(found, getpwuid(0), notes);
    if (text && number_parse(text, 1, UINT32_MAX - 1, &uid) == 0)
        add_home(found, getpwuid((uid_t)uid), notes);
}

/* ---- all ---- */

/* Takes quotation marks away, as systemd does (systemd.exec(5), EnvironmentFile=). In place. */
static char *unquote(char *value)
{
    const char quote = value[0];
    char *to = value;

    if (quote != '"' && quote != '\'')
        return value;
    for (const char *from = value + 1; *from && *from != quote; from++) {
        if (*from == '\\' && quote == '"' && from[1])
            from++;
        *to++ = *from;
    }
    *to = '\0';
    return value;
}

const char *setup_variable(struct arena *arena, const char *text, const char *key)
{
    const size_t length = strlen(key);
    char *value = NULL;

    for (const char *line = text; line && *line; line += *line == '\n') {
        const size_t end = strcspn(line, "\n");
        if (end > length && memcmp(line, key, length) == 0 && line[length] == '=')
            value = arena_copy_part(arena, line + length + 1, end - length - 1);
        line += end;
    }
    return value && unquote(value)[0] ? value : NULL;
}

/* The zone that /etc/localtime leads to. */
static const char *find_timezone(struct arena *arena)
{
    static const char zones[] = "/zoneinfo/";
    char target[256];
    const ssize_t length = readlink("/etc/localtime", target, sizeof(target) - 1);

    target[length > 0 ? length : 0] = '\0';
    const char *at = strstr(target, zones);
    return at ? arena_copy(arena, at + strlen(zones)) : NULL;
}

int setup_find(struct arena *arena, struct setup_found *ret_found, struct setup_notes *notes)
{
    char hostname[HOSTNAME_SIZE] = "hall";

    if (gethostname(hostname, sizeof(hostname) - 1) < 0)
        strcpy(hostname, "hall");
    ret_found->hostname = arena_copy(arena, hostname);
    ret_found->timezone = find_timezone(arena);
    ret_found->domains = look(places_config(), notes);
    ret_found->environment = look(PLACE_ENVIRONMENT, notes);
    network_find(ret_found);
    if (ret_found->n_interfaces == 0)
        setup_note(notes, SETUP_NO_INTERFACE, NULL);
    find_broker(&ret_found->broker, notes);
    for (size_t i = 0; i < PROXY_PLACES; i++)
        find_proxy(&proxy_places[i], &ret_found->proxies[i], notes);
    find_certificates(arena, ret_found);
    find_homes(ret_found, notes);
    ret_found->n_listeners = setup_find_listeners(ret_found->listeners, SETUP_LISTENERS_MAX);
    return notes->errors > 0 ? -EINVAL : 0;
}
