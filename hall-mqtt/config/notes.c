/* What `hall --check` says of a configuration without errors. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

/* One container of one project. */
struct place {
    const struct model_site *site;
    const char *container;
};

static int compare(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    const int difference = strcmp(left->container, right->container);

    if (left->site->server != right->site->server)
        return left->site->server < right->site->server ? -1 : 1;
    return difference != 0 ? difference : strcmp(left->site->id, right->site->id);
}

static size_t list_places(const struct model *model, struct place *places)
{
    size_t n = 0;

    for (size_t i = 0; i < model->n_sites; i++)
        for (size_t k = 0; k < model->sites[i].n_containers; k++, n++)
            if (places)
                places[n] = (struct place){&model->sites[i], model->sites[i].containers[k]};
    return n;
}

static void note_shared(const struct config *config, const struct place *places, size_t n,
                        struct buf *out)
{
    char shown[160];

    buf_printf(out, "%s: note: container %s on server %s is shared by projects ", config->file,
               text_show(shown, sizeof(shown), places->container, strlen(places->container)),
               config->model.servers[places->site->server].id);
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " and ", places[i].site->id);
    buf_puts(out, "; it is stopped only when none of them is in use\n");
}

/* A project may list a container twice. */
static size_t drop_repeated(struct place *places, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        if (kept == 0 || places[kept - 1].site != places[i].site)
            places[kept++] = places[i];
    return kept;
}

int config_notes(const struct config *config, struct buf *out)
{
    const size_t n = list_places(&config->model, NULL);
    struct place *places = calloc(n + 1, sizeof(*places));
    size_t end;

    if (!places)
        return -ENOMEM;
    (void)list_places(&config->model, places);
    qsort(places, n, sizeof(*places), compare);
    for (size_t at = 0; at < n; at = end) {
        for (end = at + 1; end < n && places[at].site->server == places[end].site->server &&
                           strcmp(places[at].container, places[end].container) == 0;
             end++)
            ;
        const size_t projects = drop_repeated(&places[at], end - at);

        if (projects > 1)
            note_shared(config, &places[at], projects, out);
    }
    free(places);
    return 0;
}
