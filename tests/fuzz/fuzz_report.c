/* The first byte chooses the reader; the rest is what an agent published. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "bus/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *containers[] = {"web", "db"};
static struct model_site sites[] = {
    {.id = "one", .is_project = true, .n_containers = 2, .containers = containers},
    {.id = "two", .is_project = true},
};
static const struct model model = {.n_sites = 2, .sites = sites};

static int read_one(uint8_t which, const uint8_t *data, size_t size, struct fleet_event *event,
                    char reason[REASON_SIZE])
{
    switch (which % 4) {
    case 0:
        return report_read_state(data, size, event, reason);
    case 1:
        return report_read_report(data, size, event, reason);
    case 2:
        return report_read_containers(&model, 0, data, size, event, reason);
    default:
        return report_read_result(data, size, event, reason);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fleet_event event;
    char reason[REASON_SIZE] = "";
    if (size == 0)
        return 0;
    int error = read_one(data[0], data + 1, size - 1, &event, reason);
    assert(error <= 0);
    assert((error == 0) == (reason[0] == '\0'));
    assert(!text_has_control(reason) && text_is_utf8(reason, strlen(reason)));
    if (error == 0 && event.kind == FLEET_CONTAINERS)
        assert(event.containers.n <= MODEL_PROJECTS_MAX);
    return 0;
}
