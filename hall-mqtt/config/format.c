#include "config/format.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/number.h"
#include "base/text.h"
#include "base/zone.h"
#include "core/model.h"

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

enum wording format_keep(struct arena *arena, const char *text, void *target)
{
    const char *copy = arena_copy(arena, text);
    if (copy)
        memcpy(target, &copy, sizeof(copy));
    return WORDING_NONE;
}

const struct format format_any = {.allowed = WORDING_ANY_TEXT, .parse = format_keep};

static enum wording parse_text(struct arena *arena, const char *text, void *target)
{
    if (text[0] == '\0' || text_has_control(text))
        return WORDING_TEXT;
    return format_keep(arena, text, target);
}

const struct format format_text = {
    .allowed = WORDING_TEXT,
    .pattern = "^[^\\u0000-\\u001f\\u007f]+$",
    .parse = parse_text,
};

static enum wording parse_slug(struct arena *arena, const char *text, void *target)
{
    return text_is_slug(text) ? format_keep(arena, text, target) : WORDING_SLUG;
}

const struct format format_slug = {
    .allowed = WORDING_SLUG,
    .pattern = "^[a-z0-9_-]{1,64}$",
    .parse = parse_slug,
};

static enum wording parse_method(struct arena *arena, const char *text, void *target)
{
    size_t length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-");
    return length > 0 && text[length] == '\0' ? format_keep(arena, text, target) : WORDING_METHOD;
}

const struct format format_method = {
    .allowed = WORDING_METHOD,
    .pattern = "^[A-Z-]+$",
    .parse = parse_method,
};

static enum wording parse_zone(struct arena *arena, const char *text, void *target)
{
    return zone_exists(text) ? format_keep(arena, text, target) : WORDING_ZONE;
}

const struct format format_zone = {
    .allowed = WORDING_ZONE,
    .pattern = "^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$",
    .parse = parse_zone,
};

static enum wording parse_interface(struct arena *arena, const char *text, void *target)
{
    size_t length = strlen(text);
    if (length == 0 || length >= IFNAMSIZ || text[strspn(text, ALNUM "_.:@-")] != '\0' ||
        strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return WORDING_INTERFACE;
    return format_keep(arena, text, target);
}

const struct format format_interface = {
    .allowed = WORDING_INTERFACE,
    .pattern = "^[A-Za-z0-9_.:@-]{1,15}$",
    .parse = parse_interface,
};

const struct format format_file = {
    .allowed = WORDING_FILE,
    .pattern = "^[^\\u0000-\\u001f\\u007f]+$",
    .parse = parse_text,
};

static enum wording parse_container(struct arena *arena, const char *text, void *target)
{
    if (strchr("_.-", text[0]) || text[strspn(text, ALNUM "_.-")] != '\0')
        return WORDING_CONTAINER;
    return format_keep(arena, text, target);
}

const struct format format_container = {
    .allowed = WORDING_CONTAINER,
    .pattern = "^[A-Za-z0-9][A-Za-z0-9_.-]*$",
    .parse = parse_container,
};

static enum wording parse_ipv4(struct arena *arena, const char *text, void *target)
{
    (void)arena;
    return text_parse_ipv4(text, target) < 0 ? WORDING_IPV4 : WORDING_NONE;
}

#define IPV4_PATTERN "^[0-9]{1,3}(\\.[0-9]{1,3}){3}"

const struct format format_ipv4 = {
    .allowed = WORDING_IPV4,
    .pattern = IPV4_PATTERN "$",
    .parse = parse_ipv4,
};

static enum wording parse_unicast(struct arena *arena, const char *text, void *target)
{
    struct in_addr address;
    (void)arena;
    if (text_parse_ipv4(text, &address) < 0)
        return WORDING_MACHINE;
    uint32_t host = ntohl(address.s_addr);
    if (host >> 24 == 0 || host >> 28 >= 0xe) /* 0.0.0.0/8, multicast, reserved, broadcast */
        return WORDING_ONE_MACHINE;
    memcpy(target, &address, sizeof(address));
    return WORDING_NONE;
}

const struct format format_unicast = {
    .allowed = WORDING_MACHINE,
    .pattern = IPV4_PATTERN "$",
    .parse = parse_unicast,
};

static enum wording parse_cidr(struct arena *arena, const char *text, void *target)
{
    (void)arena;
    return cidr_parse(text, target) < 0 ? WORDING_CIDR : WORDING_NONE;
}

const struct format format_cidr = {
    .allowed = WORDING_CIDR,
    .pattern = "^([0-9]{1,3}(\\.[0-9]{1,3}){3}(/[0-9]{1,2})?|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*(/"
               "[0-9]{1,3})?)$",
    .parse = parse_cidr,
};

static enum wording parse_endpoint(struct arena *arena, const char *text, void *target)
{
    (void)arena;
    return text_parse_endpoint(text, target) < 0 ? WORDING_ENDPOINT : WORDING_NONE;
}

const struct format format_endpoint = {
    .allowed = WORDING_ENDPOINT,
    .pattern = IPV4_PATTERN ":[0-9]{1,5}$",
    .parse = parse_endpoint,
};

static enum wording parse_mac(struct arena *arena, const char *text, void *target)
{
    static const uint8_t zero[6];
    uint8_t mac[6];
    (void)arena;
    if (text_parse_mac(text, mac) < 0)
        return WORDING_MAC;
    if ((mac[0] & 1) != 0 || memcmp(mac, zero, sizeof(mac)) == 0)
        return WORDING_ONE_MAC;
    memcpy(target, mac, sizeof(mac));
    return WORDING_NONE;
}

const struct format format_mac = {
    .allowed = WORDING_MAC,
    .pattern = "^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$|^([0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}$",
    .parse = parse_mac,
};

/* "11:22:33:44", which text_parse_mac reads once two bytes are put behind it. */
static bool parse_four_bytes(const char *text, uint8_t bytes[6])
{
    char padded[MAC_TEXT_SIZE];
    if (strlen(text) != 11)
        return false;
    snprintf(padded, sizeof(padded), "%s%c00%c00", text, text[2], text[2]);
    return text_parse_mac(padded, bytes) == 0;
}

static enum wording parse_secureon(struct arena *arena, const char *text, void *target)
{
    struct model_wake *wake = target;
    struct in_addr dotted;
    uint8_t bytes[6] = {0};
    uint8_t length = 4;
    (void)arena;

