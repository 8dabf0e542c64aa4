#include "hallctl/reader.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/zone.h"

enum say_language reader_language(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *locale = getenv(names[i]);

        if (locale && locale[0])
            return strncmp(locale, "fr", 2) == 0 ? SAY_FRENCH : SAY_ENGLISH;
    }
    return SAY_ENGLISH;
}

/* An IANA name from TZ or from the link /etc/localtime; else UTC. */
static const char *zone_name(void)
{
    static char name[PATH_MAX];
    const char *tz = getenv("TZ");
    const ssize_t length = tz ? -1 : readlink("/etc/localtime", name, sizeof(name) - 1);
    const char *found = tz ? tz + (tz[0] == ':') : "UTC";

    if (length > 0) {
        name[length] = '\0';
        const char *in = strstr(name, "/zoneinfo/");
        found = in ? in + strlen("/zoneinfo/") : "UTC";
    }
    if (found != name)
        memmove(name, found, strlen(found) < sizeof(name) ? strlen(found) + 1 : 1);
    return zone_exists(name) ? name : "UTC";
}

const struct local *reader_local(void)
{
    static struct zone_cache cache; /* large, and only one at a time is of use: TZ is global */
    static const struct zone_port zones = {.offset = zone_offset, .context = &cache};
    static struct local local;

    if (!local.zones)
        local = (struct local){&zones, zone_name(), say_days(reader_language())};
    return &local;
}

struct say_how reader_how(void)
{
    return (struct say_how){
        .language = reader_language(), .now = clock_now().wall, .local = reader_local()};
}

const char *reader_show(struct buf *text)
{
    const char *at = buf_text(text);
    struct buf shown = BUF_INIT(text->limit);
    char character[8];
    size_t step;

    for (size_t left = text->length; left > 0; at += step, left -= step) {
        step = text_utf8_step(at, left);
        step = step > 0 ? step : 1;
        buf_puts(&shown, text_show(character, sizeof(character), at, step));
    }
    buf_finish(text);
    *text = shown;
    return buf_text(text);
}
