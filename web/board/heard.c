#include "web/board/heard.h"

#include <string.h>

void heard_init(struct heard_list *list)
{
    pthread_mutex_init(&list->lock, NULL);
}

void heard_finish(struct heard_list *list)
{
    pthread_mutex_destroy(&list->lock);
}

void heard_add(struct heard_list *list, const struct heard *heard)
{
    pthread_mutex_lock(&list->lock);
    list->all[list->next] = *heard;
    list->next = (list->next + 1) % HEARD_MAX;
    pthread_mutex_unlock(&list->lock);
}

size_t heard_find(struct heard_list *list, const char *token, struct heard ret_heard[HEARD_MAX])
{
    size_t n = 0;

    pthread_mutex_lock(&list->lock);
    for (size_t i = 0; i < HEARD_MAX; i++) {
        const struct heard *heard = &list->all[(list->next + i) % HEARD_MAX];

        if (heard->token[0] != '\0' && strcmp(heard->token, token) == 0)
            ret_heard[n++] = *heard;
    }
    pthread_mutex_unlock(&list->lock);
    return n;
}

const char *heard_header_name(enum heard_header header)
{
    static const char *const names[HEARD_HEADERS] = {
        [HEARD_HOST] = "X-Forwarded-Host",     [HEARD_FOR] = "X-Forwarded-For",
        [HEARD_PROTO] = "X-Forwarded-Proto",   [HEARD_URI] = "X-Forwarded-Uri",
        [HEARD_METHOD] = "X-Forwarded-Method",
    };

    return names[header];
}
