#include "web/count.h"

static const char *const names[COUNTS] = {
    [COUNT_PASSED] = "passed",
    [COUNT_PAGES] = "pages",
    [COUNT_PROBLEMS] = "problems",
    [COUNT_BARE] = "bare",
    [COUNT_UNKNOWN] = "unknown",
    [COUNT_REFUSED_ADDRESS] = "refused_address",
    [COUNT_REFUSED_CLIENT] = "refused_client",
    [COUNT_REFUSED_GUARD] = "refused_guard",
    [COUNT_REFUSED_ORIGIN] = "refused_origin",
    [COUNT_REFUSED_PROXY] = "refused_proxy",
    [COUNT_REFUSED_BROKEN] = "refused_broken",
    [COUNT_HELD] = "held",
    [COUNT_HELD_PASSED] = "held_passed",
    [COUNT_HELD_CROWDED] = "held_crowded",
};

const char *count_name(enum count count)
{
    return names[count];
}
