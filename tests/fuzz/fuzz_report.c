/* The first byte chooses the reader; the rest is what an agent published. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "words/agent_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_one(uint8_t which, const uint8_t *data, size_t size, struct fleet_event *event,
                    struct containers_told *told, char reason[REASON_SIZE])
{
    switch (which % 4) {
    case 0:
        return report_read_state(data, size, event, reason);
    case 1:
        return report_read_report(data, size, event, reason);
    case 2:
        return report_read_containers(data, size, told, reason);
    default:
        return report_read_result(data, size, event, reason);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct containers_told told;
    struct fleet_event event = {0};
    char reason[REASON_SIZE] = "";
    if (size == 0)
        return 0;
    int error = read_one(data[0], data + 1, size - 1, &event, &told, reason);
    assert(error <= 0);
    assert((error == 0) == (reason[0] == '\0'));
    assert(!text_has_control(reason) && text_is_utf8(reason, strlen(reason)));
    assert(told.n <= CONTAINERS_TOLD_MAX);
    assert(event.kind != FLEET_REPORT || event.uses.n <= AGENT_USES_MAX);
    for (size_t i = 0; event.kind == FLEET_REPORT && i < event.uses.n; i++)
        assert(event.uses.list[i].holder[0] && !text_has_control(event.uses.list[i].holder) &&
               !text_has_control(fact_text(&event.uses.list[i].veto, 0, 0)) &&
               !text_has_control(fact_text(&event.uses.list[i].veto, 0, 1)));
    for (size_t i = 0; i < told.n; i++)
        assert((told.list[i].name[0] || told.list[i].project[0]) &&
               !text_has_control(told.list[i].name));
    return 0;
}
