/* places: where an installed Hall has its files. Pure data. */
#ifndef HALL_BASE_PLACES_H
#define HALL_BASE_PLACES_H

#define PLACE_CONFIG "/var/lib/hall/domains.json"
/* Where it lay while Hall was installed by hand; the package moves it. */
#define PLACE_CONFIG_OF_OLD "/etc/hall/domains.json"

#endif
