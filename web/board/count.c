#include "web/board/count.h"

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
    [COUNT_REFUSED_SITE] = "refused_site",
    [COUNT_REFUSED_BROKEN] = "refused_broken",
    [COUNT_HELD] = "held",
    [COUNT_HELD_PASSED] = "held_passed",
    [COUNT_HELD_CROWDED] = "held_crowded",
    [COUNT_WAKES_READY] = "wakes_ready",
    [COUNT_WAKES_FAILED] = "wakes_failed",
    [COUNT_SLEEPS_ASLEEP] = "sleeps_asleep",
    [COUNT_SLEEPS_REFUSED] = "sleeps_refused",
    [COUNT_SLEEPS_FAILED] = "sleeps_failed",
    [COUNT_DROPPED_EVENTS] = "dropped_events",
    [COUNT_DROPPED_AWAITED] = "dropped_awaited",
    [COUNT_STORE_TROUBLES] = "store_troubles",
    [COUNT_STORE_REPAIRS] = "store_repairs",
};

const char *count_name(enum count count)
{
    return names[count];
}
