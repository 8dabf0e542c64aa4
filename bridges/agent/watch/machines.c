/* Guests: virtual machines (QEMU of libvirt, of Proxmox or by hand) and system containers (LXC,
 * LXD, Incus, nspawn). Each is a machine of somebody's, and sleeps when its host does. */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "bridges/agent/watch/found.h"
#include "bridges/agent/watch/watch_internal.h"

enum { ARGUMENTS_SIZE = 4096, GUEST_NAME_SIZE = 64 };

/* The word in front of its name in the command line, or the beginning of the word that holds it. */
static const struct kind {
    const char *process, *kind, *word, *prefix;
    bool begins; /* names of processes that begin so */
} kinds[] = {
    {"qemu-system-", "qemu", "-name", NULL, true},
    {"qemu-kvm", "qemu", "-name", NULL, false},
    {"kvm", "qemu", "-name", NULL, false},
    {"cloud-hyperviso", "cloud-hypervisor", "--id", NULL, false},
    {"firecracker", "firecracker", "--id", NULL, false},
    {"VBoxHeadless", "virtualbox", "--comment", NULL, false},
    {"VirtualBoxVM", "virtualbox", "--comment", NULL, false},
    {"vmware-vmx", "vmware", NULL, NULL, false},
    {"libvirt_lxc", "lxc", "--name", NULL, false},
    {"lxc-start", "lxc", "-n", "[lxc monitor] ", false},
    {"lxd", "lxd", NULL, "[lxc monitor] ", false},
    {"incusd", "incus", NULL, "[lxc monitor] ", false},
    {"systemd-nspawn", "nspawn", "-M", "--machine=", false},
};

static bool counts(const struct watch_config *config)
{
    return config->guests;
}

static const struct kind *kind_of(const struct process *process)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds) && !process->kernel; i++)
        if (kinds[i].begins
                ? strncmp(process->name, kinds[i].process, strlen(kinds[i].process)) == 0
                : proc_is_named(process->name, kinds[i].process))
            return &kinds[i];
    return NULL;
}

/* "guest=web,debug-threads=on" and "web,debug-threads=on" are web; "[lxc monitor] /var/lib/lxc web"
 * too. */
static void cut_name(const char *words, char ret_name[GUEST_NAME_SIZE])
{
    const char *start = strncmp(words, "guest=", 6) == 0 ? words + 6 : words;
    const char *space = strrchr(start, ' ');
    start = space ? space + 1 : start;
    text_show(ret_name, GUEST_NAME_SIZE, start, strcspn(start, ","));
}

static void find_name(const struct walk *walk, const struct process *process,
                      const struct kind *kind, char ret_name[GUEST_NAME_SIZE])
{
    char text[ARGUMENTS_SIZE];
    const size_t length = walk_read(walk, process->pid, "cmdline", text, sizeof(text));
    const size_t prefix = kind->prefix ? strlen(kind->prefix) : 0;
    bool next = false;
    ret_name[0] = '\0';
    for (const char *at = walk_word(text, length, NULL); at; at = walk_word(text, length, at)) {
        if (next)
            cut_name(at, ret_name);
        else if (prefix > 0 && strncmp(at, kind->prefix, prefix) == 0)
            cut_name(at + prefix, ret_name);
        if (ret_name[0] != '\0')
            return;
        next = text_equal(at, kind->word);
    }
}

/* The daemons of LXD and Incus have the name of what stands for each of their guests. */
static void look(struct watch *watch)
{
    const struct walk *walk = &watch->walk;
    struct sample_found *guests = &watch->sight.sample.guests;
    *guests = (struct sample_found){.problem = walk->problem};
    for (size_t i = 0; i < walk->n; i++) {
        const struct kind *kind = kind_of(&walk->list[i]);
        char name[GUEST_NAME_SIZE];
        if (!kind)
            continue;
        find_name(walk, &walk->list[i], kind, name);
        const bool is_daemon = kind->prefix && !kind->word;
        if (name[0] == '\0' && !is_daemon)
            snprintf(name, sizeof(name), "pid %d", walk->list[i].pid);
        if (name[0] != '\0' && !watch_ignores(watch, name))
            found_add(guests, name, kind->kind);
    }
}

static void judge(const struct watch_config *config, const struct watch_sample *sample,
                  struct vetoes *vetoes)
{
    (void)config;
    found_judge(&sample->guests, "guests", FACT_VETO_GUEST, vetoes);
}

const struct veto_check veto_guests = {"guests", false, counts, look, judge, VETO_PROBLEM(guests)};
