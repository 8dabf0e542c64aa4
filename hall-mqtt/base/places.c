#include "base/places.h"

#include <errno.h>
#include <unistd.h>

const char *places_config(void)
{
    return access(PLACE_CONFIG, F_OK) < 0 && errno == ENOENT &&
                   access(PLACE_CONFIG_OF_OLD, F_OK) == 0
               ? PLACE_CONFIG_OF_OLD
               : PLACE_CONFIG;
}
