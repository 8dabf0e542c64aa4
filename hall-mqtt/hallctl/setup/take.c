/* What was answered, taken apart and looked at as far as that needs nothing else. */
#include <stdarg.h>
#include <string.h>

#include "base/text.h"
#include "hallctl/setup/setup.h"

enum { SHOWN_MAX = 96 };

static const char *shown(struct arena *arena, const char *text)
{
    char out[SHOWN_MAX];

    return arena_copy(arena, text_show(out, sizeof(out), text, strlen(text)));
}

void setup_note(struct setup_notes *notes, enum setup_code code, ...)
{
    const struct setup_row *row = &setup_rows[code];
    va_list values;

    notes->errors += row->is_error;
    if (notes->n == SETUP_NOTES_MAX)
        return;
    struct setup_note *note = &notes->all[notes->n++];
    note->code = code;
    va_start(values, code);
    for (size_t i = 0; i < SETUP_PARAMS_MAX && row->params[i]; i++) {
        const char *value = va_arg(values, const char *);
        note->values[i] = value ? arena_copy(notes->arena, value) : "";
    }
    va_end(values);
}

/* Cuts "a=b,c,d" into up to n parts, of the arena; the last takes what is left. The number of
 * parts. */
static size_t cut(struct arena *arena, const char *text, const char **parts, size_t n)
{
    char *rest = arena_copy(arena, text);
    size_t used = 0;

    while (rest && used < n) {
        const size_t length = strcspn(rest, used == 0 ? "=" : ",");
        const bool more = rest[length] != '\0' && used + 1 < n;

        parts[used++] = rest;
        if (!more)
            break;
        rest[length] = '\0';
        rest += length + 1;
    }
    return used;
}

bool setup_is_elsewhere(const struct setup_answers *answers)
{
    return answers->broker && strcmp(answers->broker, "local") != 0;
}

/* ---- servers ---- */

const char *const setup_roles[] = {"hall", "homeassistant", "operator", "viewer", NULL};

static bool is_role(const char *id)
{
    for (const char *const *role = setup_roles; *role; role++)
        if (strcmp(id, *role) == 0)
            return true;
    return false;
}

static bool is_machine(const char *text)
{
    struct in_addr address;

    if (text_parse_ipv4(text, &address) < 0)
        return false;
    const uint32_t value = ntohl(address.s_addr);
    return value >> 24 != 0 && value >> 28 < 14;
}

static void check_server(const struct setup_answers *answers, const struct setup_server *server,
                         struct setup_notes *notes)
{
    struct arena *arena = notes->arena;
    uint8_t mac[6];

    if (!text_is_slug(server->id)) {
        setup_note(notes, SETUP_SERVER_ID, shown(arena, server->id), NULL);
        return;
    }
    if (is_role(server->id))
        setup_note(notes, SETUP_SERVER_ROLE, server->id, NULL);
    for (size_t i = 0; i < answers->n_servers; i++)
        if (strcmp(answers->servers[i].id, server->id) == 0)
            setup_note(notes, SETUP_SERVER_TWICE, server->id, NULL);
    if (!is_machine(server->address))
        setup_note(notes, SETUP_SERVER_ADDRESS, server->id, shown(arena, server->address), NULL);
    if (server->mac && text_parse_mac(server->mac, mac) < 0)
        setup_note(notes, SETUP_SERVER_MAC, server->id, shown(arena, server->mac), NULL);
}

void setup_take_server(struct setup_answers *answers, const char *text, struct setup_notes *notes)
{
    const char *parts[3] = {0};

    if (answers->n_servers == SETUP_LIST_MAX) {
        setup_note(notes, SETUP_TOO_MANY, "--server", NULL);
        return;
    }
    if (cut(notes->arena, text, parts, 3) < 2) {
        setup_note(notes, SETUP_SERVER_FORM, shown(notes->arena, text), NULL);
        return;
    }
    const struct setup_server server = {.id = parts[0], .address = parts[1], .mac = parts[2]};
    check_server(answers, &server, notes);
    answers->servers[answers->n_servers++] = server;
}

/* ---- sites ---- */

static bool is_policy(const char *text)
{
    return strcmp(text, "on_demand") == 0 || strcmp(text, "always_on") == 0;
}

/* Host names are compared without case. */
static const char *lower(struct arena *arena, const char *text)
{
    char *copy = arena_copy(arena, text);

    for (char *at = copy; at && *at; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
    return copy;
}

void setup_take_site(struct setup_answers *answers, const char *text, struct setup_notes *notes)
{
    const char *parts[4] = {0};

    if (answers->n_sites == SETUP_LIST_MAX) {
        setup_note(notes, SETUP_TOO_MANY, "--site", NULL);
        return;
    }
    if (cut(notes->arena, text, parts, 4) < 2 || parts[0][0] == '\0' || parts[1][0] == '\0') {
        setup_note(notes, SETUP_SITE_FORM, shown(notes->arena, text), NULL);
        return;
    }
    const struct setup_site site = {.host = lower(notes->arena, parts[0]),
                                    .server = parts[1],
                                    .upstream = parts[2],
                                    .policy = parts[3]};
    if (parts[3] && !is_policy(parts[3]))
        setup_note(notes, SETUP_SITE_POLICY, shown(notes->arena, site.host),
                   shown(notes->arena, parts[3]), NULL);
    for (size_t i = 0; i < answers->n_sites; i++)
        if (site.host && strcmp(answers->sites[i].host, site.host) == 0)
            setup_note(notes, SETUP_SITE_TWICE, shown(notes->arena, site.host), NULL);
    answers->sites[answers->n_sites++] = site;
}
