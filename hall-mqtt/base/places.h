/* places: where an installed Hall has its files. */
#ifndef HALL_BASE_PLACES_H
#define HALL_BASE_PLACES_H

#define PLACE_CONFIG "/var/lib/hall/domains.json"
/* Where it lay while Hall was installed by hand; the package moves it. */
#define PLACE_CONFIG_OF_OLD "/etc/hall/domains.json"
#define PLACE_ENVIRONMENT   "/etc/hall/hall.env"

/* The first of them; the second where only an installation by hand is. */
const char *places_config(void);

#endif
