/* Until /api/v1 is there. */
#include <errno.h>
#include <time.h>

#include "web/api/api.h"

size_t api_body_max(const char *path)
{
    (void)path;
    return API_BODY_MAX;
}

void api_answer(struct api *api, const struct api_request *request, struct answer *answer)
{
    (void)api;
    (void)request;
    answer_begin(answer, 404);
    answer_problem(answer, "There is no such address below /api/v1.");
}

int api_stream(struct api *api, uint64_t *cursor, int64_t limit_ms, struct buf *out)
{
    const struct timespec pause = {.tv_sec = limit_ms / 1000};
    (void)api;
    (void)cursor;
    (void)out;
    nanosleep(&pause, NULL);
    return 0;
}
