/* Clients of the file server on this machine: of Samba, and of the kernel's NFS. One with open
 * files is use; so is one of which that cannot be seen, which is the rule: only root may see it. */
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/text.h"
#include "bridges/agent/watch/found.h"
#include "bridges/agent/watch/watch_internal.h"
#include "loop/sockets.h"

enum {
    PATH_SIZE = 512,
    TEXT_SIZE = 4096,
    CLIENT_SIZE = 64,
    FILES_MAX = 4096, /* of one client that are looked at */
    CLIENTS_MAX = 1024,
    NFS_PORT = 2049,
};

static bool counts(const struct watch_config *config)
{
    return config->shares;
}

static void add(struct watch *watch, bool unseen, const char *client, const char *protocol)
{
    struct watch_sample *sample = &watch->sight.sample;
    if (!watch_ignores(watch, client))
        found_add(unseen ? &sample->unseen_shares : &sample->shares, client, protocol);
}

/* ---- Samba ---- */

/* Its files are anywhere but where its own are. */
static bool is_shared_file(int folder, const char *name)
{
    static const char *const own[] = {"/dev/",     "/proc/",          "/run/",
                                      "/var/run/", "/var/lib/samba/", "/var/cache/samba/",
                                      "/var/log/", "/etc/",           "/usr/"};
    char target[PATH_SIZE];
    struct stat file;
    const ssize_t length = readlinkat(folder, name, target, sizeof(target) - 1);
    if (length <= 0 || target[0] != '/')
        return false;
    target[length] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(own); i++)
        if (strncmp(target, own[i], strlen(own[i])) == 0)
            return false;
    return fstatat(folder, name, &file, 0) == 0 && S_ISREG(file.st_mode);
}

/* "smbd: client [192.0.2.7]" is 192.0.2.7. */
static void name_client(const struct walk *walk, const struct process *process,
                        char ret_name[CLIENT_SIZE])
{
    char text[TEXT_SIZE];
    (void)walk_read(walk, process->pid, "cmdline", text, sizeof(text));
    const char *start = strchr(text, '[');
    const size_t length = start ? strcspn(start + 1, "]") : 0;
    if (length > 0)
        text_show(ret_name, CLIENT_SIZE, start + 1, length);
    else
        snprintf(ret_name, CLIENT_SIZE, "a client (pid %d)", process->pid);
}

static void look_at_samba(struct watch *watch, const struct process *process)
{
    char path[PATH_SIZE], client[CLIENT_SIZE];
    unsigned seen = 0;
    bool open = false;
    snprintf(path, sizeof(path), "%.200s/proc/%d/fd", watch->walk.root, process->pid);
    DIR *folder = opendir(path);
    if (!folder && (errno == ENOENT || errno == ESRCH))
        return; /* gone */
    name_client(&watch->walk, process, client);
    const struct dirent *entry;
    while (folder && !open && (entry = readdir(folder)) && seen++ < FILES_MAX)
        open = is_shared_file(dirfd(folder), entry->d_name);
    if (!folder || open || seen > FILES_MAX)
        add(watch, !open, client, "SMB");
    if (folder)
        closedir(folder);
}

/* Each client has a process below the first one; its other children have names with a dash. */
static bool is_samba_client(const struct walk *walk, const struct process *process)
{
    const struct process *parent = walk_find(walk, process->parent);
    return !process->kernel && strncmp(process->name, "smbd", 4) == 0 &&
           !strchr(process->name, '-') && parent && strncmp(parent->name, "smbd", 4) == 0;
}

/* ---- NFS ---- */

static bool read_client_file(const struct watch *watch, const char *client, const char *file,
                             char text[TEXT_SIZE])
{
    char path[PATH_SIZE];
    snprintf(path, sizeof(path), "%.200s/proc/fs/nfsd/clients/%.20s/%s", watch->walk.root, client,
             file);
    FILE *source = fopen(path, "re");
    if (!source)
        return false;
    const size_t length = fread(text, 1, TEXT_SIZE - 1, source);
    fclose(source);
    text[length] = '\0';
    return true;
}

