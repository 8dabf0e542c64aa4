/* Programs that copy and back up: cut in the middle, they leave half a copy. */
#include "base/array.h"
#include "bridges/agent/watch/found.h"
#include "bridges/agent/watch/programs.h"
#include "bridges/agent/watch/watch_internal.h"

static const struct program programs[] = {
    {.name = "rsync", .resident = {"--daemon"}},
    {.name = "rclone", .resident = {"mount", "serve", "rcd", "nfsmount"}},
    {.name = "borg", .resident = {"mount"}},
    {.name = "borgmatic"},
    {.name = "restic", .resident = {"mount"}},
    {.name = "kopia", .resident = {"server", "mount"}},
    {.name = "duplicity"},
    {.name = "duplicati-cli"},
    {.name = "rdiff-backup"},
    {.name = "rsnapshot"},
    {.name = "btrbk"},
    {.name = "syncoid"},
    {.name = "bup"},
    {.name = "tarsnap"},
    {.name = "autorestic"},
    {.name = "resticprofile"},
    {.name = "timeshift"},
    {.name = "vzdump"},
    {.name = "fsarchiver"},
    {.name = "snapraid"},
    {.name = "scp"},
    {.name = "sftp"},
    {.name = "sftp-server"},
    {.name = "lftp"},
    {.name = "dd"},
    {.name = "ddrescue"},
    {.name = "tar"},
    {.name = "bsdtar"},
    {.name = "cpio"},
    {.name = "pv"},
    {.name = "mbuffer"},
    {.name = "partclone.ext4"},
    {.name = "partclone.btrfs"},
    {.name = "partclone.xfs"},
    {.name = "pg_dump"},
    {.name = "pg_dumpall"},
    {.name = "pg_restore"},
    {.name = "pg_basebackup"},
    {.name = "mysqldump"},
    {.name = "mariadb-dump"},
    {.name = "mariadb-backup"},
    {.name = "mariabackup"},
    {.name = "xtrabackup"},
    {.name = "mongodump"},
    {.name = "mongorestore"},
    {.name = "zfs", .brief = true},
    {.name = "btrfs", .brief = true},
    {.name = "cp", .brief = true},
    {.name = "mv", .brief = true},
    {.name = "zip", .brief = true},
    {.name = "unzip", .brief = true},
    {.name = "7z", .brief = true},
    {.name = "7zz", .brief = true},
    {.name = "gzip", .brief = true},
    {.name = "pigz", .brief = true},
    {.name = "bzip2", .brief = true},
    {.name = "xz", .brief = true},
    {.name = "zstd", .brief = true},
    {.name = "wget", .brief = true},
    {.name = "curl", .brief = true},
    {.name = "aria2c", .resident = {"--enable-rpc", "--enable-rpc=true"}, .brief = true},
    {.name = "yt-dlp"},
};

static bool counts(const struct watch_config *config)
{
    return config->copies;
}

/* The owner's list takes the place of the table. */
static const char *find(const struct watch *watch, const struct process *process)
{
    const struct watch_config *config = watch->config;
    const struct program *found =
        config->n_copies > 0 ? NULL
                             : program_find(&watch->walk, process, programs, ARRAY_SIZE(programs));
    for (size_t i = 0; i < config->n_copies && !process->kernel; i++)
        if (proc_is_named(process->name, config->copy_programs[i]))
            return process->name;
    return found ? found->name : NULL;
}

static void look(struct watch *watch)
{
    struct sample_found *copies = &watch->sight.sample.copies;
    *copies = (struct sample_found){.problem = watch->walk.problem};
    for (size_t i = 0; i < watch->walk.n; i++) {
        const char *name = find(watch, &watch->walk.list[i]);
        if (name && !watch_ignores(watch, name))
            found_add(copies, name, "");
    }
}

static void judge(const struct watch_config *config, const struct watch_sample *sample,
                  struct vetoes *vetoes)
{
    (void)config;
    found_judge(&sample->copies, "copies", FACT_VETO_COPY, vetoes);
}

const struct veto_check veto_copies = {"copies", false, counts, look, judge, VETO_PROBLEM(copies)};