    if (text_parse_mac(text, bytes) == 0)
        length = 6;
    else if (text_parse_ipv4(text, &dotted) == 0)
        memcpy(bytes, &dotted, 4);
    else if (!parse_four_bytes(text, bytes))
        return WORDING_SECUREON;
    memcpy(wake->secureon, bytes, sizeof(bytes));
    wake->secureon_length = length;
    return WORDING_NONE;
}

const struct format format_secureon = {
    .allowed = WORDING_SECUREON,
    .pattern = "^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){3}(([:-][0-9A-Fa-f]{2}){2})?$"
               "|" IPV4_PATTERN "$",
    .parse = parse_secureon,
};

static int take_day(const char **at)
{
    static const char names[] = "montuewedthufrisatsun";
    for (int day = 0; day < 7; day++) {
        if (strncmp(*at, names + (ptrdiff_t)3 * day, 3) == 0) {
            *at += 3;
            return day;
        }
    }
    return -1;
}

/* "mon", "mon-fri" or "sat-mon", which goes round the end of the week. */
static bool take_day_range(const char **at, uint8_t *days)
{
    int first = take_day(at);
    int last = first;
    if (first >= 0 && **at == '-') {
        (*at)++;
        last = take_day(at);
    }
    if (first < 0 || last < 0)
        return false;
    for (int day = first;; day = (day + 1) % 7) {
        *days = (uint8_t)(*days | 1U << day);
        if (day == last)
            return true;
    }
}

static enum wording parse_days(struct arena *arena, const char *text, void *target)
{
    uint8_t days = 0;
    (void)arena;
    if (strcmp(text, "daily") == 0 || strcmp(text, "*") == 0) {
        *(uint8_t *)target = 0x7f;
        return WORDING_NONE;
    }
    for (;; text++) {
        if (!take_day_range(&text, &days))
            return WORDING_DAYS;
        if (*text != ',')
            break;
    }
    if (*text != '\0')
        return WORDING_DAYS;
    *(uint8_t *)target = days;
    return WORDING_NONE;
}

#define DAY "(mon|tue|wed|thu|fri|sat|sun)"

const struct format format_days = {
    .allowed = WORDING_DAYS,
    .pattern = "^(daily|\\*|" DAY "(-" DAY ")?(," DAY "(-" DAY ")?)*)$",
    .parse = parse_days,
};

/* Two digits at `at`; -1 where they are not. */
static int two_digits(const char *at)
{
    if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9')
        return -1;
    return (at[0] - '0') * 10 + (at[1] - '0');
}

static bool parse_time(const char *text, int most, void *target)
{
    if (strlen(text) != 5 || text[2] != ':')
        return false;
    int hour = two_digits(text);
    int minute = two_digits(text + 3);
    if (hour < 0 || minute < 0 || minute > 59 || hour * 60 + minute > most)
        return false;
    *(uint16_t *)target = (uint16_t)(hour * 60 + minute);
    return true;
}

static enum wording parse_time_from(struct arena *arena, const char *text, void *target)
{
    (void)arena;
    return parse_time(text, 24 * 60 - 1, target) ? WORDING_NONE : WORDING_TIME_FROM;
}

const struct format format_time_from = {
    .allowed = WORDING_TIME_FROM,
    .pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$",
    .parse = parse_time_from,
};

static enum wording parse_time_to(struct arena *arena, const char *text, void *target)
{
    (void)arena;
    return parse_time(text, 24 * 60, target) ? WORDING_NONE : WORDING_TIME_TO;
}

const struct format format_time_to = {
    .allowed = WORDING_TIME_TO,
    .pattern = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$",
    .parse = parse_time_to,
};

enum { LEAP_YEAR = 2000 };

static enum wording parse_date(struct arena *arena, const char *text, void *target)
{
    (void)arena;
    const bool every_year = strlen(text) == strlen("12-25");
    int year = LEAP_YEAR;
    if (!every_year) {
        if (strlen(text) != strlen("2026-12-25") || text[4] != '-' || two_digits(text) < 0 ||
            two_digits(text + 2) < 0)
            return WORDING_DATE;
        year = two_digits(text) * 100 + two_digits(text + 2);
        text += strlen("2026-");
    }
    int month = two_digits(text);
    int day = two_digits(text + 3);
    if (text[2] != '-' || year < 1970 || month < 1 || month > 12 || day < 1 ||
        day > clock_days_in_month(year, month))
        return WORDING_DATE;
    if (every_year)
        year = MODEL_EVERY_YEAR;
    *(struct model_date *)target =
        (struct model_date){.year = (int16_t)year, .month = (uint8_t)month, .day = (uint8_t)day};
    return WORDING_NONE;
}

const struct format format_date = {
    .allowed = WORDING_DATE,
    .pattern = "^([0-9]{4}-)?[0-9]{2}-[0-9]{2}$",
    .parse = parse_date,
};