/* Its states are lines such as "- 0x...: { type: open, access: rw, ... }"; its address is in the
 * line 'address: "192.0.2.7:712"'. */
static void look_at_nfs_client(struct watch *watch, const char *number)
{
    char info[TEXT_SIZE], states[TEXT_SIZE], client[CLIENT_SIZE];
    const bool seen = read_client_file(watch, number, "states", states);
    if (seen && !strstr(states, "type: open"))
        return;
    const char *address =
        read_client_file(watch, number, "info", info) ? strstr(info, "address: \"") : NULL;
    if (address)
        text_show(client, sizeof(client), address + 10, strcspn(address + 10, "\""));
    else
        snprintf(client, sizeof(client), "client %.20s", number);
    add(watch, !seen, client, "NFS");
}

static bool take_nfs_socket(void *context, const struct tcp_socket *socket)
{
    struct watch *watch = context;
    char client[INET6_ADDRSTRLEN] = "";
    if (socket->listening || socket->local_port != NFS_PORT)
        return true;
    const bool v4 = IN6_IS_ADDR_V4MAPPED(&socket->remote);
    (void)inet_ntop(v4 ? AF_INET : AF_INET6, &socket->remote.s6_addr[v4 ? 12 : 0], client,
                    sizeof(client));
    add(watch, true, client, "NFS");
    return true;
}

/* Who is not let into the list of clients sees who is connected. */
static void look_at_nfs_sockets(struct watch *watch)
{
    struct sockets *sockets = NULL;
    int error = sockets_create(&sockets);
    if (error == 0)
        error = sockets_list(sockets, take_nfs_socket, watch);
    sockets_destroy(sockets);
    if (error < 0)
        watch->sight.sample.shares.problem = FACT(LOOK_NO_SOCKETS);
}

static void look_at_nfs(struct watch *watch)
{
    char path[PATH_SIZE];
    unsigned seen = 0;
    snprintf(path, sizeof(path), "%.200s/proc/fs/nfsd/clients", watch->walk.root);
    DIR *folder = opendir(path);
    const struct dirent *entry;
    if (!folder) {
        look_at_nfs_sockets(watch);
        return;
    }
    while ((entry = readdir(folder)))
        if (isdigit((unsigned char)entry->d_name[0]) && seen++ < CLIENTS_MAX)
            look_at_nfs_client(watch, entry->d_name);
    if (seen > CLIENTS_MAX)
        watch->sight.sample.shares.problem = FACT(LOOK_TOO_MANY, .n = {CLIENTS_MAX});
    closedir(folder);
}

/* ---- both ---- */

static void look(struct watch *watch)
{
    const struct walk *walk = &watch->walk;
    struct watch_sample *sample = &watch->sight.sample;
    bool nfs = false;
    sample->shares = (struct sample_found){.problem = walk->problem};
    sample->unseen_shares = (struct sample_found){0};
    for (size_t i = 0; i < walk->n; i++) {
        nfs |= walk->list[i].kernel && strcmp(walk->list[i].name, "nfsd") == 0;
        if (is_samba_client(walk, &walk->list[i]))
            look_at_samba(watch, &walk->list[i]);
    }
    if (nfs)
        look_at_nfs(watch);
}

static void judge(const struct watch_config *config, const struct watch_sample *sample,
                  struct vetoes *vetoes)
{
    found_judge(&sample->shares, "shares", FACT_VETO_SHARE, vetoes);
    if (!veto_allows_unseen(config, &veto_shares))
        found_judge(&sample->unseen_shares, "shares", FACT_VETO_SHARE_UNSEEN, vetoes);
}

const struct veto_check veto_shares = {"shares", false, counts, look, judge, VETO_PROBLEM(shares)};
